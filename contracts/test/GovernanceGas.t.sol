// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {SertnGovernor} from "../src/governance/SertnGovernor.sol";
import {SertnTimelock} from "../src/governance/SertnTimelock.sol";
import {SertnToken} from "../src/governance/SertnToken.sol";
import {GasKit} from "./kit/GasKit.sol";

/// @notice Gas of every function of the token, the timelock and the governor, what they have from OpenZeppelin too.
/// forge-config: default.isolate = true
contract GovernanceGasTest is GasKit {
    /// @dev Key of an account that signs; the accounts of this test are those of keys 1 to 6.
    uint256 private constant SIGNER = 6;
    uint256 private constant SHARE = 100_000e18;
    bytes32 private constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    bytes32 private constant DELEGATION = keccak256("Delegation(address delegatee,uint256 nonce,uint256 expiry)");

    SertnToken private token;
    SertnTimelock private timelock;
    SertnGovernor private governor;

    function setUp() external {
        vm.warp(1_800_000_000);
        token = new SertnToken(address(this), 10 * SHARE);
        timelock = new SertnTimelock(2 days, address(this));
        governor = new SertnGovernor(token, timelock, 1 days, 3 days, 1000e18, 4);
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(governor));
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(this));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(this));
        timelock.grantRole(timelock.EXECUTOR_ROLE(), address(0));
        token.delegate(address(this));
        for (uint256 key = 1; key <= SIGNER; ++key) {
            token.transfer(vm.addr(key), SHARE);
            vm.prank(vm.addr(key));
            token.delegate(vm.addr(key));
        }
        vm.warp(block.timestamp + 1);
    }

    function test_token() external {
        (address first, address second) = (vm.addr(1), vm.addr(2));
        lookAt("SertnToken", address(token));
        seeAll("CLOCK_MODE DOMAIN_SEPARATOR clock decimals eip712Domain name symbol totalSupply");
        see("allowance", abi.encodeCall(token.allowance, (first, second)));
        see("balanceOf", abi.encodeCall(token.balanceOf, (first)));
        see("checkpoints", abi.encodeCall(token.checkpoints, (first, 0)));
        see("delegates", abi.encodeCall(token.delegates, (first)));
        see("getPastTotalSupply", abi.encodeCall(token.getPastTotalSupply, (block.timestamp - 1)));
        see("getPastVotes", abi.encodeCall(token.getPastVotes, (first, block.timestamp - 1)));
        see("getVotes", abi.encodeCall(token.getVotes, (first)));
        see("nonces", abi.encodeCall(token.nonces, (first)));
        see("numCheckpoints", abi.encodeCall(token.numCheckpoints, (first)));
        see("approve", abi.encodeCall(token.approve, (second, 5)));
        see("transfer_first", abi.encodeCall(token.transfer, (address(1), 5)));
        see("transfer", abi.encodeCall(token.transfer, (address(1), 5)));
        seeAs(second, "transferFrom", abi.encodeCall(token.transferFrom, (address(this), second, 5)));
        seeAs(first, "delegate", abi.encodeCall(token.delegate, (second)));
        uint256 end = block.timestamp + 1;
        (uint8 v, bytes32 r, bytes32 s) = sign(
            token.DOMAIN_SEPARATOR(), keccak256(abi.encode(PERMIT, vm.addr(SIGNER), second, 5, uint256(0), end)), SIGNER
        );
        see("permit", abi.encodeCall(token.permit, (vm.addr(SIGNER), second, 5, end, v, r, s)));
        check(token.allowance(vm.addr(SIGNER), second) == 5, "permitted");
        (v, r, s) = sign(token.DOMAIN_SEPARATOR(), keccak256(abi.encode(DELEGATION, second, uint256(1), end)), SIGNER);
        see("delegateBySig", abi.encodeCall(token.delegateBySig, (second, 1, end, v, r, s)));
        check(token.delegates(vm.addr(SIGNER)) == second, "delegated");
    }

    function test_timelock() external {
        address t = address(timelock);
        bytes32 role = timelock.PROPOSER_ROLE();
        lookAt("SertnTimelock", t);
        seeAll("CANCELLER_ROLE DEFAULT_ADMIN_ROLE EXECUTOR_ROLE MAX_DELAY MIN_DELAY PROPOSER_ROLE getMinDelay");
        see("getRoleAdmin", abi.encodeCall(timelock.getRoleAdmin, (role)));
        see("hasRole", abi.encodeCall(timelock.hasRole, (role, address(this))));
        see("supportsInterface", abi.encodeCall(timelock.supportsInterface, (0)));
        bytes memory call_ = abi.encodeCall(timelock.updateDelay, (3 days));
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = one(t, call_);
        bytes32 id = timelock.hashOperation(t, 0, call_, 0, 0);
        see("hashOperation", abi.encodeCall(timelock.hashOperation, (t, 0, call_, 0, 0)));
        see("hashOperationBatch", abi.encodeCall(timelock.hashOperationBatch, (targets, values, calls, 0, 0)));
        see("schedule", abi.encodeCall(timelock.schedule, (t, 0, call_, 0, 0, 2 days)));
        see("getOperationState", abi.encodeCall(timelock.getOperationState, (id)));
        see("getTimestamp", abi.encodeCall(timelock.getTimestamp, (id)));
        see("isOperation", abi.encodeCall(timelock.isOperation, (id)));
        see("isOperationDone", abi.encodeCall(timelock.isOperationDone, (id)));
        see("isOperationPending", abi.encodeCall(timelock.isOperationPending, (id)));
        see("isOperationReady", abi.encodeCall(timelock.isOperationReady, (id)));
        bytes memory batch =
            abi.encodeCall(timelock.scheduleBatch, (targets, values, calls, 0, bytes32(uint256(1)), 2 days));
        see("scheduleBatch", batch);
        timelock.schedule(t, 0, call_, 0, bytes32(uint256(2)), 2 days);
        id = timelock.hashOperation(t, 0, call_, 0, bytes32(uint256(2)));
        see("cancel", abi.encodeCall(timelock.cancel, (id)));
        vm.warp(block.timestamp + 2 days);
        see("execute", abi.encodeCall(timelock.execute, (t, 0, call_, 0, 0)));
        check(timelock.getMinDelay() == 3 days, "executed");
        batch = abi.encodeCall(timelock.executeBatch, (targets, values, calls, 0, bytes32(uint256(1))));
        see("executeBatch", batch);
        seeAs(t, "updateDelay", abi.encodeCall(timelock.updateDelay, (4 days)));
        see("grantRole", abi.encodeCall(timelock.grantRole, (role, address(1))));
        see("revokeRole", abi.encodeCall(timelock.revokeRole, (role, address(1))));
        see("renounceRole", abi.encodeCall(timelock.renounceRole, (role, address(this))));
        see("onERC721Received", abi.encodeCall(timelock.onERC721Received, (t, t, 0, "")));
        see("onERC1155Received", abi.encodeCall(timelock.onERC1155Received, (t, t, 0, 0, "")));
        see("onERC1155BatchReceived", abi.encodeCall(timelock.onERC1155BatchReceived, (t, t, values, values, "")));
    }

    function test_proposalAndVotes() external {
        address g = address(governor);
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) =
            one(g, abi.encodeCall(governor.setVotingDelay, (2 days)));
        bytes32 why = keccak256("why");
        lookAt("SertnGovernor", g);
        see("propose", abi.encodeCall(governor.propose, (targets, values, calls, "why")));
        uint256 id = governor.getProposalId(targets, values, calls, why);
        governor.propose(targets, values, calls, "no");
        see("cancel", abi.encodeCall(governor.cancel, (targets, values, calls, keccak256("no"))));
        vm.warp(block.timestamp + 1 days + 1);
        see("castVote", abi.encodeCall(governor.castVote, (id, 1)));
        seeAs(vm.addr(1), "castVoteWithReason", abi.encodeCall(governor.castVoteWithReason, (id, 1, "so")));
        seeAs(
            vm.addr(2),
            "castVoteWithReasonAndParams",
            abi.encodeCall(governor.castVoteWithReasonAndParams, (id, 1, "so", "x"))
        );
        voteSigned(id);
        askOf(id, targets, values, calls);
        vm.warp(block.timestamp + 3 days + 1);
        see("queue", abi.encodeCall(governor.queue, (targets, values, calls, why)));
        see("proposalEta", abi.encodeCall(governor.proposalEta, (id)));
        vm.warp(block.timestamp + 2 days);
        see("execute", abi.encodeCall(governor.execute, (targets, values, calls, why)));
        check(governor.votingDelay() == 2 days, "executed");
    }

    function voteSigned(uint256 id) private {
        address signer = vm.addr(SIGNER);
        bytes32 vote = keccak256(abi.encode(governor.BALLOT_TYPEHASH(), id, uint8(1), signer, uint256(0)));
        (uint8 v, bytes32 r, bytes32 s) = sign(domainOf(), vote, SIGNER);
        bytes memory call_ = abi.encodeCall(governor.castVoteBySig, (id, 1, signer, abi.encodePacked(r, s, v)));
        see("castVoteBySig", call_);
        vote = keccak256(
            abi.encode(
                governor.EXTENDED_BALLOT_TYPEHASH(),
                id,
                uint8(1),
                vm.addr(SIGNER - 1),
                uint256(0),
                keccak256("so"),
                keccak256("x")
            )
        );
        (v, r, s) = sign(domainOf(), vote, SIGNER - 1);
        call_ = abi.encodeCall(
            governor.castVoteWithReasonAndParamsBySig,
            (id, 1, vm.addr(SIGNER - 1), "so", "x", abi.encodePacked(r, s, v))
        );
        see("castVoteWithReasonAndParamsBySig", call_);
        check(governor.hasVoted(id, signer) && governor.hasVoted(id, vm.addr(SIGNER - 1)), "voted");
    }

    function askOf(uint256 id, address[] memory targets, uint256[] memory values, bytes[] memory calls) private {
        uint256 before = block.timestamp - 1;
        bytes32 why = keccak256("why");
        seeAll("MAX_QUORUM_PERCENT MAX_THRESHOLD_PERCENT MAX_VOTING_DELAY MAX_VOTING_PERIOD MIN_QUORUM_PERCENT");
        seeAll("MIN_VOTING_DELAY MIN_VOTING_PERIOD BALLOT_TYPEHASH EXTENDED_BALLOT_TYPEHASH");
        seeAll("CLOCK_MODE COUNTING_MODE clock eip712Domain name version timelock token");
        seeAll("proposalThreshold quorumDenominator quorumNumerator votingDelay votingPeriod");
        see("getVotes", abi.encodeCall(governor.getVotes, (address(this), before)));
        see("getVotesWithParams", abi.encodeCall(governor.getVotesWithParams, (address(this), before, "x")));
        see("hasVoted", abi.encodeCall(governor.hasVoted, (id, address(this))));
        see("nonces", abi.encodeCall(governor.nonces, (vm.addr(SIGNER))));
        see("proposalDeadline", abi.encodeCall(governor.proposalDeadline, (id)));
        see("proposalNeedsQueuing", abi.encodeCall(governor.proposalNeedsQueuing, (id)));
        see("proposalProposer", abi.encodeCall(governor.proposalProposer, (id)));
        see("proposalSnapshot", abi.encodeCall(governor.proposalSnapshot, (id)));
        see("proposalVotes", abi.encodeCall(governor.proposalVotes, (id)));
        see("quorum", abi.encodeCall(governor.quorum, (before)));
        see("quorumNumerator_at", abi.encodeWithSignature("quorumNumerator(uint256)", before));
        see("state", abi.encodeCall(governor.state, (id)));
        see("supportsInterface", abi.encodeCall(governor.supportsInterface, (0)));
        see("getProposalId", abi.encodeCall(governor.getProposalId, (targets, values, calls, why)));
        see("hashProposal", abi.encodeCall(governor.hashProposal, (targets, values, calls, why)));
    }

    /// @dev What only a vote may do: gas of the whole transaction that executes it.
    function test_whatTakesAVote() external {
        address g = address(governor);
        string[6] memory names = [
            "setProposalThreshold",
            "setVotingDelay",
            "setVotingPeriod",
            "updateQuorumNumerator",
            "updateTimelock",
            "relay"
        ];
        bytes[6] memory decided = [
            abi.encodeCall(governor.setProposalThreshold, (2000e18)),
            abi.encodeCall(governor.setVotingDelay, (2 days)),
            abi.encodeCall(governor.setVotingPeriod, (4 days)),
            abi.encodeCall(governor.updateQuorumNumerator, (5)),
            abi.encodeCall(governor.updateTimelock, (timelock)),
            abi.encodeCall(governor.relay, (address(token), 0, abi.encodeCall(token.approve, (address(1), 5))))
        ];
        uint256[6] memory ids;
        for (uint256 i = 0; i < 6; ++i) {
            (address[] memory targets, uint256[] memory values, bytes[] memory calls) = one(g, decided[i]);
            ids[i] = governor.propose(targets, values, calls, names[i]);
        }
        vm.warp(block.timestamp + 1 days + 1);
        for (uint256 i = 0; i < 6; ++i) {
            governor.castVote(ids[i], 1);
        }
        vm.warp(block.timestamp + 3 days + 1);
        for (uint256 i = 0; i < 6; ++i) {
            (address[] memory targets, uint256[] memory values, bytes[] memory calls) = one(g, decided[i]);
            governor.queue(targets, values, calls, keccak256(bytes(names[i])));
        }
        vm.warp(block.timestamp + 2 days);
        lookAt("SertnGovernor", g);
        for (uint256 i = 0; i < 6; ++i) {
            (address[] memory targets, uint256[] memory values, bytes[] memory calls) = one(g, decided[i]);
            bytes32 why = keccak256(bytes(names[i]));
            see(names[i], abi.encodeCall(governor.execute, (targets, values, calls, why)));
        }
        check(governor.votingPeriod() == 4 days && governor.quorumNumerator() == 5, "set");
        equal(token.allowance(g, address(1)), 5, "relayed");
    }

    function one(address target, bytes memory call_)
        private
        pure
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calls)
    {
        (targets, values, calls) = (new address[](1), new uint256[](1), new bytes[](1));
        (targets[0], calls[0]) = (target, call_);
    }

    function sign(bytes32 domain, bytes32 what, uint256 key) private pure returns (uint8, bytes32, bytes32) {
        return vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, what)));
    }

    function domainOf() private view returns (bytes32) {
        (, string memory name, string memory version, uint256 chain, address made,,) = governor.eip712Domain();
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                chain,
                made
            )
        );
    }
}
