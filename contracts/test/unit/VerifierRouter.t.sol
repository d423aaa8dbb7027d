// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {PlonkVerifier} from "../../src/PlonkVerifier.sol";
import {IVerifierRouter} from "../../src/interfaces/IVerifierRouter.sol";
import {VerifierRouter} from "../../src/verify/VerifierRouter.sol";
import {Fixture} from "../Fixture.sol";

/// @notice A verifier with a hole: it accepts everything.
contract BrokenVerifier {
    function verify(bytes32, bytes calldata, bytes32, uint256[] calldata, bytes calldata) external pure returns (bool) {
        return true;
    }

    function proofSystemId() external pure returns (bytes4) {
        return bytes4("hole");
    }
}

/// forge-config: default.isolate = true
contract VerifierRouterTest is Fixture {
    address private constant GUARDIAN = address(0x6A2D);
    address private constant STRANGER = address(0xB0B);

    PlonkVerifier private verifier;
    VerifierRouter private router;
    bytes4 private system;

    function setUp() external {
        verifier = deploy();
        system = verifier.proofSystemId();
        router = new VerifierRouter(address(this), GUARDIAN);
    }

    /// @dev The circuit with public inputs, four of 30 bits, on the input of its fixture.
    function canary() private view returns (IVerifierRouter.Canary memory known, Claim memory c) {
        c = load("words");
        known.vkHash = c.vkDigest;
        known.inputBits = 120;
        known.inputs = keccak256(abi.encode(c.words[0] & ((1 << 120) - 1)));
        known.answer = keccak256(abi.encodePacked(c.words));
    }

    function test_routesAreAddedOnceAndNeverComeBack() external {
        (IVerifierRouter.Canary memory known,) = canary();
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.RouteUnknown.selector, system));
        router.verifierOf(system);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.RouteUnknown.selector, system));
        router.stopRoute(system);
        router.addRoute(system, address(verifier), known);
        vm.snapshotGasLastCall("add_route");
        check(router.verifierOf(system) == address(verifier), "live");
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.RouteTaken.selector, system));
        router.addRoute(system, address(verifier), known);
        router.stopRoute(system);
        vm.snapshotGasLastCall("stop_route");
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.RouteIsStopped.selector, system));
        router.verifierOf(system);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.RouteTaken.selector, system));
        router.addRoute(system, address(verifier), known);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.RouteIsStopped.selector, system));
        router.stopRoute(system);
        (IVerifierRouter.RouteState state, address kept, IVerifierRouter.Canary memory k) = router.routeOf(system);
        check(state == IVerifierRouter.RouteState.Stopped && kept == address(verifier), "tombstone");
        check(k.vkHash == known.vkHash && k.answer == known.answer && k.inputs == known.inputs, "canary");
    }

    function test_aRouteServesItsOwnProofSystem() external {
        IVerifierRouter.Canary memory none;
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.WrongProofSystem.selector, system, bytes4("abcd")));
        router.addRoute(bytes4("abcd"), address(verifier), none);
    }

    function test_whoMayDoWhat() external {
        IVerifierRouter.Canary memory none;
        vm.startPrank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        router.addRoute(system, address(verifier), none);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        router.freeze();
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        router.stopRoute(system);
        vm.stopPrank();
        vm.startPrank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, GUARDIAN));
        router.addRoute(system, address(verifier), none);
        vm.stopPrank();
        router.addRoute(system, address(verifier), none);
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, GUARDIAN));
        router.stopRoute(system);
    }

    function test_frozenForEver() external {
        IVerifierRouter.Canary memory none;
        router.freeze();
        vm.snapshotGasLastCall("freeze");
        check(router.frozen(), "frozen");
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.RouterFrozen.selector));
        router.addRoute(system, address(verifier), none);
    }

    function test_aProofOfAFalseClaimStopsItsVerifier() external {
        (IVerifierRouter.Canary memory known, Claim memory c) = canary();
        BrokenVerifier broken = new BrokenVerifier();
        router.addRoute(bytes4("hole"), address(broken), known);
        c.words[0] ^= uint256(1) << 120; // a bit of the output
        vm.prank(STRANGER);
        router.stopByProof(bytes4("hole"), c.vk, bytes32(0), c.words, hex"");
        vm.snapshotGasLastCall("stop_by_proof");
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.RouteIsStopped.selector, bytes4("hole")));
        router.verifierOf(bytes4("hole"));
    }

    function test_trueClaimsAndOtherStatementsStopNothing() external {
        (IVerifierRouter.Canary memory known, Claim memory c) = canary();
        router.addRoute(system, address(verifier), known);
        bytes memory notFalse = abi.encodeWithSelector(IVerifierRouter.NotAFalseClaim.selector);
        check(verifier.verify(c.vkDigest, c.vk, c.context, c.words, c.proof), "the true claim has a proof");
        vm.expectRevert(notFalse);
        router.stopByProof(system, c.vk, c.context, c.words, c.proof);
        // an answer to another input may be true
        c.words[0] ^= 1;
        vm.expectRevert(notFalse);
        router.stopByProof(system, c.vk, c.context, c.words, c.proof);
        c.words[0] ^= 1;
        // another model's honest proof
        Claim memory other = load("mlp");
        vm.expectRevert(notFalse);
        router.stopByProof(system, other.vk, other.context, other.words, other.proof);
        // the false claim needs a proof that the verifier accepts
        c.words[0] ^= uint256(1) << 120;
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.ProofRejected.selector));
        router.stopByProof(system, c.vk, c.context, c.words, c.proof);
        check(router.verifierOf(system) == address(verifier), "still live");
        uint256[] memory no;
        vm.expectRevert(notFalse);
        router.stopByProof(system, c.vk, c.context, no, c.proof);
    }

    function test_aRouteWithoutAKnownStatementIsNotStoppedByProofs() external {
        IVerifierRouter.Canary memory none;
        BrokenVerifier broken = new BrokenVerifier();
        router.addRoute(bytes4("hole"), address(broken), none);
        uint256[] memory words = new uint256[](1);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.NotAFalseClaim.selector));
        router.stopByProof(bytes4("hole"), hex"", bytes32(0), words, hex"");
    }
}
