// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IInferenceMarket} from "sertn/interfaces/IInferenceMarket.sol";
import {IModelRegistry} from "sertn/interfaces/IModelRegistry.sol";
import {IVerifierRouter} from "sertn/interfaces/IVerifierRouter.sol";
import {InferenceMarket} from "sertn/market/InferenceMarket.sol";
import {ModelRegistry} from "sertn/registry/ModelRegistry.sol";
import {Answer} from "sertn/types/Job.sol";
import {VerifierRouter} from "sertn/verify/VerifierRouter.sol";
import {IToken, LoanDesk} from "../src/LoanDesk.sol";

interface Vm {
    function warp(uint256 time) external;
    function expectRevert(bytes calldata reason) external;
    function prank(address sender) external;
}

contract Coin is ERC20("Coin", "COIN") {
    constructor() {
        _mint(msg.sender, 1e30);
    }
}

/// @notice Stands for the verifier: a proof is the hash of its claim.
contract HashVerifier {
    bytes32 public constant srsDigest = keccak256("srs");

    function proofSystemId() external pure returns (bytes4) {
        return "hash";
    }

    function verify(bytes32 vkDigest, bytes calldata, bytes32 context, uint256[] calldata words, bytes calldata proof)
        external
        pure
        returns (bool)
    {
        return bytes32(proof) == keccak256(abi.encode(vkDigest, context, words));
    }
}

/// @notice Imports the market by a remapping, from another folder than its own, and buys an answer of it.
contract LoanDeskTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    address private constant PROVER = address(0xA0DE);

    Coin private coin;
    InferenceMarket private market;
    LoanDesk private desk;
    bytes private key;

    function setUp() external {
        vm.warp(1_800_000_000);
        coin = new Coin();
        HashVerifier verifier = new HashVerifier();
        VerifierRouter router = new VerifierRouter(address(this), address(0));
        IVerifierRouter.Canary memory none;
        router.addRoute("hash", address(verifier), none);
        ModelRegistry registry = new ModelRegistry(address(this), address(0), coin, router, 1);
        market = new InferenceMarket(
            address(this),
            address(0),
            coin,
            registry,
            router,
            IInferenceMarket.Parameters(1e12, 1e9, 500, 10 minutes, 2 days)
        );
        // a key of a circuit of 2^10 rows with two public words (backend/plonk/README.md, section 3)
        key = bytes.concat(hex"53564b3101000a0500000000", new bytes(12), hex"0000000200000000", new bytes(256));
        bytes32 digest = verifier.srsDigest();
        bytes memory vk = key;
        assembly {
            mstore(add(vk, 96), digest)
        }
        key = vk;
        coin.approve(address(registry), 1);
        IModelRegistry.Registration memory r =
            IModelRegistry.Registration(keccak256("in"), keccak256("out"), keccak256("model"), "hash", 5, "");
        uint256 model = registry.register(r, key, 1);
        desk = new LoanDesk(market, IToken(address(coin)), model, 600);
        coin.approve(address(desk), type(uint256).max);
    }

    function features() private pure returns (uint256[] memory f) {
        f = new uint256[](1);
        f[0] = 0x313233;
    }

    function answer(uint256 jobId, uint256 score) private {
        Answer memory a;
        (a.jobId, a.prover) = (jobId, PROVER);
        a.words = new uint256[](2);
        (a.words[0], a.words[1]) = (features()[0], score);
        a.proof = abi.encode(keccak256(abi.encode(keccak256(key), market.contextOf(jobId, PROVER), a.words)));
        market.settle(key, a);
    }

    function test_anAnswerDecides() external {
        uint256 before = coin.balanceOf(address(this));
        uint256 first = desk.applyFor(features(), "ipfs://x", keccak256("x"), 1e18);
        uint256 second = desk.applyFor(features(), "ipfs://x", keccak256("x"), 1e18);
        (address applicant, uint96 price,, LoanDesk.Decision decision) = desk.applications(first);
        require(applicant == address(this) && decision == LoanDesk.Decision.Waiting, "waits");
        require(coin.balanceOf(address(this)) == before - 2 * uint256(price), "the rest came back");
        answer(first, 600);
        answer(second, 599);
        uint64 score;
        (,, score, decision) = desk.applications(first);
        require(score == 600 && decision == LoanDesk.Decision.Accepted, "accepted");
        (,, score, decision) = desk.applications(second);
        require(score == 599 && decision == LoanDesk.Decision.Refused, "refused");
        vm.expectRevert(abi.encodeWithSelector(LoanDesk.NotWaiting.selector, first));
        desk.giveUp(first);
    }

    /// @dev Nobody could answer it, and its money would wait for the deadline.
    function test_featuresAreAsManyAsTheModelTakes() external {
        uint256[] memory two = new uint256[](2);
        vm.expectRevert(abi.encodeWithSelector(LoanDesk.WrongFeatures.selector, 2, 1));
        desk.applyFor(two, "ipfs://x", keccak256("x"), 1e18);
    }

    function test_noAnswerIsPaidBack() external {
        uint256 before = coin.balanceOf(address(this));
        uint256 id = desk.applyFor(features(), "ipfs://x", keccak256("x"), 1e18);
        uint256 deadline = market.jobOf(id).deadline;
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.DeadlineNotPassed.selector, id, deadline));
        desk.giveUp(id);
        vm.warp(deadline + 1);
        desk.giveUp(id);
        require(coin.balanceOf(address(this)) == before, "all of it");
        // somebody else refunds the job first
        id = desk.applyFor(features(), "ipfs://x", keccak256("x"), 1e18);
        vm.warp(uint256(market.jobOf(id).deadline) + 1);
        market.refund(id);
        desk.giveUp(id);
        require(coin.balanceOf(address(this)) == before, "all of it again");
    }

    function test_answersOfOthersAreNotBelieved() external {
        uint256 id = desk.applyFor(features(), "ipfs://x", keccak256("x"), 1e18);
        uint256[] memory words = new uint256[](2);
        vm.expectRevert(abi.encodeWithSelector(LoanDesk.NotMarket.selector, address(this)));
        desk.onInference(id, 1, words);
        vm.prank(address(market));
        vm.expectRevert(abi.encodeWithSelector(LoanDesk.NotWaiting.selector, id + 1));
        desk.onInference(id + 1, 1, words);
    }
}
