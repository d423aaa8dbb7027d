// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Which contract verifies which proof system. A route is added once, can be stopped for ever, and never changes.
/// @notice Looked up at every settlement.
interface IVerifierRouter {
    enum RouteState {
        None,
        Live,
        Stopped
    }

    /// @notice A statement whose truth is known: the circuit, run on these inputs, has this one answer. A proof of any other is a proof that the
    ///         verifier accepts false claims.
    /// @param vkHash key of a circuit without private parts, whose outputs follow from its inputs; zero where a route has no such statement.
    /// @param inputWords how many public words are inputs as a whole.
    /// @param inputBits how many low bits of the next word are input as well.
    /// @param inputs commitment to the inputs (libraries/PublicWords.sol).
    /// @param answer keccak256 of all public words of the one true claim.
    struct Canary {
        bytes32 vkHash;
        uint16 inputWords;
        uint8 inputBits;
        bytes32 inputs;
        bytes32 answer;
    }

    /// @notice A proof system has a verifier from now on.
    /// @param proofSystemId number of the proof system.
    /// @param verifier contract that verifies it.
    /// @param canary statement whose truth is known.
    event RouteAdded(bytes4 indexed proofSystemId, address indexed verifier, Canary canary);
    /// @notice A proof system has no verifier any more, and never will again.
    /// @param proofSystemId number of the proof system.
    /// @param verifier contract that verifies it.
    /// @param by who stopped it.
    /// @param byProof whether by a proof of a false claim.
    event RouteStopped(bytes4 indexed proofSystemId, address indexed verifier, address indexed by, bool byProof);
    /// @notice No route will ever be added again.
    event Frozen();

    /// @notice The proof system had a route before, live or stopped.
    error RouteTaken(bytes4 proofSystemId);
    /// @notice The proof system never had a route.
    error RouteUnknown(bytes4 proofSystemId);
    /// @notice The route was stopped.
    error RouteIsStopped(bytes4 proofSystemId);
    /// @notice The router takes no more routes.
    error RouterFrozen();
    /// @notice The verifier says it checks another proof system.
    error WrongProofSystem(bytes4 given, bytes4 expected);
    /// @notice The statement given is not the route's known one, or it is the true one.
    error NotAFalseClaim();
    /// @notice The verifier rejects the proof of the false claim, as it should.
    error ProofRejected();

    /// @notice Adds a route. Only governance.
    /// @param proofSystemId number of the proof system.
    /// @param verifier contract that verifies it.
    /// @param canary statement whose truth is known.
    function addRoute(bytes4 proofSystemId, address verifier, Canary calldata canary) external;

    /// @notice Stops a route for ever. Only governance.
    /// @param proofSystemId number of the proof system.
    function stopRoute(bytes4 proofSystemId) external;

    /// @notice Stops a route for ever; anyone, with a proof that its verifier accepts for a false claim.
    /// @param proofSystemId number of the proof system.
    /// @param vk key of the known statement.
    /// @param context what the proof is bound to.
    /// @param words public words of the false claim.
    /// @param proof the proof.
    function stopByProof(
        bytes4 proofSystemId,
        bytes calldata vk,
        bytes32 context,
        uint256[] calldata words,
        bytes calldata proof
    ) external;

    /// @notice Ends adding of routes, for ever. Only governance.
    function freeze() external;

    /// @notice The verifier of a proof system; reverts unless the route is live.
    /// @param proofSystemId number of the proof system.
    /// @return verifier contract that verifies it.
    function verifierOf(bytes4 proofSystemId) external view returns (address verifier);

    /// @notice State, verifier and known statement of a route, stopped ones too.
    /// @param proofSystemId number of the proof system.
    /// @return state never added, live or stopped.
    /// @return verifier contract that verifies it.
    /// @return canary statement whose truth is known.
    function routeOf(bytes4 proofSystemId)
        external
        view
        returns (RouteState state, address verifier, Canary memory canary);

    /// @notice Whether routes can still be added.
    function frozen() external view returns (bool);
}
