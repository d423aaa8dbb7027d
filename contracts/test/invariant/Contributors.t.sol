// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Ceremony} from "../../src/ceremony/Ceremony.sol";
import {ICeremony} from "../../src/interfaces/ICeremony.sol";
import {PoolsKit} from "../kit/PoolsKit.sol";
import {Twice} from "../kit/Twice.sol";
import {Test} from "../Vm.sol";

/// @notice Nodes that contribute to a ceremony, honestly or not, in turn or not, and governance that strikes, at random.
contract Contributors is PoolsKit {
    uint256 private constant LEAST = 3;

    Ceremony public ceremony;
    address[4] private nodes = [address(0xC1), address(0xC2), address(0xC3), address(0xC4)];
    // what stands: powers before the first, then behind each contribution
    ICeremony.Powers[] private powers;
    address[] private who;
    bytes32[] private links;
    mapping(bytes32 point => bool) private seen;
    address[] private queue;
    uint256 private place;
    uint256 private endsAt;
    uint256 private reviewedAt;
    bool private announced;
    mapping(bytes32 action => uint256) public done;

    constructor() {
        build();
        buildPools();
        bytes32[2] memory challenge = [keccak256("first"), keccak256("challenge")];
        ceremony = new Ceremony(address(this), GUARDIAN, pools, challenge, 1 hours, 12 hours, LEAST, 3 days);
        for (uint256 i = 0; i < 4; ++i) {
            stake(nodes[i], 2e18);
        }
        ICeremony.Powers memory p;
        p.tau1 = [uint256(1), 2];
        p.tau2 = [
            uint256(11559732032986387107991004021392285783925812861821192530917403151452391805634),
            10857046999023057135944570762232829481370756359578518086990519993285655852781,
            4082367875863433681332203403145435568316851327593401208105741076214120093531,
            8495653923123431417604973247489272438418190587263600148770280649306958101930
        ];
        p.challenge = challenge;
        powers.push(p);
        seen[keccak256(abi.encode(p.tau1))] = true;
        links.push(keccak256(abi.encode(bytes32(0), p, address(0))));
    }

    function isNode(address node) private view returns (bool) {
        return pools.nodeOf(node).stake >= 1e18;
    }

    function waits(address node) private view returns (bool) {
        for (uint256 i = place; i < queue.length; ++i) {
            if (queue[i] == node) return true;
        }
        return false;
    }

    function next() private {
        ++place;
        endsAt = block.timestamp + 1 hours;
    }

    // ---- actions ----

    function enroll(uint256 which, bool stranger) external {
        address node = nodes[which % 4];
        bool late = block.timestamp > ceremony.CLOSES_AT() && who.length >= LEAST;
        bool good = !stranger && isNode(node) && !waits(node) && !late;
        vm.prank(stranger ? STRANGER : node);
        try ceremony.enroll(node) {
            check(good, "a node that must not wait");
            if (place == queue.length) endsAt = block.timestamp + 1 hours;
            queue.push(node);
            ++done["enroll"];
        } catch {
            check(!good, "a node that must be taken");
        }
    }

    function contribute(uint256 fault, uint256 which) external {
        ICeremony.Powers memory a = powers[powers.length - 1];
        fault = fault % 12;
        // a true contribution, with the secret 4, but to the powers before the last
        if (fault == 1 && powers.length > 1) a = powers[powers.length - 2];
        (ICeremony.Powers memory b, ICeremony.Knowledge memory k) = Twice.contribution(ceremony, a);
        if (fault == 1) Twice.again(ceremony, a, b, k);
        address node = place < queue.length && fault != 0 ? queue[place] : nodes[which % 4];
        if (fault == 2) b.tau2 = a.tau2;
        if (fault == 3) b.tau1 = a.tau1;
        if (fault == 4) k.s = k.sx;
        if (fault == 5) (b.tau1, b.tau2) = (Twice.g1(b.tau1), Twice.g2(b.tau2)); // not the secret that is shown
        bool last = keccak256(abi.encode(a)) == keccak256(abi.encode(powers[powers.length - 1]));
        bool good = place < queue.length && node == queue[place] && block.timestamp <= endsAt && last
            && (fault > 5 || fault < 2) && !seen[keccak256(abi.encode(b.tau1))];
        bytes32[2] memory response;
        vm.prank(node);
        try ceremony.contribute(a, b, k, response, "") {
            check(good, "a contribution that must be refused");
            seen[keccak256(abi.encode(b.tau1))] = true;
            links.push(keccak256(abi.encode(links[links.length - 1], b, node)));
            powers.push(b);
            who.push(node);
            reviewedAt = block.timestamp + 3 days;
            next();
            ++done["contribute"];
        } catch {
            check(!good, "a contribution that must be taken");
        }
    }

    function skip() external {
        bool good = place < queue.length && (block.timestamp > endsAt || !isNode(queue[place]));
        try ceremony.skip() {
            check(good, "a turn that goes on");
            next();
            ++done["skip"];
        } catch {
            check(!good, "a turn that is over");
        }
    }

    function strike(uint256 number, bool other, uint256 chance) external {
        if (chance % 8 != 0) return;
        number = number % (who.length + 2);
        bool good = number != 0 && number <= who.length && !other;
        bytes32 link = number < links.length ? links[number] : bytes32(0);
        try ceremony.strike(number, other ? keccak256("other") : link, "") {
            check(good, "nothing to strike");
            while (who.length >= number) {
                who.pop();
                links.pop();
                powers.pop();
            }
            announced = false;
            if (place < queue.length) endsAt = block.timestamp + 1 hours;
            ++done["strike"];
        } catch {
            check(!good, "what must be struck");
        }
    }

    function announce() external {
        bool good = block.timestamp > ceremony.CLOSES_AT() && block.timestamp > reviewedAt && place == queue.length
            && who.length >= LEAST && !announced;
        try ceremony.announceBeacon() {
            check(good, "too early for the beacon");
            announced = true;
            ++done["announce"];
        } catch {
            check(!good, "time for the beacon");
        }
    }

    /// @dev Stake goes and comes.
    function moveStake(uint256 which, bool away) external {
        address node = nodes[which % 4];
        uint96 held = pools.nodeOf(node).stake;
        if (away && held > 1e18) {
            vm.prank(node);
            pools.unbond(held - 1e18 + 1);
        } else if (!away) {
            stake(node, 1e18);
        }
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + clamp(time, 1, 50 minutes));
    }

    function passLong(uint256 time) external {
        vm.warp(block.timestamp + clamp(time, 1, 4 days));
    }

    /// @notice The chain of contributions is what was taken and not struck, and the turn is the first's that waits.
    function checkCeremony() external view {
        equal(ceremony.contributions(), who.length, "contributions");
        for (uint256 i = 1; i <= who.length; ++i) {
            (address node, bytes32 link) = ceremony.contributionOf(i);
            check(node == who[i - 1] && link == links[i], "a contribution does not change");
        }
        (address turn, uint256 until) = ceremony.turn();
        check(turn == (place < queue.length ? queue[place] : address(0)), "whose turn it is");
        check(turn == address(0) || until == endsAt, "until when");
        check((ceremony.beaconBlock() != 0) == announced, "the beacon");
    }
}

contract ContributorsInvariants is Test {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Contributors private all;

    function setUp() external {
        all = new Contributors();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(all);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[12] memory list = [
            Contributors.enroll.selector,
            Contributors.enroll.selector,
            Contributors.enroll.selector,
            Contributors.contribute.selector,
            Contributors.contribute.selector,
            Contributors.contribute.selector,
            Contributors.skip.selector,
            Contributors.strike.selector,
            Contributors.announce.selector,
            Contributors.moveStake.selector,
            Contributors.pass.selector,
            Contributors.passLong.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0].addr = address(all);
        targets[0].selectors = new bytes4[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            targets[0].selectors[i] = list[i];
        }
    }

    function invariant_contributionsAreThoseThatWereTaken() external view {
        all.checkCeremony();
    }

    function test_theHandlerReachesEverything() external {
        uint256 seed = 11;
        bytes4[] memory selectors = this.targetSelectors()[0].selectors;
        for (uint256 i = 0; i < 800; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            bytes4 selector = selectors[seed % selectors.length];
            if (selector == Contributors.passLong.selector && seed >> 200 & 3 != 0) continue;
            bool flagSecond = selector == Contributors.enroll.selector || selector == Contributors.strike.selector
                || selector == Contributors.moveStake.selector;
            (bool ok,) = address(all)
                .call(abi.encodeWithSelector(selector, seed >> 8, flagSecond ? seed >> 40 & 1 : seed >> 40, seed >> 72));
            check(ok, "an action failed");
            all.checkCeremony();
        }
        string[5] memory needed = ["enroll", "contribute", "skip", "strike", "announce"];
        for (uint256 i = 0; i < 5; ++i) {
            check(all.done(bytes32(bytes(needed[i]))) > 0, needed[i]);
        }
    }
}
