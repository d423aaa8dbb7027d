// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../IPlonkVerifier.sol";
import {Governed} from "../governance/Governed.sol";
import {IVerifierRouter} from "../interfaces/IVerifierRouter.sol";
import {PublicWords} from "../libraries/PublicWords.sol";

/// @title Routes of proof systems to verifiers.
/// @notice A route that was stopped leaves a tombstone: its number is never used again, so nobody who trusted it is moved to other code.
contract VerifierRouter is IVerifierRouter, Governed {
    struct Route {
        address verifier;
        RouteState state;
        Canary canary;
    }

    mapping(bytes4 proofSystemId => Route) private _routes;
    /// @inheritdoc IVerifierRouter
    bool public frozen;

    /// @notice Makes a router without routes.
    /// @param owner_ governance's timelock.
    /// @param guardian_ has nothing to stop here: a stop is for ever. Pausing the market is the guardian's.
    constructor(address owner_, address guardian_) Governed(owner_, guardian_) {}

    /// @inheritdoc IVerifierRouter
    function addRoute(bytes4 proofSystemId, address verifier, Canary calldata canary) external onlyOwner {
        if (frozen) revert RouterFrozen();
        Route storage route = _routes[proofSystemId];
        if (route.state != RouteState.None) revert RouteTaken(proofSystemId);
        bytes4 given = IPlonkVerifier(verifier).proofSystemId();
        if (given != proofSystemId) revert WrongProofSystem(given, proofSystemId);
        route.verifier = verifier;
        route.state = RouteState.Live;
        route.canary = canary;
        emit RouteAdded(proofSystemId, verifier, canary);
    }

    /// @inheritdoc IVerifierRouter
    function stopRoute(bytes4 proofSystemId) external onlyOwner {
        _stop(proofSystemId, false);
    }

    /// @inheritdoc IVerifierRouter
    function stopByProof(
        bytes4 proofSystemId,
        bytes calldata vk,
        bytes32 context,
        uint256[] calldata words,
        bytes calldata proof
    ) external {
        address verifier = verifierOf(proofSystemId);
        Canary memory canary = _routes[proofSystemId].canary;
        // Another input could have another true answer: only the known input counts.
        if (
            canary.vkHash == bytes32(0) || PublicWords.digest(words) == canary.answer
                || PublicWords.commit(words, canary.inputWords, canary.inputBits) != canary.inputs
        ) revert NotAFalseClaim();
        if (!IPlonkVerifier(verifier).verify(canary.vkHash, vk, context, words, proof)) revert ProofRejected();
        _stop(proofSystemId, true);
    }

    /// @inheritdoc IVerifierRouter
    function freeze() external onlyOwner {
        frozen = true;
        emit Frozen();
    }

    /// @inheritdoc IVerifierRouter
    function verifierOf(bytes4 proofSystemId) public view returns (address verifier) {
        Route storage route = _routes[proofSystemId];
        RouteState state;
        (verifier, state) = (route.verifier, route.state);
        if (state == RouteState.None) revert RouteUnknown(proofSystemId);
        if (state == RouteState.Stopped) revert RouteIsStopped(proofSystemId);
    }

    /// @inheritdoc IVerifierRouter
    function routeOf(bytes4 proofSystemId)
        external
        view
        returns (RouteState state, address verifier, Canary memory canary)
    {
        Route storage route = _routes[proofSystemId];
        return (route.state, route.verifier, route.canary);
    }

    function _stop(bytes4 proofSystemId, bool byProof) private {
        address verifier = verifierOf(proofSystemId);
        _routes[proofSystemId].state = RouteState.Stopped;
        emit RouteStopped(proofSystemId, verifier, msg.sender, byProof);
    }
}
