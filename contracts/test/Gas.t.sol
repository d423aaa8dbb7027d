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
            lookAt(names[i], address(all[i]));
            see("guardian", abi.encodeCall(all[i].guardian, ()));
            see("owner", abi.encodeCall(all[i].owner, ()));
            see("pendingOwner", abi.encodeCall(all[i].pendingOwner, ()));
            see("setGuardian", abi.encodeCall(all[i].setGuardian, (STRANGER)));
            see("transferOwnership", abi.encodeCall(all[i].transferOwnership, (STRANGER)));
            seeAs(STRANGER, "acceptOwnership", abi.encodeCall(all[i].acceptOwnership, ()));
        }
    }

    function test_market() external {
        uint256 id = ask();
        vm.prank(address(pools));
        market.reserve(id, PROVER, uint40(block.timestamp + 1));
        vm.snapshotGasLastCall("InferenceMarket", "reserve");
        lookAt("InferenceMarket", address(market));
        seeAll("MAX_CALLBACK_GAS MAX_CALLBACK_GAS_PRICE MAX_DURATION MAX_FEE_BPS MAX_UNIT_PRICE MIN_DURATION");
        seeAll("REGISTRY ROUTER TOKEN lastPauseEnd parameters pools");
        see("eip712Domain", abi.encodeCall(market.eip712Domain, ()));
        see("profile", abi.encodeCall(market.profile, ()));
        see("balanceOf", abi.encodeCall(market.balanceOf, (REQUESTER)));
        see("contextOf", abi.encodeCall(market.contextOf, (id, PROVER)));
        see("isNonceUsed", abi.encodeCall(market.isNonceUsed, (REQUESTER, 1)));
        see("jobIdOf", abi.encodeCall(market.jobIdOf, (modelId, 1)));
        see("jobOf", abi.encodeCall(market.jobOf, (id)));
        see("keptOf", abi.encodeCall(market.keptOf, (id)));
        see("modelAccounts", abi.encodeCall(market.modelAccounts, (modelId)));
        see("queueLength", abi.encodeCall(market.queueLength, (modelId)));
        see("requirementOf", abi.encodeCall(market.requirementOf, (id)));
        see("reservationOf", abi.encodeCall(market.reservationOf, (id)));
        InferenceMarket other = new InferenceMarket(address(this), GUARDIAN, token, registry, router, parameters());
        lookAt("InferenceMarket", address(other));
        see("setPools", abi.encodeCall(other.setPools, (address(1))));
        lookAt("MarketViewer", address(viewer));
        seeAll("MARKET");
        see("isSettleable", abi.encodeCall(viewer.isSettleable, (id)));
        see("lastJobs", abi.encodeCall(viewer.lastJobs, (modelId, 10)));
        see("priceOf", abi.encodeCall(viewer.priceOf, (modelId, 0)));
        see("usageOf", abi.encodeCall(viewer.usageOf, (modelId)));
    }

    function test_pools() external {
        join(PROVER, cost);
        lookAt("NodePools", address(pools));
        seeAll("EPOCH MARKET MAX_MIN_STAKE MAX_REPORTER_BPS MAX_STAKE_PER_UNIT MAX_UNITS MAX_WINDOW MIN_WINDOW");
        seeAll("PLACES REGISTRY ROUTER TOKEN UNBONDING currentEpoch parameters");
        see("assignedUpTo", abi.encodeCall(pools.assignedUpTo, (modelId)));
        see("assignmentOf", abi.encodeCall(pools.assignmentOf, (1)));
        see("claimable", abi.encodeCall(pools.claimable, (PROVER)));
        see("nodeAt", abi.encodeCall(pools.nodeAt, (modelId, 256)));
        see("nodeOf", abi.encodeCall(pools.nodeOf, (PROVER)));
        see("placeOf", abi.encodeCall(pools.placeOf, (modelId, PROVER)));
        see("poolOf", abi.encodeCall(pools.poolOf, (modelId)));
        see("proposedOperator", abi.encodeCall(pools.proposedOperator, (PROVER)));
        see("unitsOf", abi.encodeCall(pools.unitsOf, (modelId, PROVER)));
    }

    function test_modelsAndVerifiers() external {
        lookAt("ModelRegistry", address(registry));
        seeAll("MAX_FEE MAX_URI_BYTES MIN_FEE ROUTER TOKEN fee modelCount");
        see("getModel", abi.encodeCall(registry.getModel, (modelId)));
        see("ownerOf", abi.encodeCall(registry.ownerOf, (modelId)));
        see("schemasOf", abi.encodeCall(registry.schemasOf, (modelId)));
        see("supportsInterface", abi.encodeCall(registry.supportsInterface, (0)));
        bytes4 system = ideal.proofSystemId();
        lookAt("VerifierRouter", address(router));
        see("frozen", abi.encodeCall(router.frozen, ()));
        see("routeOf", abi.encodeCall(router.routeOf, (system)));
        see("verifierOf", abi.encodeCall(router.verifierOf, (system)));
        lookAt("InferenceVerifier", address(inference));
        seeAll("REGISTRY ROUTER proofProfile proofSystem registry");
        see("proofSystemOf", abi.encodeCall(inference.proofSystemOf, (modelId)));
        see("supportsInterface", abi.encodeCall(inference.supportsInterface, (0)));
        InferenceVerifier.Claim memory claim = InferenceVerifier.Claim(modelId, 0, 1, 40, answerWords(1));
        see("commitmentOf", abi.encodeCall(inference.commitmentOf, (claim)));
        PlonkVerifier plonk = deploy();
        lookAt("PlonkVerifier", address(plonk));
        seeAll("proofSystemId srsDigest");
    }

    function test_modelVerifier() external {
        ModelVerifier_mlp model = new ModelVerifier_mlp(deploy());
        Claim memory c = load("mlp");
        lookAt("ModelVerifier", address(model));
        seeAll("CIRCUIT_DIGEST VERIFIER VK_DIGEST WORDS verifyingKey");
        see("output_output_0", abi.encodeCall(model.output_output_0, (c.words)));
        see("requireProof", abi.encodeCall(model.requireProof, (c.context, c.words, c.proof)));
        see("verify", abi.encodeCall(model.verify, (c.context, c.words, c.proof)));
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
        lookAt("Vetting", t);
        seeAll("MARKET MAX_DURATION MAX_ROWS MAX_URI_BYTES MAX_WIDTH REGISTRY ROUTER");
        see("backtestAt", abi.encodeCall(vetting.backtestAt, (modelId, 0)));
        see("backtestCount", abi.encodeCall(vetting.backtestCount, (modelId)));
        see("contextOf", abi.encodeCall(vetting.contextOf, (id, 0)));
        see("isProved", abi.encodeCall(vetting.isProved, (id, 0)));
        see("resultOf", abi.encodeCall(vetting.resultOf, (id)));

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
        lookAt("RemoteDesk", t);
        seeAll("CALLBACK_GAS FINALITY MARKET MAX_FINALITY TOKEN");
        see("creditOf", abi.encodeCall(desk.creditOf, (keccak256(buyer))));
        see("orderOf", abi.encodeCall(desk.orderOf, (job)));
    }

    function test_ceremony() external {
        lookAt("Ceremony", address(ceremony));
        seeAll("BEACON_DELAY BEACON_LG_ROUNDS CLOSES_AT LEAST MAX_ENROLLMENT MAX_LEAST MAX_WINDOW MIN_WINDOW POOLS");
        seeAll("WINDOW beacon beaconBlock contributions srsDigest turn reviewEndsAt REVIEW MIN_REVIEW MAX_REVIEW");
        bytes32[2] memory challenge;
        uint256[2] memory point = [uint256(1), 2];
        see("proofBase", abi.encodeCall(ceremony.proofBase, (challenge, point, point)));
    }
}
