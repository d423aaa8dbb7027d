// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {PlonkVerifier} from "../../src/PlonkVerifier.sol";
import {Governed} from "../../src/governance/Governed.sol";
import {IModelRegistry} from "../../src/interfaces/IModelRegistry.sol";
import {IVerifierRouter} from "../../src/interfaces/IVerifierRouter.sol";
import {IZkmlRegistry} from "../../src/interfaces/IZkmlRegistry.sol";
import {VerifyingKey} from "../../src/libraries/VerifyingKey.sol";
import {ModelRegistry} from "../../src/registry/ModelRegistry.sol";
import {VerifierRouter} from "../../src/verify/VerifierRouter.sol";
import {Fixture} from "../Fixture.sol";
import {SilentToken, Token} from "../Token.sol";
import {Vm} from "../Vm.sol";

/// forge-config: default.isolate = true
contract ModelRegistryTest is Fixture {
    address private constant OWNER = address(0xA11CE);
    address private constant STRANGER = address(0xB0B);
    uint256 private constant FEE = 5e18;

    Token private token;
    PlonkVerifier private verifier;
    VerifierRouter private router;
    ModelRegistry private registry;
    bytes4 private system;

    function setUp() external {
        verifier = deploy();
        system = verifier.proofSystemId();
        token = new Token();
        router = new VerifierRouter(address(this), address(0));
        IVerifierRouter.Canary memory none;
        router.addRoute(system, address(verifier), none);
        registry = new ModelRegistry(address(this), address(0), token, router, FEE);
        token.mint(OWNER, 1000e18);
        vm.prank(OWNER);
        token.approve(address(registry), type(uint256).max);
    }

    function registration() private view returns (IModelRegistry.Registration memory r) {
        r.inputSchemaHash = keccak256("in");
        r.outputSchemaHash = keccak256("out");
        r.modelHash = keccak256("model");
        r.proofSystemId = system;
        r.royalty = 7;
        r.uri = "ar://x0123456789012345678901234567890123456789012345678901234567"; // 64 bytes
    }

    function register(bytes memory vk) private returns (uint256) {
        IModelRegistry.Registration memory r = registration();
        vm.prank(OWNER);
        return registry.register(r, vk, FEE);
    }

    /// forge-config: default.isolate = true
    function test_keepsWhatTheKeyAndTheOwnerSay() external {
        Claim memory c = load("words");
        token.mint(address(this), 1); // the treasury has something already
        IModelRegistry.Registration memory r = registration();
        equal(bytes(r.uri).length, 64, "uri");
        vm.prank(OWNER);
        uint256 id = registry.register(r, c.vk, FEE);
        uint256 gas_ = vm.snapshotGasLastCall("register_uri_64");
        check(gas_ < 300_000, "gas of the whole transaction");
        equal(id, 1, "first number");
        equal(registry.modelCount(), 1, "count");
        equal(token.balanceOf(address(this)), FEE + 1, "fee goes to the treasury");

        (IZkmlRegistry.ModelCommitment memory m, bool deprecated, address owner) = registry.getModel(id);
        check(m.modelHash == r.modelHash && m.vkHash == c.vkDigest && m.proofSystemId == system, "commitment");
        check(m.circuitHash == word(c.vk, 32), "the circuit hash is the key's");
        check(keccak256(bytes(m.uri)) == keccak256(bytes(r.uri)), "uri");
        check(!deprecated && owner == OWNER && registry.ownerOf(id) == OWNER, "owner");
        IModelRegistry.Terms memory t = registry.termsOf(id);
        vm.snapshotGasLastCall("terms_of");
        equal(t.computeCost, uint256(1) << uint8(c.vk[6]), "rows of the circuit");
        check(t.vkHash == c.vkDigest && t.proofSystemId == system && t.royalty == 7 && !t.deprecated, "terms");
        (bytes32 input, bytes32 output) = registry.schemasOf(id);
        check(input == r.inputSchemaHash && output == r.outputSchemaHash, "schemas");
    }

    /// @dev Everything the registry stores can be had from its events.
    function test_eventsRebuildTheState() external {
        Claim memory c = load("linear");
        vm.recordLogs();
        uint256 id = register(c.vk);
        (bool commitment, bool details) = (false, false);
        (IZkmlRegistry.ModelCommitment memory kept,,) = registry.getModel(id);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IZkmlRegistry.ModelRegistered.selector) {
                commitment = keccak256(logs[i].data) == keccak256(abi.encode(kept));
            }
            if (logs[i].topics[0] == IModelRegistry.ModelDetails.selector) {
                (bytes32 a, bytes32 b, uint64 cost, uint96 royalty, bytes memory vk) =
                    abi.decode(logs[i].data, (bytes32, bytes32, uint64, uint96, bytes));
                (bytes32 x, bytes32 y) = registry.schemasOf(id);
                IModelRegistry.Terms memory t = registry.termsOf(id);
                details =
                    a == x && b == y && cost == t.computeCost && royalty == t.royalty && keccak256(vk) == c.vkDigest;
            }
        }
        check(commitment && details, "events");
    }

    function test_refusesKeysThatTheVerifierCannotUse() external {
        Claim memory c = load("mlp");
        bytes memory reason = abi.encodeWithSelector(VerifyingKey.BadVerifyingKey.selector);
        for (uint256 i = 0; i < 32; ++i) {
            if (i >= 24 && i < 28) continue; // the word count may be any
            if (i == 6) continue; // rows: below
            c.vk[i] ^= 0x01;
            IModelRegistry.Registration memory r = registration();
            vm.prank(OWNER);
            vm.expectRevert(reason);
            registry.register(r, c.vk, FEE);
            c.vk[i] ^= 0x01;
        }
        bytes1 rows = c.vk[6];
        uint8[3] memory bad = [3, 25, 255];
        for (uint256 i = 0; i < bad.length; ++i) {
            c.vk[6] = bytes1(bad[i]);
            IModelRegistry.Registration memory r = registration();
            vm.prank(OWNER);
            vm.expectRevert(reason);
            registry.register(r, c.vk, FEE);
        }
        c.vk[6] = rows;
        IModelRegistry.Registration memory r_ = registration();
        vm.prank(OWNER);
        vm.expectRevert(reason);
        registry.register(r_, bytes.concat(c.vk, bytes32(0)), FEE);
        vm.prank(OWNER);
        vm.expectRevert(reason);
        registry.register(r_, hex"53564b31", FEE);
        c.vk[64] ^= 0x01;
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.WrongReferenceString.selector, word(c.vk, 64), verifier.srsDigest())
        );
        registry.register(r_, c.vk, FEE);
    }

    function test_refusesWhatIsMissing() external {
        Claim memory c = load("mlp");
        IModelRegistry.Registration memory r = registration();
        r.modelHash = bytes32(0);
        refused(r, c.vk, abi.encodeWithSelector(IModelRegistry.ZeroHash.selector));
        r = registration();
        r.inputSchemaHash = bytes32(0);
        refused(r, c.vk, abi.encodeWithSelector(IModelRegistry.ZeroHash.selector));
        r = registration();
        r.outputSchemaHash = bytes32(0);
        refused(r, c.vk, abi.encodeWithSelector(IModelRegistry.ZeroHash.selector));
        r = registration();
        r.uri = string(new bytes(1025));
        refused(r, c.vk, abi.encodeWithSelector(IModelRegistry.UriTooLong.selector, 1025, 1024));
        r = registration();
        r.proofSystemId = bytes4("abcd");
        refused(r, c.vk, abi.encodeWithSelector(IVerifierRouter.RouteUnknown.selector, bytes4("abcd")));
        router.stopRoute(system);
        r = registration();
        refused(r, c.vk, abi.encodeWithSelector(IVerifierRouter.RouteIsStopped.selector, system));
    }

    function refused(IModelRegistry.Registration memory r, bytes memory vk, bytes memory reason) private {
        vm.prank(OWNER);
        vm.expectRevert(reason);
        registry.register(r, vk, FEE);
    }

    function test_feeIsBoundedAndAgreedTo() external {
        Claim memory c = load("linear");
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.FeeOutOfBounds.selector, 0, 1, 1e24));
        registry.setFee(0);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.FeeOutOfBounds.selector, 1e24 + 1, 1, 1e24));
        registry.setFee(1e24 + 1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.FeeOutOfBounds.selector, 0, 1, 1e24));
        new ModelRegistry(address(this), address(0), token, router, 0);
        registry.setFee(FEE + 1);
        vm.snapshotGasLastCall("set_fee");
        refused(registration(), c.vk, abi.encodeWithSelector(IModelRegistry.FeeAboveLimit.selector, FEE + 1, FEE));
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        registry.setFee(FEE);
    }

    /// @dev A token that says false must not pass for one that paid.
    function test_takesNoModelWithoutItsFee() external {
        SilentToken silent = new SilentToken();
        ModelRegistry other = new ModelRegistry(address(this), address(0), IERC20(address(silent)), router, FEE);
        bytes memory vk = load("linear").vk;
        IModelRegistry.Registration memory r = registration();
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(silent)));
        other.register(r, vk, FEE);
        equal(other.modelCount(), 0, "nothing registered");
        vm.prank(STRANGER);
        vm.expectRevert();
        registry.register(r, vk, FEE);
    }

    function test_numbersThatDoNotExistAreNotFound() external {
        register(load("linear").vk);
        uint256[3] memory ids = [uint256(0), 2, type(uint256).max];
        for (uint256 i = 0; i < ids.length; ++i) {
            bytes memory reason = abi.encodeWithSelector(IZkmlRegistry.ModelNotFound.selector, ids[i]);
            vm.expectRevert(reason);
            registry.getModel(ids[i]);
            vm.expectRevert(reason);
            registry.termsOf(ids[i]);
            vm.expectRevert(reason);
            registry.schemasOf(ids[i]);
            vm.expectRevert(reason);
            registry.ownerOf(ids[i]);
            vm.expectRevert(reason);
            registry.deprecateModel(ids[i]);
            IZkmlRegistry.ModelCommitment memory m;
            vm.expectRevert(reason);
            registry.updateModel(ids[i], m);
        }
    }

    function test_onlyTheOwnerDeprecatesAndNobodyChanges() external {
        uint256 id = register(load("linear").vk);
        IZkmlRegistry.ModelCommitment memory m;
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ModelIsImmutable.selector, id));
        registry.updateModel(id, m);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.KeyRequired.selector));
        registry.registerModel(m);
        vm.expectRevert(abi.encodeWithSelector(IZkmlRegistry.NotModelOwner.selector, id, address(this)));
        registry.deprecateModel(id);
        vm.expectRevert(abi.encodeWithSelector(IZkmlRegistry.NotModelOwner.selector, id, address(this)));
        registry.transferModel(id, address(this));
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.ZeroOwner.selector));
        registry.transferModel(id, address(0));
        vm.prank(OWNER);
        registry.transferModel(id, STRANGER);
        vm.snapshotGasLastCall("transfer_model");
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IZkmlRegistry.NotModelOwner.selector, id, OWNER));
        registry.deprecateModel(id);
        vm.prank(STRANGER);
        registry.deprecateModel(id);
        vm.snapshotGasLastCall("deprecate_model");
        check(registry.termsOf(id).deprecated, "deprecated");
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IZkmlRegistry.ModelIsDeprecated.selector, id));
        registry.deprecateModel(id);
    }

    function test_ownersAreGoverned() external {
        vm.expectRevert(abi.encodeWithSelector(Governed.OwnerRequired.selector));
        registry.renounceOwnership();
        registry.setGuardian(STRANGER);
        check(registry.guardian() == STRANGER, "guardian");
        registry.transferOwnership(STRANGER);
        check(registry.owner() == address(this), "two steps");
        vm.prank(STRANGER);
        registry.acceptOwnership();
        check(registry.owner() == STRANGER, "accepted");
        check(registry.supportsInterface(type(IZkmlRegistry).interfaceId), "ERC-7992");
        check(registry.supportsInterface(type(IERC165).interfaceId), "ERC-165");
        check(!registry.supportsInterface(0xffffffff), "nothing else");
    }

    /// @dev Any uri comes back as it was.
    function testFuzz_keepsUris(bytes calldata uri) external {
        vm.assume(uri.length <= 1024);
        IModelRegistry.Registration memory r = registration();
        r.uri = string(uri);
        bytes memory vk = load("open").vk;
        vm.prank(OWNER);
        uint256 id = registry.register(r, vk, FEE);
        (IZkmlRegistry.ModelCommitment memory m,,) = registry.getModel(id);
        check(keccak256(bytes(m.uri)) == keccak256(uri), "uri");
    }
}
