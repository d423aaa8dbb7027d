// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Governed} from "../../src/governance/Governed.sol";
import {IInferenceMarket} from "../../src/interfaces/IInferenceMarket.sol";
import {IModelRegistry} from "../../src/interfaces/IModelRegistry.sol";
import {IVerifierRouter} from "../../src/interfaces/IVerifierRouter.sol";
import {IZkmlRegistry} from "../../src/interfaces/IZkmlRegistry.sol";
import {InferenceMarket} from "../../src/market/InferenceMarket.sol";
import {Answer, Job, JobState, Request} from "../../src/types/Job.sol";
import {MarketKit} from "../kit/MarketKit.sol";
import {SilentToken, TaxedToken} from "../Token.sol";
import {Vm} from "../Vm.sol";

/// @notice Destinations of answers: one that keeps them, and ones that do harm.
contract Keeper {
    uint256 public last;
    uint256 public lastWord;

    function onInference(uint256 jobId, uint256, uint256[] calldata words) external {
        last = jobId;
        lastWord = words[words.length - 1];
    }
}

contract Burner {
    function onInference(uint256, uint256, uint256[] calldata) external pure {
        while (true) {}
    }
}

contract Bomber {
    function onInference(uint256, uint256, uint256[] calldata) external pure {
        assembly {
            revert(0, 60000)
        }
    }
}

contract Reenterer {
    InferenceMarket public immutable MARKET;
    bytes public attack;
    bytes public reason;

    constructor(InferenceMarket market) {
        MARKET = market;
    }

    function set(bytes calldata call_) external {
        attack = call_;
    }

    function onInference(uint256, uint256, uint256[] calldata) external {
        bool ok;
        (ok, reason) = address(MARKET).call(attack);
        require(!ok, "reentered");
    }
}

/// forge-config: default.isolate = true
contract InferenceMarketTest is MarketKit {
    uint256 private constant KEY = 0x5160;

    function setUp() external {
        build();
    }

    // ---- requests and payment ----

    function test_theMarketFitsInACodeOf24576Bytes() external view {
        check(address(market).code.length <= 24_576, "EIP-170");
    }

    function test_aRequestPutsItsPriceInEscrow() external {
        (uint96 price, uint96 fee) = draftPrice();
        Request memory r = draft();
        uint256 id = ask(r);
        vm.snapshotGasLastCall("request");
        equal(id, (modelId << 64) | 1, "number");
        equal(market.queueLength(modelId), 1, "queue");
        equal(market.jobIdOf(modelId, 1), id, "place");
        equal(market.balanceOf(REQUESTER), FUNDS - price, "escrow");
        Job memory job = market.jobOf(id);
        check(job.requester == REQUESTER && job.state == JobState.Open && job.deadline == r.deadline, "job");
        check(job.price == price && job.fee == fee && job.royalty == ROYALTY, "price");
        check(job.precommitment == r.precommitment && job.inputWords == 1 && job.inputBits == 40, "input");
        ask(r);
        vm.snapshotGasLastCall("request_next");
        equal(market.queueLength(modelId), 2, "queue");
    }

    function test_anAcceptedProofIsPaidAtOnce() external {
        (uint96 price, uint96 fee) = draftPrice();
        uint256 id = ask();
        Answer memory a = answerTo(id);
        market.openAccount(PROVER);
        vm.prank(STRANGER); // whoever sends it
        market.settle(key, a);
        vm.snapshotGasLastCall("settle_first");
        equal(market.balanceOf(PROVER), price - fee - ROYALTY, "prover");
        check(stateOf(id) == JobState.Paid && market.jobOf(id).settledAt == block.timestamp, "state");
        (uint96 royalties, uint96 fees, uint64 answers) = market.modelAccounts(modelId);
        check(royalties == ROYALTY && fees == fee && answers == 1, "model");
        market.claim(modelId);
        vm.snapshotGasLastCall("claim");
        equal(market.balanceOf(MODEL_OWNER), ROYALTY, "royalty");
        equal(market.balanceOf(address(this)), fee, "fee");
        (uint256 again, uint256 more) = market.claim(modelId);
        equal(again + more, 0, "once");
        vm.prank(PROVER);
        market.withdraw(PROVER, price - fee - ROYALTY);
        vm.snapshotGasLastCall("withdraw");
        equal(token.balanceOf(PROVER), price - fee - ROYALTY, "withdrawn");
    }

    function test_theEventCarriesTheDigestOfTheAnswer() external {
        uint256 id = ask();
        Answer memory a = answerTo(id);
        vm.recordLogs();
        market.settle(key, a);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        check(logs[0].topics[0] == IInferenceMarket.JobPaid.selector, "event");
        check(uint256(logs[0].topics[1]) == id && address(uint160(uint256(logs[0].topics[2]))) == PROVER, "topics");
        (, bytes32 digest, uint256[] memory words) = abi.decode(logs[0].data, (uint256, bytes32, uint256[]));
        bytes32 output = keccak256(abi.encodePacked(a.words));
        check(
            digest
                == keccak256(
                    abi.encode(
                        bytes32(id),
                        bytes32(uint256(uint160(PROVER))),
                        draft().precommitment,
                        output,
                        true,
                        market.profile()
                    )
                ),
            "digest"
        );
        check(keccak256(abi.encodePacked(words)) == output, "words");
    }

    function test_aJobIsPaidOnce() external {
        uint256 id = ask();
        Answer memory a = answerTo(id);
        market.settle(key, a);
        bytes memory notOpen = abi.encodeWithSelector(IInferenceMarket.JobNotOpen.selector, id);
        vm.expectRevert(notOpen);
        market.settle(key, a);
        Answer memory other = answerTo(id, PROVER_2, 6);
        vm.expectRevert(notOpen);
        market.settle(key, other);
        vm.warp(block.timestamp + 3 days);
        vm.expectRevert(notOpen);
        market.refund(id);
    }

    function test_anybodyRefundsAfterTheDeadline() external {
        uint256 id = ask();
        Job memory job = market.jobOf(id);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.DeadlineNotPassed.selector, id, job.deadline));
        market.refund(id);
        vm.warp(job.deadline);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.DeadlineNotPassed.selector, id, job.deadline));
        market.refund(id);
        vm.warp(uint256(job.deadline) + 1);
        Answer memory a = answerTo(id);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.DeadlinePassed.selector, id));
        market.settle(key, a);
        vm.prank(STRANGER);
        market.refund(id);
        vm.snapshotGasLastCall("refund");
        equal(market.balanceOf(REQUESTER), FUNDS, "all of it");
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.JobNotOpen.selector, id));
        market.refund(id);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.JobNotOpen.selector, id));
        market.settle(key, a);
    }

    function test_theLastSecondCounts() external {
        uint256 id = ask();
        vm.warp(market.jobOf(id).deadline);
        Answer memory a = answerTo(id);
        market.settle(key, a);
        check(stateOf(id) == JobState.Paid, "paid");
    }

    function test_jobsThatDoNotExistAreUnknown() external {
        ask();
        uint256[5] memory ids =
            [uint256(0), modelId << 64, (modelId << 64) | 2, ((modelId + 1) << 64) | 1, type(uint256).max];
        for (uint256 i = 0; i < ids.length; ++i) {
            bytes memory reason = abi.encodeWithSelector(IInferenceMarket.JobUnknown.selector, ids[i]);
            Answer memory a = answerTo(ids[i]);
            vm.expectRevert(reason);
            market.settle(key, a);
            vm.expectRevert(reason);
            market.refund(ids[i]);
            vm.expectRevert(reason);
            market.jobOf(ids[i]);
            vm.expectRevert(reason);
            viewer.isSettleable(ids[i]);
        }
        Request memory r = draft();
        r.modelId = 2;
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IZkmlRegistry.ModelNotFound.selector, 2));
        market.request(r);
        // a number whose low bits are those of a model
        r.modelId = modelId | (1 << 192);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IZkmlRegistry.ModelNotFound.selector, r.modelId));
        market.request(r);
    }

    /// @dev A long queue and many jobs of a requester make neither refund nor withdrawal dearer.
    function test_refundsAndWithdrawalsDoNotDependOnTheQueue() external {
        uint256[2] memory refunds;
        uint256[2] memory withdrawals;
        for (uint256 round = 0; round < 2; ++round) {
            uint256 id = ask();
            for (uint256 i = 0; i < round * 60; ++i) {
                ask();
            }
            vm.warp(block.timestamp + 2 hours);
            uint256 before = gasleft();
            market.refund(id);
            refunds[round] = before - gasleft();
            vm.prank(REQUESTER);
            before = gasleft();
            market.withdraw(address(uint160(0x9000 + round)), 1);
            withdrawals[round] = before - gasleft();
        }
        check(refunds[0] + 200 > refunds[1] && withdrawals[0] + 200 > withdrawals[1], "the same gas");
    }

    // ---- what a proof is bound to ----

    function test_aProofHoldsForOneJobProverMarketAndChain() external {
        uint256 id = ask();
        uint256 other = ask();
        Answer memory a = answerTo(id);
        bytes memory rejected = abi.encodeWithSelector(IInferenceMarket.ProofRejected.selector, id);
        a.prover = STRANGER;
        vm.expectRevert(rejected);
        market.settle(key, a);
        a.prover = PROVER;
        a.jobId = other;
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.ProofRejected.selector, other));
        market.settle(key, a);
        a.jobId = id;
        a.words[2] = 6;
        vm.expectRevert(rejected);
        market.settle(key, a);
        a.words[2] = 5;
        vm.chainId(1);
        vm.expectRevert(rejected);
        market.settle(key, a);
        vm.chainId(31337);
        InferenceMarket twin = new InferenceMarket(address(this), address(0), token, registry, router, parameters());
        vm.startPrank(REQUESTER);
        token.mint(REQUESTER, FUNDS);
        token.approve(address(twin), FUNDS);
        twin.deposit(REQUESTER, FUNDS);
        equal(twin.request(draft()), id, "same number");
        vm.stopPrank();
        vm.expectRevert(rejected);
        twin.settle(key, a);
        bytes memory vk = key;
        vk[200] ^= 0x01;
        vm.expectRevert(rejected);
        market.settle(vk, a);
        market.settle(key, a);
    }

    function test_theContextIsTheDocumentedHash() external view {
        bytes32 context =
            keccak256(abi.encode(keccak256("sertn.context.v1"), uint256(31337), address(market), uint256(77), PROVER));
        check(market.contextOf(77, PROVER) == context, "context");
    }

    /// @dev A valid proof of an answer to another input is worth nothing.
    function test_theInputIsTheRequestersOwn() external {
        uint256 id = ask();
        for (uint256 i = 0; i < 3; ++i) {
            Answer memory a = answerTo(id);
            if (i == 0) a.words[0] ^= 1;
            if (i == 1) a.words[1] ^= 1;
            if (i == 2) a.words = new uint256[](1);
            a.proof = ideal.prove(keyHash, market.contextOf(id, PROVER), a.words);
            vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.WrongInput.selector, id));
            market.settle(key, a);
        }
        Answer memory good = answerTo(id, PROVER, 99); // the bits above the input are output
        market.settle(key, good);
    }

    function test_anOutputMeetsItsRequirement() external {
        Request memory r = draft();
        // word 2, shift 0, 16 bits, from 10 to 20
        r.requirement = (2 << 240) | (uint256(16) << 224) | (uint256(10) << 112) | 20;
        uint256[4] memory outputs = [uint256(9), 21, 10, 20];
        for (uint256 i = 0; i < 4; ++i) {
            uint256 id = ask(r);
            Answer memory a = answerTo(id, PROVER, outputs[i]);
            if (i < 2) vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.RequirementNotMet.selector, id));
            market.settle(key, a);
        }
        uint256[4] memory bad = [
            (uint256(0) << 224) | (uint256(10) << 112) | 20, // no width
            (uint256(113) << 224) | (uint256(10) << 112) | 20, // too wide
            (uint256(16) << 224) | (uint256(21) << 112) | 20, // empty interval
            (uint256(4) << 224) | (uint256(16) << 112) | 20 // beyond the width
        ];
        for (uint256 i = 0; i < 4; ++i) {
            r.requirement = bad[i];
            vm.prank(REQUESTER);
            vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.BadRequirement.selector, bad[i]));
            market.request(r);
        }
    }

    // ---- what does not change under a job ----

    function test_parametersAndDeprecationLeaveJobsInFlightAlone() external {
        uint256 id = ask();
        bytes32 before = keccak256(abi.encode(market.jobOf(id)));
        market.setParameters(IInferenceMarket.Parameters(2 * UNIT_PRICE, 0, 1000, 1 hours, 1 hours));
        vm.snapshotGasLastCall("set_parameters");
        vm.prank(MODEL_OWNER);
        registry.deprecateModel(modelId);
        check(keccak256(abi.encode(market.jobOf(id))) == before, "unchanged");
        Request memory r = draft();
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IZkmlRegistry.ModelIsDeprecated.selector, modelId));
        market.request(r);
        Answer memory a = answerTo(id);
        market.openAccount(PROVER);
        market.settle(key, a);
        (uint96 price, uint96 fee) = draftPrice();
        equal(market.balanceOf(PROVER), price - fee - ROYALTY, "old price");
    }

    function test_pausedMarketsStillRefundAndPayOut() external {
        uint256 id = ask();
        uint256 paid = ask();
        Answer memory a = answerTo(id);
        market.settle(key, answerTo(paid));
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(Governed.NotGuardian.selector, STRANGER));
        market.pause();
        vm.prank(GUARDIAN);
        market.pause();
        vm.snapshotGasLastCall("pause");
        bytes memory paused = abi.encodeWithSelector(IInferenceMarket.MarketPaused.selector);
        Request memory r = draft();
        vm.prank(REQUESTER);
        vm.expectRevert(paused);
        market.request(r);
        vm.expectRevert(paused);
        market.settle(key, a);
        Answer[] memory batch = new Answer[](1);
        batch[0] = a;
        vm.expectRevert(paused);
        market.settleBatch(key, batch);
        vm.prank(GUARDIAN);
        vm.expectRevert(paused);
        market.pause();
        check(!viewer.isSettleable(id), "not settleable");
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, GUARDIAN));
        market.unpause();
        uint256 earned = market.balanceOf(PROVER);
        vm.prank(PROVER);
        market.withdraw(PROVER, earned);
        vm.warp(block.timestamp + 2 hours);
        market.refund(id);
        vm.prank(REQUESTER);
        market.withdraw(REQUESTER, 1);
        market.unpause();
        vm.snapshotGasLastCall("unpause");
        equal(market.lastPauseEnd(), block.timestamp, "end of the pause");
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.MarketNotPaused.selector));
        market.unpause();
    }

    function test_aStoppedVerifierEndsInRefunds() external {
        uint256 id = ask();
        bytes4 system = ideal.proofSystemId();
        check(viewer.isSettleable(id), "settleable");
        router.stopRoute(system);
        check(!viewer.isSettleable(id), "not settleable");
        Answer memory a = answerTo(id);
        bytes memory stopped = abi.encodeWithSelector(IVerifierRouter.RouteIsStopped.selector, system);
        vm.expectRevert(stopped);
        market.settle(key, a);
        Request memory r = draft();
        vm.prank(REQUESTER);
        vm.expectRevert(stopped);
        market.request(r);
        vm.warp(block.timestamp + 2 hours);
        market.refund(id);
        equal(market.balanceOf(REQUESTER), FUNDS, "refunded");
    }

    function test_requestsAreHeldToTheirBounds() external {
        Request memory r = draft();
        (uint96 price,) = draftPrice();
        r.maxPrice = price - 1;
        refused(r, abi.encodeWithSelector(IInferenceMarket.PriceAboveLimit.selector, price, price - 1));
        r = draft();
        r.deadline = uint40(block.timestamp + 10 minutes - 1);
        refused(r, abi.encodeWithSelector(IInferenceMarket.DurationOutOfBounds.selector, 599, 600, 2 days));
        r.deadline = uint40(block.timestamp - 1);
        refused(r, abi.encodeWithSelector(IInferenceMarket.DurationOutOfBounds.selector, 0, 600, 2 days));
        r.deadline = uint40(block.timestamp + 2 days + 1);
        refused(r, abi.encodeWithSelector(IInferenceMarket.DurationOutOfBounds.selector, 2 days + 1, 600, 2 days));
        r = draft();
        r.callbackGas = 1_000_001;
        refused(r, abi.encodeWithSelector(IInferenceMarket.CallbackGasTooHigh.selector, 1_000_001, 1_000_000));
        r = draft();
        r.inputBits = 254;
        refused(r, abi.encodeWithSelector(IInferenceMarket.BadInputLayout.selector));
        r = draft();
        r.precommitment = bytes32(0);
        refused(r, abi.encodeWithSelector(IInferenceMarket.BadInputLayout.selector));
        vm.prank(REQUESTER);
        market.withdraw(REQUESTER, FUNDS - 5);
        r = draft();
        refused(r, abi.encodeWithSelector(IInferenceMarket.InsufficientBalance.selector, REQUESTER, 5, price));
    }

    function refused(Request memory r, bytes memory reason) private {
        vm.prank(REQUESTER);
        vm.expectRevert(reason);
        market.request(r);
    }

    function test_callbackGasIsPaidFor() external {
        (uint96 price,) = draftPrice();
        Request memory r = draft();
        r.callbackGas = 100_000;
        (uint96 asked,,) = viewer.priceOf(modelId, 100_000);
        equal(asked, price + 100_000 * 1e9, "price");
        Job memory job = market.jobOf(ask(r));
        equal(job.price, asked, "job");
        (, uint96 fee) = draftPrice();
        check(job.fee == fee && job.royalty == ROYALTY && job.callbackGas == 100_000, "fees are of compute alone");
        check(job.destination == address(0) && !job.hasRequirement, "no destination");
        market.setParameters(IInferenceMarket.Parameters(UNIT_PRICE, 7, 1000, 1 hours, 1 hours));
        check(market.jobOf((modelId << 64) | 1).fee == fee, "at the prices of its request");
        market.openAccount(PROVER);
        uint256 paid = market.balanceOf(PROVER);
        market.settle(key, answerTo((modelId << 64) | 1));
        equal(market.balanceOf(PROVER) - paid, asked - fee - ROYALTY, "the prover gets the rest");
    }

    /// @dev What a ledger of a model can hold bounds the price of a job, so that no answer is too dear to be settled.
    function test_noPriceIsAboveWhatALedgerHolds() external {
        market.setParameters(IInferenceMarket.Parameters(1e18, 1e15, 0, 1 hours, 1 hours));
        IModelRegistry.Registration memory m;
        (m.inputSchemaHash, m.outputSchemaHash, m.modelHash) = (keyHash, keyHash, keyHash);
        (m.proofSystemId, m.royalty) = (ideal.proofSystemId(), type(uint88).max);
        vm.startPrank(MODEL_OWNER);
        uint256 dear = registry.register(m, key, 1);
        vm.stopPrank();
        fund(REQUESTER, 1 << 90);
        Request memory r = draft();
        r.modelId = dear;
        (uint96 price,,) = viewer.priceOf(dear, 0);
        refused(r, abi.encodeWithSelector(IInferenceMarket.PriceAboveLimit.selector, price, type(uint88).max));
    }

    // ---- accounts ----

    function test_depositsCountWhatArrived() external {
        TaxedToken taxed = new TaxedToken();
        InferenceMarket other = new InferenceMarket(address(this), address(0), taxed, registry, router, parameters());
        taxed.mint(address(this), 1000);
        taxed.approve(address(other), 1000);
        other.deposit(STRANGER, 1000);
        equal(other.balanceOf(STRANGER), 990, "less the tax");
        equal(taxed.balanceOf(address(other)), 990, "holdings");
    }

    function test_aTokenThatSaysFalseIsNotBelieved() external {
        SilentToken silent = new SilentToken();
        InferenceMarket other =
            new InferenceMarket(address(this), address(0), IERC20(address(silent)), registry, router, parameters());
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(silent)));
        other.deposit(address(this), 1);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(silent)));
        other.withdraw(address(this), 0);
    }

    function test_accountsAreTheirOwners() external {
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.InsufficientBalance.selector, STRANGER, 0, 1));
        market.withdraw(STRANGER, 1);
        vm.prank(REQUESTER);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.ZeroAccount.selector));
        market.withdraw(address(0), 1);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.ZeroAccount.selector));
        market.deposit(address(0), 1);
        token.mint(STRANGER, 10);
        vm.startPrank(STRANGER);
        token.approve(address(market), 10);
        market.deposit(PROVER, 10);
        vm.snapshotGasLastCall("deposit");
        vm.stopPrank();
        equal(market.balanceOf(PROVER), 10, "for another");
    }

    function test_aUsedPermitDoesNoHarm() external {
        address signer = vm.addr(KEY);
        token.mint(signer, 100);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                signer,
                address(market),
                100,
                0,
                block.timestamp
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(KEY, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
        token.permit(signer, address(market), 100, block.timestamp, v, r, s); // somebody was faster
        vm.prank(signer);
        market.depositWithPermit(signer, 60, block.timestamp, v, r, s);
        vm.snapshotGasLastCall("deposit_with_permit");
        equal(market.balanceOf(signer), 60, "deposited");
        vm.prank(signer);
        vm.expectRevert();
        market.depositWithPermit(signer, 60, block.timestamp, v, r, s);
    }

    // ---- callbacks ----

    function test_destinationsAreTold() external {
        Keeper keeper = new Keeper();
        uint256 id = askFor(address(keeper), 100_000);
        market.settle(key, answerTo(id));
        equal(keeper.last(), id, "job");
        equal(keeper.lastWord(), 5, "answer");
    }

    function test_badDestinationsDoNotUndoThePayment() external {
        address[3] memory bad = [address(new Burner()), address(new Bomber()), address(new Keeper())];
        for (uint256 i = 0; i < 3; ++i) {
            uint256 id = askFor(bad[i], i == 2 ? 1000 : 50_000); // too little for the keeper
            vm.recordLogs();
            market.settle(key, answerTo(id));
            Vm.Log[] memory logs = vm.getRecordedLogs();
            check(logs[1].topics[0] == IInferenceMarket.CallbackFailed.selector, "said so");
            check(stateOf(id) == JobState.Paid, "paid");
        }
        uint256 empty = askFor(address(0xdead), 1000);
        market.settle(key, answerTo(empty));
        check(stateOf(empty) == JobState.Paid, "an address without code");
    }

    /// @dev The sender chooses the gas of the transaction, but cannot make the callback fail by it.
    function test_senderCannotStarveACallback() external {
        Keeper keeper = new Keeper();
        uint256 id = askFor(address(keeper), 500_000);
        bytes memory call_ = abi.encodeCall(market.settle, (key, answerTo(id)));
        uint256 paid;
        for (uint256 budget = 100_000; budget < 900_000; budget += 20_011) {
            uint256 before = gasleft();
            (bool ok,) = address(market).call{gas: budget}(call_);
            if (ok) {
                ++paid;
                equal(keeper.last(), id, "the destination was told");
                break;
            }
            check(before - gasleft() <= budget + 10_000, "budget");
        }
        equal(paid, 1, "paid with enough gas");
    }

    function test_destinationsDoNotReenter() external {
        Reenterer attacker = new Reenterer(market);
        uint256 id = askFor(address(attacker), 900_000);
        uint256 second = ask();
        fund(address(attacker), 100);
        market.openAccount(PROVER);
        bytes[5] memory attacks = [
            abi.encodeCall(market.settle, (key, answerTo(second))),
            abi.encodeCall(market.withdraw, (address(attacker), 100)),
            abi.encodeCall(market.refund, (second)),
            abi.encodeCall(market.request, (draft())),
            abi.encodeCall(market.collect, (new uint256[](0), address(attacker)))
        ];
        for (uint256 i = 0; i < 5; ++i) {
            attacker.set(attacks[i]);
            id = askFor(address(attacker), 900_000);
            vm.recordLogs();
            market.settle(key, answerTo(id));
            equal(vm.getRecordedLogs().length, 1, "only the payment");
            check(bytes4(attacker.reason()) == bytes4(keccak256("ReentrancyGuardReentrantCall()")), "refused");
        }
    }

    // ---- batches ----

    function test_badAnswersOfABatchDoNoHarm() external {
        Answer[] memory batch = new Answer[](8);
        uint256[] memory ids = new uint256[](8);
        for (uint256 i = 0; i < 8; ++i) {
            ids[i] = ask();
            batch[i] = answerTo(ids[i], i % 2 == 0 ? PROVER : PROVER_2, i);
        }
        batch[1].proof[3] ^= 0x01; // false proof
        batch[3].words[0] ^= 1; // another input
        batch[5] = batch[4]; // the same job twice
        batch[6].prover = address(0);
        batch[7].jobId = (modelId << 64) | 99; // no such job
        vm.recordLogs();
        bool[] memory paid = market.settleBatch(key, batch);
        bytes4[8] memory reasons = [
            bytes4(0),
            IInferenceMarket.ProofRejected.selector,
            bytes4(0),
            IInferenceMarket.WrongInput.selector,
            bytes4(0),
            IInferenceMarket.JobNotOpen.selector,
            IInferenceMarket.ZeroProver.selector,
            IInferenceMarket.JobUnknown.selector
        ];
        uint256 said;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < 8; ++i) {
            check(paid[i] == (reasons[i] == bytes4(0)), "result");
            if (reasons[i] == bytes4(0)) continue;
            for (uint256 k = 0; k < logs.length; ++k) {
                if (
                    logs[k].topics[0] == IInferenceMarket.AnswerRefused.selector
                        && uint256(logs[k].topics[1]) == batch[i].jobId && bytes4(logs[k].data) == reasons[i]
                ) ++said;
            }
        }
        equal(said, 5, "each refusal has its reason");
        check(stateOf(ids[4]) == JobState.Paid && stateOf(ids[1]) == JobState.Open, "states");
        (uint96 price, uint96 fee) = draftPrice();
        equal(market.balanceOf(PROVER), 3 * (price - fee - ROYALTY), "0, 2, 4");
        equal(market.balanceOf(PROVER_2), 0, "1 and 3 were false");
        (uint96 royalties,, uint64 answers) = market.modelAccounts(modelId);
        check(royalties == 3 * ROYALTY && answers == 3, "model");
        market.settle(key, answerTo(ids[1]));
    }

    function test_batchesAreOfOneModel() external {
        Answer[] memory batch = new Answer[](2);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.EmptyBatch.selector));
        market.settleBatch(key, new Answer[](0));
        batch[0] = answerTo(ask());
        batch[1] = answerTo(((modelId + 1) << 64) | 1);
        vm.expectRevert(abi.encodeWithSelector(IInferenceMarket.OtherModel.selector, batch[1].jobId, modelId));
        market.settleBatch(key, batch);
    }

    function test_batchesOfNothingGoodPayNothing() external {
        Answer[] memory batch = new Answer[](1);
        batch[0] = answerTo(ask(), PROVER, 1);
        batch[0].words[0] = 9;
        bool[] memory paid = market.settleBatch(key, batch);
        check(!paid[0], "not paid");
    }

    function test_destinationsOfBatchesAreTold() external {
        Keeper keeper = new Keeper();
        Answer[] memory batch = new Answer[](2);
        batch[0] = answerTo(askFor(address(keeper), 100_000));
        batch[1] = answerTo(ask());
        market.settleBatch(key, batch);
        equal(keeper.last(), batch[0].jobId, "told");
    }

    // ---- governance ----

    function test_parametersHaveBounds() external {
        IInferenceMarket.Parameters memory p = parameters();
        p.unitPrice = 0;
        outOfBounds(p, "unitPrice", 0, 1, 1e18);
        p.unitPrice = 1e18 + 1;
        outOfBounds(p, "unitPrice", 1e18 + 1, 1, 1e18);
        p = parameters();
        p.callbackGasPrice = 1e15 + 1;
        outOfBounds(p, "callbackGasPrice", 1e15 + 1, 0, 1e15);
        p = parameters();
        p.feeBps = 1001;
        outOfBounds(p, "feeBps", 1001, 0, 1000);
        p = parameters();
        p.minDuration = 59;
        outOfBounds(p, "minDuration", 59, 60, 7 days);
        p = parameters();
        p.maxDuration = 7 days + 1;
        outOfBounds(p, "maxDuration", 7 days + 1, p.minDuration, 7 days);
        p.maxDuration = p.minDuration - 1;
        outOfBounds(p, "maxDuration", p.minDuration - 1, p.minDuration, 7 days);
        p = parameters();
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, GUARDIAN));
        market.setParameters(p);
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, GUARDIAN));
        market.setPools(GUARDIAN);
    }

    function outOfBounds(IInferenceMarket.Parameters memory p, bytes32 name, uint256 value, uint256 least, uint256 most)
        private
    {
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceMarket.ParameterOutOfBounds.selector, name, value, least, most)
        );
        market.setParameters(p);
    }
}
