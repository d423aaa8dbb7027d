// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../../src/IPlonkVerifier.sol";
import {IInferenceMarket} from "../../src/interfaces/IInferenceMarket.sol";
import {IModelRegistry} from "../../src/interfaces/IModelRegistry.sol";
import {IVerifierRouter} from "../../src/interfaces/IVerifierRouter.sol";
import {InferenceMarket} from "../../src/market/InferenceMarket.sol";
import {MarketViewer} from "../../src/market/MarketViewer.sol";
import {ModelRegistry} from "../../src/registry/ModelRegistry.sol";
import {Answer, JobState, Request} from "../../src/types/Job.sol";
import {VerifierRouter} from "../../src/verify/VerifierRouter.sol";
import {Fixture} from "../Fixture.sol";
import {Token} from "../Token.sol";
import {IdealVerifier} from "./IdealVerifier.sol";

/// @notice A market over the ideal verifier with one model, its owner, a requester with money, and provers.
abstract contract MarketKit is Fixture {
    /// @dev Deploys the market as its first contract, so that the market's address does not depend on its code: proofs of fixtures are bound to it.
    address internal constant DEPLOYER = address(0x5E2713);
    address internal constant GUARDIAN = address(0x6A2D);
    address internal constant MODEL_OWNER = address(0xA11CE);
    address internal constant REQUESTER = address(0xB0B);
    address internal constant PROVER = address(0xA0DE);
    address internal constant PROVER_2 = address(0xA0DE2);
    address internal constant STRANGER = address(0x57A6);

    uint96 internal constant UNIT_PRICE = 1e12;
    uint96 internal constant ROYALTY = 3e15;
    uint256 internal constant FUNDS = 1000e18;

    IdealVerifier internal ideal;
    Token internal token;
    VerifierRouter internal router;
    ModelRegistry internal registry;
    InferenceMarket internal market;
    MarketViewer internal viewer;
    bytes internal key;
    bytes32 internal keyHash;
    uint256 internal modelId;

    function build() internal {
        vm.chainId(31337);
        vm.warp(1_800_000_000);
        ideal = new IdealVerifier();
        build(ideal, idealKey("words"));
    }

    function build(IPlonkVerifier verifier, bytes memory vk) internal {
        token = new Token();
        router = new VerifierRouter(address(this), GUARDIAN);
        IVerifierRouter.Canary memory none;
        router.addRoute(verifier.proofSystemId(), address(verifier), none);
        registry = new ModelRegistry(address(this), GUARDIAN, token, router, 1);
        vm.prank(DEPLOYER);
        market = new InferenceMarket(address(this), GUARDIAN, token, registry, router, parameters());
        viewer = new MarketViewer(market);
        token.mint(MODEL_OWNER, FUNDS);
        modelId = addModel(vk, verifier.proofSystemId());
        key = vk;
        keyHash = keccak256(vk);
        fund(REQUESTER, FUNDS);
    }

    function addModel(bytes memory vk, bytes4 system) internal returns (uint256) {
        IModelRegistry.Registration memory r;
        r.inputSchemaHash = keccak256("in");
        r.outputSchemaHash = keccak256("out");
        r.modelHash = keccak256("model");
        r.proofSystemId = system;
        r.royalty = ROYALTY;
        r.uri = "ar://model";
        vm.startPrank(MODEL_OWNER);
        token.approve(address(registry), type(uint256).max);
        uint256 id = registry.register(r, vk, 1);
        vm.stopPrank();
        return id;
    }

    /// @notice A fixture's key over the reference string of the ideal verifier.
    function idealKey(string memory name) internal view returns (bytes memory vk) {
        vk = load(name).vk;
        bytes32 digest = ideal.srsDigest();
        assembly ("memory-safe") {
            mstore(add(vk, 96), digest)
        }
    }

    function parameters() internal pure returns (IInferenceMarket.Parameters memory) {
        return IInferenceMarket.Parameters(UNIT_PRICE, 1e9, 500, 10 minutes, 2 days);
    }

    function fund(address account, uint256 amount) internal {
        token.mint(account, amount);
        vm.startPrank(account);
        token.approve(address(market), type(uint256).max);
        market.deposit(account, amount);
        vm.stopPrank();
    }

    /// @notice A request whose inputs are one whole word and the low 40 bits of the next.
    function draft() internal view returns (Request memory r) {
        uint256[] memory words = answerWords(0);
        r.modelId = modelId;
        r.input = "ipfs://input";
        r.inputHash = keccak256("input");
        r.inputWords = 1;
        r.inputBits = 40;
        r.precommitment = keccak256(abi.encode(words[0], words[1] & ((1 << 40) - 1)));
        r.deadline = uint40(block.timestamp + 1 hours);
        r.maxPrice = type(uint96).max;
    }

    /// @notice Public words with these outputs to the drafted input.
    function answerWords(uint256 output) internal pure returns (uint256[] memory words) {
        words = new uint256[](3);
        words[0] = 0x1234;
        words[1] = 0x77 | (output << 40);
        words[2] = output;
    }

    function ask(Request memory r) internal returns (uint256 jobId) {
        vm.prank(REQUESTER);
        return market.request(r);
    }

    function ask() internal returns (uint256) {
        return ask(draft());
    }

    /// @notice What the drafted request costs, and the part of it that is governance's.
    function draftPrice() internal view returns (uint96 price, uint96 fee) {
        uint96 work = uint96(registry.termsOf(modelId).computeCost) * UNIT_PRICE;
        return (work + ROYALTY, work * 500 / 10000);
    }

    /// @notice Asks for an answer that a destination is told.
    function askFor(address destination, uint32 gas_) internal returns (uint256) {
        Request memory r = draft();
        r.destination = destination;
        r.callbackGas = gas_;
        return ask(r);
    }

    function answerTo(uint256 jobId, address prover, uint256 output) internal view returns (Answer memory a) {
        a.jobId = jobId;
        a.prover = prover;
        a.words = answerWords(output);
        a.proof = ideal.prove(keyHash, market.contextOf(jobId, prover), a.words);
    }

    function answerTo(uint256 jobId) internal view returns (Answer memory) {
        return answerTo(jobId, PROVER, 5);
    }

    function stateOf(uint256 jobId) internal view returns (JobState) {
        return market.jobOf(jobId).state;
    }
}
