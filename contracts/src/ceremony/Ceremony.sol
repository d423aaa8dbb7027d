// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Governed} from "../governance/Governed.sol";
import {ICeremony} from "../interfaces/ICeremony.sol";
import {INodePools} from "../interfaces/INodePools.sol";
import {CeremonyKeys} from "../libraries/CeremonyKeys.sol";

/// @title A ceremony of powers of tau whose contributions are checked on the chain.
/// @notice Nodes take turns; each contribution is checked, and a block hash ends it.
/// @dev The chain keeps one hash for each contribution; whoever posts the next brings the powers before.
contract Ceremony is ICeremony, Governed {
    /// @dev A contribution.
    struct Entry {
        address node;
        bytes32 link;
    }

    /// @notice Shortest turn.
    uint256 public constant MIN_WINDOW = 10 minutes;
    /// @notice Longest turn.
    uint256 public constant MAX_WINDOW = 7 days;
    /// @notice Longest enrolment.
    uint256 public constant MAX_ENROLLMENT = 365 days;
    /// @notice Shortest time from the last contribution to the beacon: a vote that strikes it takes longer than two days.
    uint256 public constant MIN_REVIEW = 3 days;
    /// @notice Longest such time.
    uint256 public constant MAX_REVIEW = 90 days;
    /// @notice Most contributions that a ceremony may ask for.
    uint256 public constant MAX_LEAST = 256;
    /// @notice Blocks from the announcement of the beacon to its block.
    uint256 public constant BEACON_DELAY = 64;
    /// @notice Logarithm of the rounds of SHA-256 of the beacon (--rounds).
    uint256 public constant BEACON_LG_ROUNDS = 10;

    /// @dev A precompile that refuses its input burns what it was given: several times today's price, for chains that charge more.
    uint256 private constant POINT_GAS = 40_000;
    uint256 private constant PAIRING_GAS = 800_000;
    uint256 private constant BLOCK_HASHES = 256;
    uint256 private constant R = CeremonyKeys.R;
    uint256 private constant Q = CeremonyKeys.Q;
    /// @dev The generator of G2, in the order of EIP-197.
    uint256 private constant G2_X1 = 11559732032986387107991004021392285783925812861821192530917403151452391805634;
    uint256 private constant G2_X0 = 10857046999023057135944570762232829481370756359578518086990519993285655852781;
    uint256 private constant G2_Y1 = 4082367875863433681332203403145435568316851327593401208105741076214120093531;
    uint256 private constant G2_Y0 = 8495653923123431417604973247489272438418190587263600148770280649306958101930;

    /// @notice The pools, whose nodes may contribute.
    INodePools public immutable POOLS;
    /// @notice Seconds of a turn.
    uint256 public immutable WINDOW;
    /// @notice End of enrolment.
    uint256 public immutable CLOSES_AT;
    /// @notice Contributions that a ceremony takes at least.
    uint256 public immutable LEAST;
    /// @notice Seconds from the last contribution to the announcement of the beacon, in which its file is looked at.
    uint256 public immutable REVIEW;
    /// @notice The beacon's block, once it is announced.
    uint256 public beaconBlock;
    /// @notice The beacon, once it is drawn.
    bytes32 public beacon;
    /// @inheritdoc ICeremony
    bytes32 public srsDigest;
    bytes32 private immutable FIRST_LINK;

    /// @inheritdoc ICeremony
    uint256 public contributions;
    mapping(uint256 number => Entry) private _entries;
    /// @dev Every [tau]_1 there was.
    mapping(bytes32 point => bool) private _seen;
    address[] private _queue;
    uint256 private _place;
    uint256 private _turnEndsAt;
    /// @inheritdoc ICeremony
    uint256 public reviewEndsAt;
    mapping(address node => bool) private _waits;

    modifier whileRunning() {
        if (srsDigest != bytes32(0)) revert CeremonyOver();
        _;
    }

    /// @notice Makes a ceremony and opens enrolment.
    /// @param owner_ governance's timelock, who may strike contributions.
    /// @param guardian_ has nothing to stop here.
    /// @param pools the pools.
    /// @param firstChallenge challenge of the file without contributions (`ceremony new`), which depends on its power.
    /// @param window seconds of a turn.
    /// @param enrollment seconds of enrolment.
    /// @param least contributions that it takes.
    /// @param review seconds from the last contribution to the beacon.
    constructor(
        address owner_,
        address guardian_,
        INodePools pools,
        bytes32[2] memory firstChallenge,
        uint256 window,
        uint256 enrollment,
        uint256 least,
        uint256 review
    ) Governed(owner_, guardian_) {
        _bound("window", window, MIN_WINDOW, MAX_WINDOW);
        _bound("enrollment", enrollment, MIN_WINDOW, MAX_ENROLLMENT);
        _bound("least", least, 1, MAX_LEAST);
        _bound("review", review, MIN_REVIEW, MAX_REVIEW);
        POOLS = pools;
        WINDOW = window;
        CLOSES_AT = block.timestamp + enrollment;
        LEAST = least;
        REVIEW = review;
        Powers memory powers;
        powers.tau1 = [uint256(1), 2];
        powers.tau2 = [G2_X1, G2_X0, G2_Y1, G2_Y0];
        powers.challenge = firstChallenge;
        FIRST_LINK = keccak256(abi.encode(bytes32(0), powers, address(0)));
        _seen[keccak256(abi.encode(powers.tau1))] = true;
    }

    /// @inheritdoc ICeremony
    function enroll(address node) external whileRunning {
        _requireCaller(node);
        // Where too few contributed, or too many were struck, more may: otherwise the ceremony could never end. Who only waits does not count: a node
        // that lets its turn pass and enrols again would keep the others out for ever.
        if (block.timestamp > CLOSES_AT && contributions >= LEAST) revert EnrollmentClosed();
        if (!_isNode(node)) revert NotANode(node);
        if (_waits[node]) revert AlreadyEnrolled(node);
        _waits[node] = true;
        // Nobody's turn: it is this node's from now on.
        if (_place == _queue.length) _turnEndsAt = block.timestamp + WINDOW;
        _queue.push(node);
        emit Enrolled(node, _queue.length - 1, _turnEndsAt);
    }

    /// @inheritdoc ICeremony
    function contribute(
        Powers calldata before,
        Powers calldata powers,
        Knowledge calldata knowledge,
        bytes32[2] calldata response,
        string calldata uri
    ) external whileRunning {
        (address node, uint256 endsAt) = turn();
        if (node == address(0)) revert NotYourTurn(node);
        _requireCaller(node);
        if (block.timestamp > endsAt) revert TurnOver(endsAt);
        _requireLast(before);
        // The secret 1, or a contribution that was struck, posted again by another who does not know its secret.
        bytes32 point = keccak256(abi.encode(powers.tau1));
        if (_seen[point]) revert RepeatedPowers();
        _seen[point] = true;
        _checkStep(before, powers, knowledge);
        _next();
        bytes32 link = keccak256(abi.encode(_linkOf(contributions), powers, node));
        _entries[++contributions] = Entry(node, link);
        reviewEndsAt = block.timestamp + REVIEW;
        emit Contributed(contributions, node, link, powers, response, uri, _turnEndsAt);
    }

    /// @inheritdoc ICeremony
    function skip() external whileRunning {
        (address node, uint256 endsAt) = turn();
        // Whoever has taken its stake away waits for nothing: otherwise one stake could fill the queue.
        if (node == address(0) || (block.timestamp <= endsAt && _isNode(node))) revert TurnNotOver();
        uint256 place = _place;
        _next();
        emit Skipped(node, place, _turnEndsAt);
    }

    /// @inheritdoc ICeremony
    function strike(uint256 number, bytes32 link, string calldata reason) external onlyOwner whileRunning {
        // A vote takes time: it is about this contribution, whatever was made upon it meanwhile.
        if (number == 0 || number > contributions || _entries[number].link != link) revert NothingToStrike();
        contributions = number - 1;
        (beaconBlock, beacon) = (0, bytes32(0));
        // whoever has its turn starts from other powers
        if (_place != _queue.length) _turnEndsAt = block.timestamp + WINDOW;
        emit Struck(number, _entries[number].node, reason, _turnEndsAt);
    }

    /// @inheritdoc ICeremony
    function announceBeacon() external whileRunning {
        if (
            block.timestamp <= CLOSES_AT || block.timestamp <= reviewEndsAt || _place != _queue.length
                || contributions < LEAST
        ) revert NotReady();
        bool missed = beaconBlock != 0 && block.number > beaconBlock + BLOCK_HASHES;
        if (beacon != bytes32(0) || (beaconBlock != 0 && !missed)) revert WrongMoment();
        beaconBlock = block.number + BEACON_DELAY;
        emit BeaconAnnounced(beaconBlock);
    }

    /// @inheritdoc ICeremony
    function drawBeacon() external whileRunning {
        bytes32 hash = beaconBlock == 0 ? bytes32(0) : blockhash(beaconBlock);
        if (hash == bytes32(0) || beacon != bytes32(0)) revert WrongMoment();
        beacon = hash;
        emit BeaconDrawn(beaconBlock, hash);
    }

    /// @inheritdoc ICeremony
    function finish(Powers calldata before, Powers calldata powers, bytes32[2] calldata response, string calldata uri)
        external
        whileRunning
    {
        if (beacon == bytes32(0)) revert WrongMoment();
        _requireLast(before);
        uint256 secret = CeremonyKeys.beaconSecret(beacon, BEACON_LG_ROUNDS);
        uint256[2] memory expected = _times(before.tau1, secret);
        if (expected[0] != powers.tau1[0] || expected[1] != powers.tau1[1]) revert NotTheBeacons();
        // e([tau]_1, [1]_2) = e([1]_1, [tau]_2)
        if (!_pairing(abi.encode(expected, _generator2(), [uint256(1), Q - 2], powers.tau2))) revert NotTheBeacons();
        bytes32 digest = keccak256(
            abi.encodePacked(
                bytes32("sertn srs v1"), uint256(1), powers.tau2[0], powers.tau2[1], powers.tau2[2], powers.tau2[3]
            )
        );
        srsDigest = digest;
        emit Finished(digest, powers, response, uri);
    }

    /// @inheritdoc ICeremony
    function turn() public view returns (address node, uint256 endsAt) {
        if (_place == _queue.length) return (address(0), 0);
        return (_queue[_place], _turnEndsAt);
    }

    /// @inheritdoc ICeremony
    function contributionOf(uint256 number) external view returns (address node, bytes32 link) {
        if (number == 0 || number > contributions) revert ContributionUnknown(number);
        Entry storage entry = _entries[number];
        return (entry.node, entry.link);
    }

    /// @notice The point of G2 that a proof of knowledge is made with: for tools that compare.
    /// @param challenge the challenge before the contribution.
    /// @param s the random point.
    /// @param sx its multiple.
    /// @return q in the order of EIP-197.
    function proofBase(bytes32[2] calldata challenge, uint256[2] calldata s, uint256[2] calldata sx)
        external
        view
        returns (uint256[4] memory q)
    {
        return CeremonyKeys.proofBase(challenge, s, sx);
    }

    // ---- internal ----

    function _requireCaller(address node) private view {
        if (msg.sender != node && msg.sender != POOLS.nodeOf(node).operator) {
            revert NotNodeOrOperator(node, msg.sender);
        }
    }

    function _next() private {
        delete _waits[_queue[_place]];
        ++_place;
        _turnEndsAt = block.timestamp + WINDOW;
    }

    function _isNode(address node) private view returns (bool) {
        (uint96 least,,,,,) = POOLS.parameters();
        return POOLS.nodeOf(node).stake >= least;
    }

    function _linkOf(uint256 number) private view returns (bytes32) {
        return number == 0 ? FIRST_LINK : _entries[number].link;
    }

    /// @dev Holds the powers that the caller brings to the hash that is kept of them.
    function _requireLast(Powers calldata before) private view {
        uint256 count = contributions;
        bytes32 link = count == 0 ? bytes32(0) : _linkOf(count - 1);
        address node = count == 0 ? address(0) : _entries[count].node;
        if (keccak256(abi.encode(link, before, node)) != _linkOf(count)) revert WrongPowers();
    }

    /// @dev Three equations, summed with a factor c that nobody chose: x s and s differ by the x of x q and q; so do the new and the old [tau]_1;
    ///      [tau]_1 and [tau]_2 are of one tau.
    ///      e(x s + c tau1', q) e(-(s + c tau1), x q) e(c^2 tau1', [1]_2) e(-c^2 [1]_1, tau2') = 1
    function _checkStep(Powers calldata before, Powers calldata powers, Knowledge calldata knowledge) private view {
        if (
            _isZero(powers.tau1) || _isZero(knowledge.s) || _isZero(knowledge.sx)
                || (powers.tau2[0] | powers.tau2[1] | powers.tau2[2] | powers.tau2[3]) == 0
                || (knowledge.qx[0] | knowledge.qx[1] | knowledge.qx[2] | knowledge.qx[3]) == 0
        ) revert BadPoint();
        uint256[4] memory q = CeremonyKeys.proofBase(before.challenge, knowledge.s, knowledge.sx);
        uint256 c = uint256(keccak256(abi.encode(before, powers, knowledge))) >> 128;
        uint256 c2 = mulmod(c, c, R);
        uint256[2] memory minus = _sum(knowledge.s, _times(before.tau1, c));
        minus[1] = (Q - minus[1]) % Q;
        bool holds = _pairing(
            bytes.concat(
                abi.encode(_sum(knowledge.sx, _times(powers.tau1, c)), q, minus, knowledge.qx),
                abi.encode(_times(powers.tau1, c2), _generator2(), _times([uint256(1), Q - 2], c2), powers.tau2)
            )
        );
        if (!holds) revert KnowledgeNotProved();
    }

    function _generator2() private pure returns (uint256[4] memory) {
        return [G2_X1, G2_X0, G2_Y1, G2_Y0];
    }

    function _isZero(uint256[2] calldata point) private pure returns (bool) {
        return (point[0] | point[1]) == 0;
    }

    function _times(uint256[2] memory point, uint256 k) private view returns (uint256[2] memory) {
        return _point(7, abi.encode(point, k));
    }

    function _sum(uint256[2] memory a, uint256[2] memory b) private view returns (uint256[2] memory) {
        return _point(6, abi.encode(a, b));
    }

    function _point(uint256 precompile, bytes memory input) private view returns (uint256[2] memory result) {
        bool ok;
        assembly ("memory-safe") {
            ok := staticcall(POINT_GAS, precompile, add(input, 32), mload(input), result, 64)
        }
        if (!ok) revert BadPoint();
    }

    function _pairing(bytes memory input) private view returns (bool) {
        bool ok;
        uint256 one;
        assembly ("memory-safe") {
            ok := staticcall(PAIRING_GAS, 8, add(input, 32), mload(input), 0x00, 32)
            one := mload(0x00)
        }
        if (!ok) revert BadPoint();
        return one == 1;
    }

    function _bound(bytes32 name, uint256 value, uint256 least, uint256 most) private pure {
        if (value < least || value > most) revert ParameterOutOfBounds(name, value, least, most);
    }
}
