// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title A ceremony of powers of tau whose contributions are checked on the chain.
/// @notice Nodes enrol and take turns. Each multiplies the powers of the file before by a secret of its own (`sertn-registry ceremony contribute`),
///         publishes the new file, and posts what its entry says. The chain checks that the new tau is the old one times a secret that the node
///         proves to know, and that [tau]_1 and [tau]_2 agree; whether the file has all powers of it, everyone checks with
///         `sertn-registry ceremony verify`. At last a block hash nobody could foresee is multiplied in. One honest contributor makes the result safe.
interface ICeremony {
    /// @notice What the powers are after a contribution.
    /// @param tau1 [tau]_1, x and y.
    /// @param tau2 [tau]_2 in the order of EIP-197: x imaginary, x real, y imaginary, y real.
    /// @param challenge the next challenge, 64 bytes: the digest that the file ends with.
    struct Powers {
        uint256[2] tau1;
        uint256[4] tau2;
        bytes32[2] challenge;
    }

    /// @notice Proof that the secret x is known, as in the entry of the file.
    /// @param s a random point of G1.
    /// @param sx x s.
    /// @param qx x q, where q is a hash of the challenge before, s and x s.
    struct Knowledge {
        uint256[2] s;
        uint256[2] sx;
        uint256[4] qx;
    }

    /// @notice A node waits for its turn.
    /// @param node the node.
    /// @param place its place in the queue.
    /// @param turnEndsAt last second of the present turn.
    event Enrolled(address indexed node, uint256 place, uint256 turnEndsAt);
    /// @notice A node's turn passed without a contribution.
    /// @param node the node.
    /// @param place its place in the queue.
    /// @param turnEndsAt last second of the present turn.
    event Skipped(address indexed node, uint256 place, uint256 turnEndsAt);
    /// @notice The powers were multiplied by a node's secret.
    /// @param number of the contribution, from 1 on.
    /// @param node the node.
    /// @param link hash that chains it to those before.
    /// @param powers the powers behind it.
    /// @param response digest of the contribution, 64 bytes: the file keeps those of earlier ones no more, so whoever made one compares it here.
    /// @param uri where the file is.
    /// @param turnEndsAt last second of the present turn.
    event Contributed(
        uint256 indexed number,
        address indexed node,
        bytes32 link,
        Powers powers,
        bytes32[2] response,
        string uri,
        uint256 turnEndsAt
    );
    /// @notice A contribution counts no more, nor do those made upon it: its file is not to be had, or does not hold what the entry says.
    /// @param number of the contribution, from 1 on.
    /// @param node the node.
    /// @param reason what is wrong with its file.
    /// @param turnEndsAt last second of the present turn, which starts again.
    event Struck(uint256 indexed number, address indexed node, string reason, uint256 turnEndsAt);
    /// @notice The hash of this block will be the beacon.
    /// @param blockNumber the block.
    event BeaconAnnounced(uint256 blockNumber);
    /// @notice The beacon.
    /// @param blockNumber the block.
    /// @param beacon the hash.
    event BeaconDrawn(uint256 blockNumber, bytes32 beacon);
    /// @notice The ceremony is over: verifiers made with this [tau]_2 and origin 1 have this digest.
    /// @param srsDigest digest of the reference string.
    /// @param powers the powers behind the beacon.
    /// @param response digest of the contribution.
    /// @param uri where the final file is.
    event Finished(bytes32 srsDigest, Powers powers, bytes32[2] response, string uri);

    /// @notice The node has less stake than the pools ask of a node.
    error NotANode(address node);
    /// @notice Only the node or its operator may do this.
    error NotNodeOrOperator(address node, address caller);
    /// @notice The node waits already.
    error AlreadyEnrolled(address node);
    /// @notice No more nodes enrol.
    error EnrollmentClosed();
    /// @notice It is another node's turn, or nobody's.
    error NotYourTurn(address node);
    /// @notice The turn is over; it can be skipped.
    error TurnOver(uint256 endedAt);
    /// @notice The turn is not over, or there is none.
    error TurnNotOver();
    /// @notice The powers given are not those of the last contribution.
    error WrongPowers();
    /// @notice A point is infinity, not on its curve, or not of its group.
    error BadPoint();
    /// @notice The new powers are not the old ones times a secret that the proof shows to be known.
    error KnowledgeNotProved();
    /// @notice The new powers are not the old ones times the secret of the beacon.
    error NotTheBeacons();
    /// @notice Enrolment goes on, somebody's turn does, the last contribution is still looked at, or there are too few.
    error NotReady();
    /// @notice The beacon was announced or drawn already, or was not yet.
    error WrongMoment();
    /// @notice The ceremony is over.
    error CeremonyOver();
    /// @notice There is no contribution of this number and link.
    error NothingToStrike();
    /// @notice There is no contribution of this number.
    error ContributionUnknown(uint256 number);
    /// @notice Powers that were there before are no contribution.
    error RepeatedPowers();
    /// @notice A parameter is beyond its bound.
    error ParameterOutOfBounds(bytes32 name, uint256 value, uint256 least, uint256 most);

    /// @notice Puts a node in the queue. The node or its operator; behind the end of enrolment only where contributions are missing.
    /// @param node a node with the pools' least stake.
    function enroll(address node) external;

    /// @notice Posts the contribution of the node whose turn it is. The node or its operator.
    /// @param before the powers of the last contribution, whose event has them.
    /// @param powers those of the new one.
    /// @param knowledge the proof for tau in the new entry.
    /// @param response digest of the contribution.
    /// @param uri where the new file is.
    function contribute(
        Powers calldata before,
        Powers calldata powers,
        Knowledge calldata knowledge,
        bytes32[2] calldata response,
        string calldata uri
    ) external;

    /// @notice Ends a turn that nobody used in time, or of a node whose stake is gone; anyone may.
    function skip() external;

    /// @notice Takes back a contribution, those made upon it, and a beacon announced or drawn behind it. Only governance.
    /// @param number of the contribution.
    /// @param link its link, so that a vote strikes no other one.
    /// @param reason what is wrong with its file.
    function strike(uint256 number, bytes32 link, string calldata reason) external;

    /// @notice Names the block of the beacon, after enrolment, all turns and the time to look at the last file; again where its hash was not drawn in
    ///         time. Anyone may.
    function announceBeacon() external;

    /// @notice Takes the beacon from the announced block, within 256 blocks; anyone may.
    function drawBeacon() external;

    /// @notice Posts the last contribution, that of the beacon (`sertn-registry ceremony beacon --beacon 0x... --rounds 10`); anyone may. The chain
    ///         checks the powers; everybody can make the file from the last one and the beacon, whatever the caller says of it.
    /// @param before the powers of the last contribution.
    /// @param powers those behind the beacon.
    /// @param response digest of the beacon's contribution.
    /// @param uri where the final file is.
    function finish(Powers calldata before, Powers calldata powers, bytes32[2] calldata response, string calldata uri)
        external;

    /// @notice The node whose turn it is and when it ends; zero for none.
    /// @return node the node.
    /// @return endsAt last second of its turn.
    function turn() external view returns (address node, uint256 endsAt);

    /// @notice Last second before the beacon may be announced: what a vote has to strike the last contribution.
    /// @return endsAt zero before the first contribution.
    function reviewEndsAt() external view returns (uint256 endsAt);

    /// @notice Number of contributions.
    /// @return count those that were not struck.
    function contributions() external view returns (uint256 count);

    /// @notice Who made a contribution, and the hash that chains it to all before it.
    /// @param number from 1 on.
    /// @return node who made it.
    /// @return link keccak256 of abi.encode(link before, powers, node); the link before the first is that of the generators and address zero.
    function contributionOf(uint256 number) external view returns (address node, bytes32 link);

    /// @notice Digest of the reference string that came of it; zero until then.
    /// @return digest as PlonkVerifier.srsDigest.
    function srsDigest() external view returns (bytes32 digest);
}
