// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {InteroperableAddress} from "@openzeppelin/contracts/utils/draft-InteroperableAddress.sol";
import {PlonkVerifier} from "../src/PlonkVerifier.sol";
import {RemoteDesk} from "../src/bridge/RemoteDesk.sol";
import {Ceremony} from "../src/ceremony/Ceremony.sol";
import {Governed} from "../src/governance/Governed.sol";
import {RemoteKind} from "../src/interfaces/IRemoteDesk.sol";
import {IVetting} from "../src/interfaces/IVetting.sol";
import {InferenceMarket} from "../src/market/InferenceMarket.sol";
import {InferenceVerifier} from "../src/verify/InferenceVerifier.sol";
import {Vetting} from "../src/vetting/Vetting.sol";
import {Request} from "../src/types/Job.sol";
import {ModelVerifier_mlp} from "./generated/ModelVerifier_mlp.sol";
import {GasKit} from "./kit/GasKit.sol";
import {PoolsKit} from "./kit/PoolsKit.sol";

/// @notice Gas of the functions that no other test takes a snapshot of, questions too: test/layout holds that none is left out.
/// forge-config: default.isolate = true
contract GasTest is PoolsKit, GasKit {
    Vetting private vetting;
    RemoteDesk private desk;
    Ceremony private ceremony;
    InferenceVerifier private inference;

    function setUp() external {
        build();
        buildPools();
        vetting = new Vetting(market, registry, router);
        desk = new RemoteDesk(address(this), GUARDIAN, market, token, 0);
        inference = new InferenceVerifier(registry, router);
        ceremony = new Ceremony(address(this), GUARDIAN, pools, [bytes32(0), 0], 1 hours, 1 days, 1, 3 days);
    }

    function test_owners() external {
        Governed[6] memory all = [Governed(market), pools, registry, router, ceremony, desk];
        string[6] memory names =
            ["InferenceMarket", "NodePools", "ModelRegistry", "VerifierRouter", "Ceremony", "RemoteDesk"];
        for (uint256 i = 0; i < 6; ++i) {
            (address a, string memory n) = (address(all[i]), names[i]);
            see(n, a, "guardian", abi.encodeCall(all[i].guardian, ()));
            see(n, a, "owner", abi.encodeCall(all[i].owner, ()));
            see(n, a, "pendingOwner", abi.encodeCall(all[i].pendingOwner, ()));
            see(n, a, "setGuardian", abi.encodeCall(all[i].setGuardian, (STRANGER)));
            see(n, a, "transferOwnership", abi.encodeCall(all[i].transferOwnership, (STRANGER)));
            seeAs(STRANGER, n, a, "acceptOwnership", abi.encodeCall(all[i].acceptOwnership, ()));
        }
    }

    function test_market() external {
        uint256 id = ask();
        address m = address(market);
        vm.prank(address(pools));
        market.reserve(id, PROVER, uint40(block.timestamp + 1));
        vm.snapshotGasLastCall("InferenceMarket", "reserve");
        seeAll(
            "InferenceMarket",
            m,
            "MAX_CALLBACK_GAS MAX_CALLBACK_GAS_PRICE MAX_DURATION MAX_FEE_BPS MAX_UNIT_PRICE MIN_DURATION REGISTRY ROUTER TOKEN lastPauseEnd parameters pools"
        );
        see("InferenceMarket", m, "eip712Domain", abi.encodeCall(market.eip712Domain, ()));
        see("InferenceMarket", m, "profile", abi.encodeCall(market.profile, ()));
        see("InferenceMarket", m, "balanceOf", abi.encodeCall(market.balanceOf, (REQUESTER)));
        see("InferenceMarket", m, "contextOf", abi.encodeCall(market.contextOf, (id, PROVER)));
        see("InferenceMarket", m, "isNonceUsed", abi.encodeCall(market.isNonceUsed, (REQUESTER, 1)));
        see("InferenceMarket", m, "jobIdOf", abi.encodeCall(market.jobIdOf, (modelId, 1)));
        see("InferenceMarket", m, "jobOf", abi.encodeCall(market.jobOf, (id)));
        see("InferenceMarket", m, "keptOf", abi.encodeCall(market.keptOf, (id)));
        see("InferenceMarket", m, "modelAccounts", abi.encodeCall(market.modelAccounts, (modelId)));
        see("InferenceMarket", m, "queueLength", abi.encodeCall(market.queueLength, (modelId)));
        see("InferenceMarket", m, "requirementOf", abi.encodeCall(market.requirementOf, (id)));
        see("InferenceMarket", m, "reservationOf", abi.encodeCall(market.reservationOf, (id)));
        InferenceMarket other = new InferenceMarket(address(this), GUARDIAN, token, registry, router, parameters());
        see("InferenceMarket", address(other), "setPools", abi.encodeCall(other.setPools, (address(1))));
        seeAll("MarketViewer", address(viewer), "MARKET");
        see("MarketViewer", address(viewer), "isSettleable", abi.encodeCall(viewer.isSettleable, (id)));
        see("MarketViewer", address(viewer), "lastJobs", abi.encodeCall(viewer.lastJobs, (modelId, 10)));
        see("MarketViewer", address(viewer), "priceOf", abi.encodeCall(viewer.priceOf, (modelId, 0)));
        see("MarketViewer", address(viewer), "usageOf", abi.encodeCall(viewer.usageOf, (modelId)));
    }

    function test_pools() external {
        join(PROVER, cost);
        address p = address(pools);
        seeAll(
            "NodePools",
            p,
            "EPOCH MARKET MAX_MIN_STAKE MAX_REPORTER_BPS MAX_STAKE_PER_UNIT MAX_UNITS MAX_WINDOW MIN_WINDOW PLACES REGISTRY ROUTER TOKEN"
        );
        seeAll("NodePools", p, "UNBONDING currentEpoch parameters");
        see("NodePools", p, "assignedUpTo", abi.encodeCall(pools.assignedUpTo, (modelId)));
        see("NodePools", p, "assignmentOf", abi.encodeCall(pools.assignmentOf, (1)));
        see("NodePools", p, "claimable", abi.encodeCall(pools.claimable, (PROVER)));
        see("NodePools", p, "nodeAt", abi.encodeCall(pools.nodeAt, (modelId, 256)));
        see("NodePools", p, "nodeOf", abi.encodeCall(pools.nodeOf, (PROVER)));
        see("NodePools", p, "placeOf", abi.encodeCall(pools.placeOf, (modelId, PROVER)));
        see("NodePools", p, "poolOf", abi.encodeCall(pools.poolOf, (modelId)));
        see("NodePools", p, "proposedOperator", abi.encodeCall(pools.proposedOperator, (PROVER)));
        see("NodePools", p, "unitsOf", abi.encodeCall(pools.unitsOf, (modelId, PROVER)));
    }

    function test_modelsAndVerifiers() external {
        (address r, address v) = (address(registry), address(router));
        seeAll("ModelRegistry", r, "MAX_FEE MAX_URI_BYTES MIN_FEE ROUTER TOKEN fee modelCount");
        see("ModelRegistry", r, "getModel", abi.encodeCall(registry.getModel, (modelId)));
        see("ModelRegistry", r, "ownerOf", abi.encodeCall(registry.ownerOf, (modelId)));
        see("ModelRegistry", r, "schemasOf", abi.encodeCall(registry.schemasOf, (modelId)));
        see("ModelRegistry", r, "supportsInterface", abi.encodeCall(registry.supportsInterface, (0)));
        bytes4 system = ideal.proofSystemId();
        see("VerifierRouter", v, "frozen", abi.encodeCall(router.frozen, ()));
        see("VerifierRouter", v, "routeOf", abi.encodeCall(router.routeOf, (system)));
        see("VerifierRouter", v, "verifierOf", abi.encodeCall(router.verifierOf, (system)));
        v = address(inference);
        seeAll("InferenceVerifier", v, "REGISTRY ROUTER proofProfile proofSystem registry");
        see("InferenceVerifier", v, "proofSystemOf", abi.encodeCall(inference.proofSystemOf, (modelId)));
        see("InferenceVerifier", v, "supportsInterface", abi.encodeCall(inference.supportsInterface, (0)));
        InferenceVerifier.Claim memory claim = InferenceVerifier.Claim(modelId, 0, 1, 40, answerWords(1));
        see("InferenceVerifier", v, "commitmentOf", abi.encodeCall(inference.commitmentOf, (claim)));
        PlonkVerifier plonk = deploy();
        seeAll("PlonkVerifier", address(plonk), "proofSystemId srsDigest");
    }

    function test_modelVerifier() external {
        ModelVerifier_mlp model = new ModelVerifier_mlp(deploy());
        address v = address(model);
        Claim memory c = load("mlp");
        seeAll("ModelVerifier", v, "CIRCUIT_DIGEST VERIFIER VK_DIGEST WORDS verifyingKey");
        see("ModelVerifier", v, "output_output_0", abi.encodeCall(model.output_output_0, (c.words)));
        see("ModelVerifier", v, "requireProof", abi.encodeCall(model.requireProof, (c.context, c.words, c.proof)));
        see("ModelVerifier", v, "verify", abi.encodeCall(model.verify, (c.context, c.words, c.proof)));
    }

    function test_vettingAndBridge() external {
        address t = address(vetting);
        IVetting.Plan memory plan;
        uint256[] memory words = answerWords(3);
        (plan.modelId, plan.rows, plan.inputWords, plan.inputBits, plan.width) = (modelId, 1, 1, 40, 8);
        plan.word = 2;
        plan.closesAt = uint40(block.timestamp + 1);
        plan.root =
            keccak256(bytes.concat(keccak256(abi.encode(uint32(0), draft().precommitment, uint128(words[0] & 0xff)))));
        uint256 id = vetting.publish(plan);
        Request memory r = draft();
        (r.destination, r.callbackGas) = (t, 150_000);
        uint256 job = ask(r);
        vm.prank(REQUESTER);
        vetting.attach(id, job, 0, uint128(words[0] & 0xff), new bytes32[](0));
        vm.prank(address(market));
        vetting.onInference(job, modelId, words);
        vm.snapshotGasLastCall("Vetting", "onInference");
        seeAll("Vetting", t, "MARKET MAX_DURATION MAX_ROWS MAX_URI_BYTES MAX_WIDTH REGISTRY ROUTER");
        see("Vetting", t, "backtestAt", abi.encodeCall(vetting.backtestAt, (modelId, 0)));
        see("Vetting", t, "backtestCount", abi.encodeCall(vetting.backtestCount, (modelId)));
        see("Vetting", t, "contextOf", abi.encodeCall(vetting.contextOf, (id, 0)));
        see("Vetting", t, "isProved", abi.encodeCall(vetting.isProved, (id, 0)));
        see("Vetting", t, "resultOf", abi.encodeCall(vetting.resultOf, (id)));

        t = address(desk);
        bytes memory buyer = InteroperableAddress.formatEvmV1(10, STRANGER);
        desk.setGateway(address(this), buyer, true);
        token.mint(address(this), 1e18);
        token.approve(t, 1e18);
        desk.fund(buyer, 1e18);
        desk.receiveMessage(0, buyer, abi.encode(RemoteKind.Request, abi.encode(bytes32(0), draft())));
        job = market.jobIdOf(modelId, market.queueLength(modelId));
        vm.prank(address(market));
        desk.onInference(job, modelId, words);
        vm.snapshotGasLastCall("RemoteDesk", "onInference");
        seeAll("RemoteDesk", t, "CALLBACK_GAS FINALITY MARKET MAX_FINALITY TOKEN");
        see("RemoteDesk", t, "creditOf", abi.encodeCall(desk.creditOf, (keccak256(buyer))));
        see("RemoteDesk", t, "orderOf", abi.encodeCall(desk.orderOf, (job)));
    }

    function test_ceremony() external {
        address c = address(ceremony);
        seeAll(
            "Ceremony",
            c,
            "BEACON_DELAY BEACON_LG_ROUNDS CLOSES_AT LEAST MAX_ENROLLMENT MAX_LEAST MAX_WINDOW MIN_WINDOW POOLS WINDOW beacon beaconBlock"
        );
        seeAll("Ceremony", c, "contributions srsDigest turn reviewEndsAt REVIEW MIN_REVIEW MAX_REVIEW");
        bytes32[2] memory challenge;
        uint256[2] memory point = [uint256(1), 2];
        see("Ceremony", c, "proofBase", abi.encodeCall(ceremony.proofBase, (challenge, point, point)));
    }
}
