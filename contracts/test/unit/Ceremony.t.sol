// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {PlonkVerifier} from "../../src/PlonkVerifier.sol";
import {Ceremony} from "../../src/ceremony/Ceremony.sol";
import {ICeremony} from "../../src/interfaces/ICeremony.sol";
import {PoolsKit} from "../kit/PoolsKit.sol";
import {PowersFile} from "../kit/PowersFile.sol";
import {Twice} from "../kit/Twice.sol";

/// @notice The entries of a file that sertn-registry made, posted by three nodes.
/// forge-config: default.isolate = true
contract CeremonyTest is PoolsKit {
    bytes32 private constant BEACON = 0x6b6579a1c0ffee00112233445566778899aabbccddeeff001122334455667788;
    address[3] private contributors = [address(0xC1), address(0xC2), address(0xC3)];
    address private constant HOT = address(0x407);

    Ceremony private ceremony;
    bytes private file;
    ICeremony.Powers private first;
    bytes32[2] private response;

    function firstChallenge() private pure returns (bytes32[2] memory) {
        // of power 2: `sertn-registry ceremony new --power 2`
        return [
            bytes32(0xcbe18de1dbb2c768cc2516accddf9c75fd5e082e6e57a6a1e3d10371ec9584c2),
            bytes32(0x3d094a5ff2db25f5aa7ca42ba1391d1b28ab3218984c9766ae496c8781457b52)
        ];
    }

    function setUp() external {
        build();
        buildPools();
        file = vm.readFileBinary("test/fixtures/ceremony.ptau");
        ceremony = new Ceremony(address(this), GUARDIAN, pools, firstChallenge(), 1 hours, 3 days, 2, 4 days);
        for (uint256 i = 0; i < 3; ++i) {
            stake(contributors[i], 1e18);
        }
        first.tau1 = [uint256(1), 2];
        first.tau2 = [
            uint256(11559732032986387107991004021392285783925812861821192530917403151452391805634),
            10857046999023057135944570762232829481370756359578518086990519993285655852781,
            4082367875863433681332203403145435568316851327593401208105741076214120093531,
            8495653923123431417604973247489272438418190587263600148770280649306958101930
        ];
        first.challenge = firstChallenge();
    }

    function powers(uint256 number) private view returns (ICeremony.Powers memory) {
        return number == 0 ? first : PowersFile.powersAt(file, PowersFile.entryAt(file, number));
    }

    function knowledge(uint256 number) private view returns (ICeremony.Knowledge memory) {
        return PowersFile.knowledgeAt(file, PowersFile.entryAt(file, number));
    }

    function enrollAll() private {
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(contributors[i]);
            ceremony.enroll(contributors[i]);
        }
    }

    function contribute(uint256 number) private {
        (ICeremony.Powers memory a, ICeremony.Powers memory b) = (powers(number - 1), powers(number));
        ICeremony.Knowledge memory k = knowledge(number);
        vm.prank(contributors[number - 1]);
        ceremony.contribute(a, b, k, response, "ar://file");
    }

    function refuse(ICeremony.Powers memory a, ICeremony.Powers memory b, ICeremony.Knowledge memory k, bytes4 reason)
        private
    {
        vm.prank(contributors[0]);
        (bool ok, bytes memory why) =
            address(ceremony).call(abi.encodeCall(Ceremony.contribute, (a, b, k, response, "")));
        check(!ok && bytes4(why) == reason, "refused for its reason");
    }

    function test_contributionsOfAFileAreTakenInTurn() external {
        vm.prank(contributors[0]);
        ceremony.enroll(contributors[0]);
        vm.snapshotGasLastCall("enroll");
        vm.prank(contributors[1]);
        ceremony.enroll(contributors[1]);
        (address node, uint256 endsAt) = ceremony.turn();
        check(node == contributors[0] && endsAt == block.timestamp + 1 hours, "turn");
        contribute(1);
        vm.snapshotGasLastCall("contribute");
        (node,) = ceremony.turn();
        check(node == contributors[1], "the next");
        contribute(2);
        equal(ceremony.contributions(), 2, "two");
        (address who, bytes32 link) = ceremony.contributionOf(2);
        vm.snapshotGasLastCall("contribution_of");
        (, bytes32 before) = ceremony.contributionOf(1);
        check(who == contributors[1] && link == keccak256(abi.encode(before, powers(2), who)), "chain");
    }

    function test_whoIsNoNodeDoesNotContribute() external {
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NotANode.selector, STRANGER));
        ceremony.enroll(STRANGER);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NotNodeOrOperator.selector, contributors[0], STRANGER));
        ceremony.enroll(contributors[0]);
        (ICeremony.Powers memory a, ICeremony.Powers memory b) = (powers(0), powers(1));
        ICeremony.Knowledge memory k = knowledge(1);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NotYourTurn.selector, address(0)));
        ceremony.contribute(a, b, k, response, "");
        vm.prank(contributors[0]);
        pools.proposeOperator(HOT);
        vm.startPrank(HOT);
        pools.acceptOperator(contributors[0]);
        ceremony.enroll(contributors[0]);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.AlreadyEnrolled.selector, contributors[0]));
        ceremony.enroll(contributors[0]);
        ceremony.contribute(a, b, k, response, "");
        ceremony.enroll(contributors[0]); // again, behind it
        vm.stopPrank();
    }

    /// @dev Every number of a contribution, changed; another's proof; and the attack that the proof of knowledge is there for.
    function test_falseContributionsAreRefused() external {
        enrollAll();
        ICeremony.Powers memory a = powers(0);
        ICeremony.Powers memory b = powers(1);
        ICeremony.Knowledge memory k = knowledge(1);
        bytes4 bad = ICeremony.BadPoint.selector;
        bytes4 unproved = ICeremony.KnowledgeNotProved.selector;
        b.tau1[0] ^= 1;
        refuse(a, b, k, bad);
        b.tau1[0] ^= 1;
        b.tau2[2] ^= 1;
        refuse(a, b, k, bad);
        b.tau2[2] ^= 1;
        b.tau1[1] = Q - b.tau1[1];
        refuse(a, b, k, unproved);
        b.tau1[1] = Q - b.tau1[1];
        b.tau2 = powers(2).tau2;
        refuse(a, b, k, unproved);
        b.tau2 = powers(1).tau2;
        k.sx[1] = Q - k.sx[1];
        refuse(a, b, k, unproved);
        k.sx[1] = Q - k.sx[1];
        k.s = first.tau1;
        refuse(a, b, k, unproved);
        k = knowledge(1);
        k.qx = knowledge(2).qx;
        refuse(a, b, k, unproved);
        k = knowledge(1);
        // infinity would hold for everything
        ICeremony.Knowledge memory none;
        refuse(a, b, none, bad);
        ICeremony.Powers memory zero;
        zero.challenge = b.challenge;
        refuse(a, zero, k, bad);
        a.challenge[1] ^= bytes32(uint256(1));
        refuse(a, b, k, ICeremony.WrongPowers.selector);
        // what the second node did is no contribution to the generators
        refuse(powers(0), powers(2), knowledge(2), unproved);
        // a coordinate that is not below the modulus
        a = powers(0);
        b.tau1[0] += Q;
        refuse(a, b, k, bad);
        contribute(1);
        // the powers of the file without contributions are not those of the last
        ICeremony.Powers memory old = powers(0);
        vm.prank(contributors[1]);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.WrongPowers.selector));
        ceremony.contribute(old, powers(2), knowledge(2), response, "");
    }

    function test_turnsPass() external {
        vm.expectRevert(abi.encodeWithSelector(ICeremony.TurnNotOver.selector));
        ceremony.skip();
        vm.prank(contributors[1]);
        ceremony.enroll(contributors[1]);
        vm.prank(contributors[0]);
        ceremony.enroll(contributors[0]);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.TurnNotOver.selector));
        ceremony.skip();
        vm.warp(block.timestamp + 1 hours + 1);
        (ICeremony.Powers memory a, ICeremony.Powers memory b) = (powers(0), powers(1));
        ICeremony.Knowledge memory k = knowledge(1);
        vm.prank(contributors[1]);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.TurnOver.selector, block.timestamp - 1));
        ceremony.contribute(a, b, k, response, "");
        ceremony.skip();
        vm.snapshotGasLastCall("skip");
        (address node, uint256 endsAt) = ceremony.turn();
        check(node == contributors[0] && endsAt == block.timestamp + 1 hours, "a whole turn for the next");
        contribute(1);
        vm.prank(contributors[1]);
        ceremony.enroll(contributors[1]); // may try again
        contribute(2);
    }

    /// @dev An honest contribution with the secret 2 after these powers.
    function contributeTwice(address node, ICeremony.Powers memory before) private returns (ICeremony.Powers memory b) {
        ICeremony.Knowledge memory k;
        (b, k) = Twice.contribution(ceremony, before);
        vm.prank(node);
        ceremony.contribute(before, b, k, response, "");
    }

    function linkOf(uint256 number) private view returns (bytes32 link) {
        (, link) = ceremony.contributionOf(number);
    }

    function test_governanceStrikes() external {
        enrollAll();
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NothingToStrike.selector));
        ceremony.strike(0, bytes32(0), "");
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NothingToStrike.selector));
        ceremony.strike(1, bytes32(0), "");
        contribute(1);
        bytes32 link = linkOf(1);
        vm.prank(contributors[0]);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, contributors[0]));
        ceremony.strike(1, link, "");
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NothingToStrike.selector));
        ceremony.strike(1, bytes32(uint256(link) ^ 1), "");
        vm.warp(block.timestamp + 30 minutes);
        ceremony.strike(1, link, "no file");
        vm.snapshotGasLastCall("strike");
        equal(ceremony.contributions(), 0, "none");
        vm.expectRevert(abi.encodeWithSelector(ICeremony.ContributionUnknown.selector, 1));
        ceremony.contributionOf(1);
        (, uint256 endsAt) = ceremony.turn();
        equal(endsAt, block.timestamp + 1 hours, "the second node has a whole turn to start from the generators");
        // the struck contribution is not another's
        (ICeremony.Powers memory a, ICeremony.Powers memory b) = (powers(0), powers(1));
        ICeremony.Knowledge memory k = knowledge(1);
        vm.prank(contributors[1]);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.RepeatedPowers.selector));
        ceremony.contribute(a, b, k, response, "");
        b = contributeTwice(contributors[1], a);
        check(linkOf(1) == keccak256(abi.encode(keccak256(abi.encode(bytes32(0), a, 0)), b, contributors[1])), "chain");
    }

    /// @dev While a vote is taken others contribute, friends of the bad one perhaps: it is struck all the same, and they with it.
    function test_aStrikeIsAboutOneContribution() external {
        enrollAll();
        contribute(1);
        bytes32 good = linkOf(1);
        contribute(2);
        bytes32 bad = linkOf(2);
        contribute(3);
        bytes32 behind = linkOf(3);
        ceremony.strike(2, bad, "no file");
        check(ceremony.contributions() == 1 && linkOf(1) == good, "the first stays, nothing behind it");
        // a vote about one that was struck with it does not bring back what is between
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NothingToStrike.selector));
        ceremony.strike(3, behind, "no file");
        // a second vote about the same one finds nothing, though another stands in its place
        vm.prank(contributors[1]);
        ceremony.enroll(contributors[1]);
        contributeTwice(contributors[1], powers(1));
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NothingToStrike.selector));
        ceremony.strike(2, bad, "no file");
        equal(ceremony.contributions(), 2, "the new one stays");
    }

    /// @dev The secret 1 changes nothing, and everybody knows it.
    function test_powersThatWereThereAreNoContribution() external {
        enrollAll();
        ICeremony.Powers memory a = powers(0);
        ICeremony.Powers memory b = powers(0);
        b.challenge[0] = keccak256("next");
        ICeremony.Knowledge memory k;
        (k.s, k.sx) = ([uint256(1), 2], [uint256(1), 2]);
        k.qx = ceremony.proofBase(a.challenge, k.s, k.sx);
        refuse(a, b, k, ICeremony.RepeatedPowers.selector);
    }

    /// @dev One stake, taken away again behind each enrolment, would fill the queue with turns that nobody uses.
    function test_whoTakesItsStakeAwayIsSkippedAtOnce() external {
        enrollAll();
        vm.expectRevert(abi.encodeWithSelector(ICeremony.TurnNotOver.selector));
        ceremony.skip();
        vm.prank(contributors[0]);
        pools.unbond(1);
        ceremony.skip();
        (address node,) = ceremony.turn();
        check(node == contributors[1], "the next");
    }

    /// @dev Strikes behind the end of enrolment left too few contributions for ever.
    function test_missingContributionsCanStillBeMade() external {
        enrollAll();
        for (uint256 i = 1; i <= 3; ++i) {
            contribute(i);
        }
        vm.warp(ceremony.CLOSES_AT() + 1);
        vm.prank(contributors[0]);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.EnrollmentClosed.selector));
        ceremony.enroll(contributors[0]);
        ceremony.strike(2, linkOf(2), "no file");
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NotReady.selector));
        ceremony.announceBeacon();
        vm.prank(contributors[0]);
        ceremony.enroll(contributors[0]);
        contributeTwice(contributors[0], powers(1));
        vm.prank(contributors[1]);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.EnrollmentClosed.selector));
        ceremony.enroll(contributors[1]);
        vm.warp(block.timestamp + 4 days + 1);
        ceremony.announceBeacon();
    }

    /// @dev A node that lets its turns pass, and enrols again in the transaction that ends them, does not keep the others out.
    function test_whoOnlyWaitsKeepsNobodyOut() external {
        enrollAll();
        contribute(1);
        vm.warp(ceremony.CLOSES_AT() + 1);
        ceremony.skip();
        vm.warp(block.timestamp + 1 hours + 1);
        ceremony.skip();
        vm.startPrank(contributors[0]);
        ceremony.enroll(contributors[0]);
        vm.warp(block.timestamp + 1 hours + 1);
        ceremony.skip();
        ceremony.enroll(contributors[0]);
        vm.stopPrank();
        vm.prank(contributors[1]);
        ceremony.enroll(contributors[1]);
        vm.warp(block.timestamp + 1 hours + 1);
        ceremony.skip();
        contributeTwice(contributors[1], powers(1));
        equal(ceremony.contributions(), 2, "as many as it takes");
    }

    /// @dev The beacon ends what can be struck: whoever contributes last must leave a vote its time.
    function test_theLastFileIsLookedAtBeforeTheBeacon() external {
        enrollAll();
        vm.warp(ceremony.CLOSES_AT() - 30 minutes);
        ceremony.skip();
        contributeTwice(contributors[1], powers(0));
        ICeremony.Powers memory last = powers(0);
        (last,) = Twice.contribution(ceremony, last);
        vm.warp(ceremony.CLOSES_AT() + 1);
        contributeTwice(contributors[2], last);
        uint256 reviewed = block.timestamp + 4 days;
        vm.warp(reviewed);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NotReady.selector));
        ceremony.announceBeacon();
        vm.warp(reviewed + 1);
        ceremony.announceBeacon();
    }

    /// @dev Enrolment may be longer than the review, and a turn may go on behind it.
    function test_theBeaconWaitsForTurnsAndEnrollmentBehindTheReview() external {
        ceremony = new Ceremony(address(this), GUARDIAN, pools, firstChallenge(), 2 days, 10 days, 1, 3 days);
        enrollAll();
        contribute(1);
        vm.warp(ceremony.reviewEndsAt() + 1);
        ceremony.skip();
        vm.warp(block.timestamp + 2 days + 1);
        ceremony.skip();
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NotReady.selector));
        ceremony.announceBeacon(); // enrolment goes on
        vm.warp(ceremony.CLOSES_AT());
        vm.prank(contributors[1]);
        ceremony.enroll(contributors[1]);
        vm.warp(block.timestamp + 1);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NotReady.selector));
        ceremony.announceBeacon(); // a turn goes on
        vm.warp(block.timestamp + 2 days);
        ceremony.skip();
        ceremony.announceBeacon();
    }

    function test_theBeaconWaitsForTurnsAndEnrollment() external {
        enrollAll();
        contribute(1);
        contribute(2);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NotReady.selector));
        ceremony.announceBeacon();
        vm.warp(ceremony.CLOSES_AT());
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NotReady.selector));
        ceremony.announceBeacon();
        vm.warp(block.timestamp + 1);
        vm.prank(contributors[0]);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.EnrollmentClosed.selector));
        ceremony.enroll(contributors[0]);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NotReady.selector));
        ceremony.announceBeacon(); // the third's turn goes on
        vm.warp(block.timestamp - 1);
        ceremony.skip();
        vm.prank(contributors[2]);
        ceremony.enroll(contributors[2]);
        contribute(3);
        vm.warp(block.timestamp + 4 days + 1);
        ceremony.announceBeacon();
    }

    function test_theBeaconEndsIt() external {
        enrollAll();
        for (uint256 i = 1; i <= 3; ++i) {
            contribute(i);
        }
        vm.warp(ceremony.CLOSES_AT() + 4 days + 1);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.WrongMoment.selector));
        ceremony.drawBeacon();
        ceremony.announceBeacon();
        vm.snapshotGasLastCall("announce_beacon");
        vm.expectRevert(abi.encodeWithSelector(ICeremony.WrongMoment.selector));
        ceremony.announceBeacon();
        vm.expectRevert(abi.encodeWithSelector(ICeremony.WrongMoment.selector));
        ceremony.drawBeacon();
        // nobody came in time: another block
        vm.roll(block.number + 64 + 257);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.WrongMoment.selector));
        ceremony.drawBeacon();
        ceremony.announceBeacon();
        uint256 number = ceremony.beaconBlock();
        equal(number, block.number + 64, "announced");
        vm.roll(number + 1);
        vm.setBlockhash(number, BEACON);
        ceremony.drawBeacon();
        vm.snapshotGasLastCall("draw_beacon");
        check(ceremony.beacon() == BEACON, "beacon");
        vm.expectRevert(abi.encodeWithSelector(ICeremony.WrongMoment.selector));
        ceremony.drawBeacon();
        (ICeremony.Powers memory a, ICeremony.Powers memory b) = (powers(3), powers(4));
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NotTheBeacons.selector));
        ceremony.finish(a, a, response, "");
        b.tau2 = a.tau2;
        vm.expectRevert(abi.encodeWithSelector(ICeremony.NotTheBeacons.selector));
        ceremony.finish(a, b, response, "");
        b = powers(4);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.WrongPowers.selector));
        ceremony.finish(b, b, response, "");
        ceremony.finish(a, b, response, "ar://final");
        vm.snapshotGasLastCall("finish");
        // the verifier over the powers that came of it
        check(ceremony.srsDigest() == new PlonkVerifier(b.tau2, 1).srsDigest(), "digest");
        bytes32 link = linkOf(3);
        vm.expectRevert(abi.encodeWithSelector(ICeremony.CeremonyOver.selector));
        ceremony.strike(3, link, "");
        vm.expectRevert(abi.encodeWithSelector(ICeremony.CeremonyOver.selector));
        ceremony.skip();
    }

    /// @dev A strike behind the beacon makes another one necessary: the one before is of what was struck.
    function test_aStrikeVoidsTheBeacon() external {
        enrollAll();
        for (uint256 i = 1; i <= 3; ++i) {
            contribute(i);
        }
        vm.warp(ceremony.CLOSES_AT() + 1 days + 1);
        ceremony.announceBeacon();
        vm.roll(block.number + 65);
        ceremony.drawBeacon();
        ceremony.strike(3, linkOf(3), "the file has other powers");
        check(ceremony.beacon() == bytes32(0) && ceremony.beaconBlock() == 0, "void");
        ceremony.announceBeacon();
    }

    function test_parametersHaveBounds() external {
        outOfBounds([uint256(10 minutes - 1), 1 days, 1, 3 days], "window", 10 minutes - 1, 10 minutes, 7 days);
        outOfBounds([uint256(7 days + 1), 1 days, 1, 3 days], "window", 7 days + 1, 10 minutes, 7 days);
        outOfBounds([uint256(1 days), 1, 1, 3 days], "enrollment", 1, 10 minutes, 365 days);
        outOfBounds([uint256(1 days), 366 days, 1, 3 days], "enrollment", 366 days, 10 minutes, 365 days);
        outOfBounds([uint256(1 days), 1 days, 0, 3 days], "least", 0, 1, 256);
        outOfBounds([uint256(1 days), 1 days, 257, 3 days], "least", 257, 1, 256);
        outOfBounds([uint256(1 days), 1 days, 1, 3 days - 1], "review", 3 days - 1, 3 days, 90 days);
        outOfBounds([uint256(1 days), 1 days, 1, 90 days + 1], "review", 90 days + 1, 3 days, 90 days);
    }

    function outOfBounds(uint256[4] memory p, bytes32 name, uint256 value, uint256 from, uint256 to) private {
        vm.expectRevert(abi.encodeWithSelector(ICeremony.ParameterOutOfBounds.selector, name, value, from, to));
        new Ceremony(address(this), GUARDIAN, pools, firstChallenge(), p[0], p[1], p[2], p[3]);
    }

    /// @dev q is the hash that the file's own proof was made with, for every contribution: the proofs hold with it and no other.
    function test_proofBasesAreThoseOfTheFile() external view {
        for (uint256 i = 1; i <= 3; ++i) {
            ICeremony.Knowledge memory k = knowledge(i);
            uint256[4] memory q = ceremony.proofBase(powers(i - 1).challenge, k.s, k.sx);
            check(sameRatio(k, q), "e(x s, q) = e(s, x q)");
            bytes32[2] memory other = powers(i).challenge;
            check(!sameRatio(k, ceremony.proofBase(other, k.s, k.sx)), "another challenge");
        }
    }

    function sameRatio(ICeremony.Knowledge memory k, uint256[4] memory q) private view returns (bool) {
        bytes memory input = abi.encode(k.sx, q, k.s[0], Q - k.s[1], k.qx);
        (bool ok, bytes memory answer) = address(8).staticcall(input);
        return ok && abi.decode(answer, (bool));
    }
}
