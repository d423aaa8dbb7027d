// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ERC7786Recipient} from "@openzeppelin/contracts/crosschain/ERC7786Recipient.sol";
import {InteroperableAddress} from "@openzeppelin/contracts/utils/draft-InteroperableAddress.sol";
import {Deployment} from "../../script/Deployment.sol";
import {Everywhere} from "../../script/Everywhere.s.sol";
import {RemoteBuyer} from "../../src/bridge/RemoteBuyer.sol";
import {RemoteDesk} from "../../src/bridge/RemoteDesk.sol";
import {SertnToken} from "../../src/governance/SertnToken.sol";
import {IInferenceMarket} from "../../src/interfaces/IInferenceMarket.sol";
import {IRemoteDesk, RemoteKind} from "../../src/interfaces/IRemoteDesk.sol";
import {Answer, JobState, Request} from "../../src/types/Job.sol";
import {Gateway} from "../kit/Gateway.sol";
import {PoolsKit} from "../kit/PoolsKit.sol";

/// @notice A buyer on another chain that keeps what it is told.
contract Buyer is RemoteBuyer {
    uint256 public answer;
    uint256 public refunds;

    constructor(Gateway gateway, bytes memory desk_) RemoteBuyer(gateway, desk_) {}

    function ask(Request calldata request) external returns (bytes32) {
        return _ask(request);
    }

    function withdraw(address to, uint256 amount) external {
        _withdrawCredit(to, amount);
    }

    function _onAnswer(bytes32, uint256, uint256, uint256[] memory words) internal override {
        answer = words[words.length - 1];
    }

    function _onRefund(bytes32, uint256) internal override {
        ++refunds;
    }
}

/// @notice Requests and answers between two chains. Both are the same machine here; a gateway's messages say which chain they are from.
/// forge-config: default.isolate = true
contract RemoteDeskTest is PoolsKit {
    uint256 private constant HOME = 31337;
    uint256 private constant AWAY = 10;

    Gateway private gateway;
    RemoteDesk private desk;
    Buyer private buyer;
    bytes private buyerName;
    bytes32 private account;

    function setUp() external {
        build();
        buildPools();
        gateway = new Gateway();
        desk = new RemoteDesk(address(this), GUARDIAN, market, token, 1 hours);
        buyer = new Buyer(gateway, InteroperableAddress.formatEvmV1(HOME, address(desk)));
        desk.setGateway(address(gateway), InteroperableAddress.formatEvmV1(AWAY), true);
        vm.snapshotGasLastCall("set_gateway");
        buyerName = InteroperableAddress.formatEvmV1(AWAY, address(buyer));
        account = keccak256(buyerName);
        token.mint(address(this), 1000e18);
        token.approve(address(desk), type(uint256).max);
        desk.fund(buyerName, 100e18);
        vm.snapshotGasLastCall("fund");
    }

    function order() private returns (uint256 jobId) {
        Request memory r = draft();
        r.destination = address(0xbad); // not the buyer's to say
        vm.chainId(AWAY);
        buyer.ask(r);
        vm.chainId(HOME);
        gateway.deliver(gateway.count() - 1);
        vm.snapshotGasLastCall("receive_message_request");
        return market.jobIdOf(modelId, market.queueLength(modelId));
    }

    function test_anAnswerCrossesTwice() external {
        uint256 id = order();
        (uint96 price,,) = viewer.priceOf(modelId, desk.CALLBACK_GAS());
        equal(desk.creditOf(account), 100e18 - price, "paid from its credit");
        IRemoteDesk.Order memory o = desk.orderOf(id);
        check(o.account == account && o.price == price && market.jobOf(id).destination == address(desk), "order");
        uint256[] memory words = answerWords(42);
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.NotFinal.selector, id, type(uint256).max));
        desk.relay(id, words);
        market.settle(key, answerTo(id, PROVER, 42));
        uint256 finalAt = block.timestamp + 1 hours;
        vm.warp(finalAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.NotFinal.selector, id, finalAt));
        desk.relay(id, words);
        vm.warp(finalAt);
        words[2] = 43;
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.OtherWords.selector, id));
        desk.relay(id, words);
        words[2] = 42;
        desk.relay(id, words);
        vm.snapshotGasLastCall("relay");
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.OrderUnknown.selector, id));
        desk.relay(id, words);
        vm.chainId(AWAY);
        uint256 last = gateway.count() - 1;
        gateway.deliver(last);
        vm.snapshotGasLastCall("receive_message_answer");
        equal(buyer.answer(), 42, "answer");
        // a gateway that delivers twice is caught by the tag
        vm.expectRevert();
        gateway.deliver(last);
    }

    function test_whatIsNotAnsweredComesBack() external {
        uint256 id = order();
        vm.expectRevert(
            abi.encodeWithSelector(IInferenceMarket.DeadlineNotPassed.selector, id, market.jobOf(id).deadline)
        );
        desk.reclaim(id);
        vm.warp(uint256(market.jobOf(id).deadline) + 1);
        desk.reclaim(id);
        vm.snapshotGasLastCall("reclaim");
        equal(desk.creditOf(account), 100e18, "credit");
        check(stateOf(id) == JobState.Refunded, "refunded");
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.OrderUnknown.selector, id));
        desk.reclaim(id);
        vm.chainId(AWAY);
        gateway.deliver(gateway.count() - 1);
        equal(buyer.refunds(), 1, "told");
        vm.chainId(HOME);
        // refunded by somebody else before, and the gateway is gone
        id = order();
        vm.warp(uint256(market.jobOf(id).deadline) + 1);
        market.refund(id);
        gateway.breakDown();
        desk.reclaim(id);
        equal(desk.creditOf(account), 100e18, "credit again");
        vm.chainId(HOME);
        uint256 paid = ask();
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.OrderUnknown.selector, paid));
        desk.reclaim(paid);
    }

    /// @dev Whoever reclaims without what the gateway asks, or with too little gas for it, would leave the buyer waiting for ever.
    function test_theEndOfAJobIsToldLater() external {
        uint256 id = order();
        vm.warp(uint256(market.jobOf(id).deadline) + 1);
        gateway.ask(5);
        uint256 before = gateway.count();
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.MessageNotSent.selector, id));
        desk.reclaim{value: 4}(id); // nobody loses what was too little
        vm.prank(STRANGER);
        desk.reclaim(id);
        equal(desk.creditOf(account), 100e18, "the credit is back");
        equal(gateway.count(), before, "and nobody was told");
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.MessageNotSent.selector, id));
        desk.reclaim(id);
        uint256[] memory words = answerWords(1);
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.NotFinal.selector, id, type(uint256).max));
        desk.relay(id, words);
        desk.reclaim{value: 5}(id);
        equal(desk.creditOf(account), 100e18, "once");
        vm.chainId(AWAY);
        gateway.deliver(before);
        equal(buyer.refunds(), 1, "told");
        vm.chainId(HOME);
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.OrderUnknown.selector, id));
        desk.reclaim(id);
    }

    /// @dev A gateway that was replaced by other code, or by none, keeps nobody's credit.
    function test_creditComesBackWhateverTheGatewayIs() external {
        uint256 id = order();
        uint256 second = order();
        vm.warp(uint256(market.jobOf(id).deadline) + 1);
        vm.etch(address(gateway), hex"00"); // takes everything, and says nothing
        desk.reclaim(id);
        vm.etch(address(gateway), "");
        desk.reclaim(second);
        equal(desk.creditOf(account), 100e18, "all of it");
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.MessageNotSent.selector, second));
        desk.reclaim(second);
    }

    /// @dev A model with thousands of public words takes more gas here than most: its buyer asks for it, and pays.
    function test_buyersOfManyWordsAskForMoreGas() external {
        for (uint256 i = 0; i < 3; ++i) {
            uint256[] memory words = new uint256[](i == 0 ? 1000 : 12_000);
            (words[0], words[1]) = (answerWords(0)[0], answerWords(0)[1]);
            Request memory r = draft();
            r.callbackGas = i < 2 ? 20_000 : 600_000; // too little is made enough for most
            vm.chainId(AWAY);
            buyer.ask(r);
            vm.chainId(HOME);
            gateway.deliver(gateway.count() - 1);
            Answer memory a = answerTo(market.jobIdOf(modelId, i + 1));
            a.words = words;
            a.proof = ideal.prove(keyHash, market.contextOf(a.jobId, a.prover), words);
            market.settle(key, a);
            check(desk.orderOf(a.jobId).answeredAt == (i == 1 ? 0 : block.timestamp), "told, for gas enough");
        }
    }

    function test_answeredJobsAreNotReclaimed() external {
        uint256 id = order();
        market.settle(key, answerTo(id, PROVER, 1));
        vm.warp(uint256(market.jobOf(id).deadline) + 1);
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.WasAnswered.selector, id));
        desk.reclaim(id);
        uint256[] memory words = answerWords(1);
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.NotMarket.selector, address(this)));
        desk.onInference(id, modelId, words);
    }

    function test_creditIsOfTheSenderAlone() external {
        Buyer other = new Buyer(gateway, InteroperableAddress.formatEvmV1(HOME, address(desk)));
        Request memory r = draft();
        vm.chainId(AWAY);
        other.ask(r);
        vm.chainId(HOME);
        uint256 last = gateway.count() - 1;
        bytes32 poor = keccak256(InteroperableAddress.formatEvmV1(AWAY, address(other)));
        (uint96 price,,) = viewer.priceOf(modelId, desk.CALLBACK_GAS());
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.InsufficientCredit.selector, poor, 0, price));
        gateway.deliver(last);
        equal(market.queueLength(modelId), 0, "no job");
        // bytes behind an address make no other account of it
        desk.fund(bytes.concat(buyerName, hex"00"), 1);
        equal(desk.creditOf(account), 100e18 + 1, "the same account");
        vm.chainId(AWAY);
        buyer.withdraw(STRANGER, 100e18 + 2);
        buyer.withdraw(STRANGER, 100e18 + 1);
        vm.chainId(HOME);
        last = gateway.count() - 1;
        vm.expectRevert(
            abi.encodeWithSelector(IRemoteDesk.InsufficientCredit.selector, account, 100e18 + 1, 100e18 + 2)
        );
        gateway.deliver(last - 1);
        gateway.deliver(last);
        equal(token.balanceOf(STRANGER), 100e18 + 1, "out");
        equal(desk.creditOf(account), 0, "nothing left");
    }

    function test_onlyAllowedGatewaysAreBelieved() external {
        Gateway forged = new Gateway();
        bytes memory payload = abi.encode(RemoteKind.Withdraw, abi.encode(STRANGER, 1e18));
        bytes memory reason =
            abi.encodeWithSelector(ERC7786Recipient.ERC7786RecipientUnauthorizedGateway.selector, forged, buyerName);
        vm.prank(address(forged));
        vm.expectRevert(reason);
        desk.receiveMessage(bytes32(0), buyerName, payload);
        // allowed for one chain, not for another
        bytes memory elsewhere = InteroperableAddress.formatEvmV1(1, address(buyer));
        vm.prank(address(gateway));
        vm.expectRevert(
            abi.encodeWithSelector(ERC7786Recipient.ERC7786RecipientUnauthorizedGateway.selector, gateway, elsewhere)
        );
        desk.receiveMessage(bytes32(0), elsewhere, payload);
        vm.prank(address(gateway));
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.BadMessage.selector, RemoteKind.Answer));
        desk.receiveMessage(bytes32(0), buyerName, abi.encode(RemoteKind.Answer, ""));
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.ValueNotTaken.selector, 1));
        gateway.deliverWith{value: 1}(address(desk), buyerName, payload);
        bytes memory chain = InteroperableAddress.formatEvmV1(AWAY);
        desk.setGateway(address(gateway), chain, false);
        vm.prank(address(gateway));
        vm.expectRevert(
            abi.encodeWithSelector(ERC7786Recipient.ERC7786RecipientUnauthorizedGateway.selector, gateway, buyerName)
        );
        desk.receiveMessage(bytes32(0), buyerName, payload);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        desk.setGateway(address(forged), chain, true);
        // the buyer believes its gateway, and its desk on the market's chain
        payload = abi.encode(RemoteKind.Answer, abi.encode(bytes32(0), uint256(1), modelId, answerWords(1)));
        bytes memory impostor = InteroperableAddress.formatEvmV1(AWAY, address(desk));
        vm.prank(address(gateway));
        vm.expectRevert(
            abi.encodeWithSelector(ERC7786Recipient.ERC7786RecipientUnauthorizedGateway.selector, gateway, impostor)
        );
        buyer.receiveMessage(bytes32(0), impostor, payload);
        bytes memory name = buyer.desk();
        vm.prank(address(gateway));
        vm.expectRevert(abi.encodeWithSelector(RemoteBuyer.TagUnknown.selector, bytes32(0)));
        buyer.receiveMessage(bytes32(0), name, payload);
        vm.expectRevert(abi.encodeWithSelector(IRemoteDesk.FinalityTooLong.selector, 7 days + 1, 7 days));
        new RemoteDesk(address(this), GUARDIAN, market, token, 7 days + 1);
    }
}

/// @notice The same settings give the same addresses, on chains that know nothing of each other.
contract DeploymentTest is PoolsKit, Deployment {
    function settings() private returns (Settings memory s) {
        s = new Everywhere().developmentSettings(address(this));
        s.guardian = GUARDIAN;
        s.origin = 1; // not the development string: any chain
    }

    function addresses(Network memory n) private pure returns (bytes32) {
        return keccak256(abi.encode(n));
    }

    function test_addressesAreTheSameOnEveryChain() external {
        Settings memory s = settings();
        setDeployer();
        uint256 clean = vm.snapshotState();
        vm.chainId(1);
        Network memory first = deployNetwork(s);
        bytes32 domain = first.market.profile();
        bytes32 context = first.market.contextOf(7, PROVER);
        vm.revertToState(clean);
        vm.chainId(10);
        Network memory second = deployNetwork(s);
        check(addresses(first) == addresses(second), "the same addresses");
        // and yet nothing that is signed or proved for one holds on the other
        check(domain != second.market.profile() && context != second.market.contextOf(7, PROVER), "other domains");
        check(second.market.pools() == address(second.pools), "wired");
        check(second.router.verifierOf(second.verifier.proofSystemId()) == address(second.verifier), "routed");
        Ownable2Step[5] memory all =
            [Ownable2Step(second.router), second.registry, second.market, second.pools, second.desk];
        for (uint256 i = 0; i < 5; ++i) {
            check(all[i].pendingOwner() == address(second.timelock), "waits for the timelock");
        }
        check(!second.timelock.hasRole(second.timelock.DEFAULT_ADMIN_ROLE(), address(this)), "no admin");
        check(second.timelock.hasRole(second.timelock.PROPOSER_ROLE(), address(second.governor)), "governor");
        equal(second.token.balanceOf(address(this)), s.supply, "supply");
        vm.revertToState(clean);
        // other settings, other addresses
        ++s.registryFee;
        Network memory third = deployNetwork(s);
        check(address(third.registry) != address(second.registry), "other settings");
        check(address(third.router) == address(second.router), "that do not reach the router");
    }

    /// @dev Whoever makes a contract first makes it as it is; and a deployment that was cut off goes on.
    function test_aDeploymentGoesOn() external {
        Settings memory s = settings();
        setDeployer();
        vm.chainId(1);
        bytes memory code = abi.encodePacked(s.salt, type(SertnToken).creationCode, abi.encode(s.admin, s.supply));
        vm.prank(STRANGER);
        (bool ok,) = CREATE2_DEPLOYER.call(code);
        check(ok, "made by a stranger");
        Network memory n = deployNetwork(s);
        equal(n.token.balanceOf(address(this)), s.supply, "the admin's all the same");
        check(addresses(deployNetwork(s)) == addresses(n), "nothing left to do");
        vm.prank(address(n.timelock));
        n.market.acceptOwnership();
        n.pools.transferOwnership(STRANGER);
        deployNetwork(s);
        check(n.market.owner() == address(n.timelock), "what was accepted stays");
        check(n.pools.pendingOwner() == address(n.timelock), "what was not done is done");
    }

    function setDeployer() private {
        if (CREATE2_DEPLOYER.code.length != 0) return;
        vm.etch(
            CREATE2_DEPLOYER,
            hex"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
        );
    }

    function test_aChainWithoutTheDeployerIsNamed() external {
        vm.etch(CREATE2_DEPLOYER, hex"");
        Settings memory s = settings();
        vm.expectRevert(abi.encodeWithSelector(NoDeployer.selector, CREATE2_DEPLOYER));
        this.deployFor(s);
    }

    function deployFor(Settings calldata s) external {
        deployNetwork(s);
    }
}
