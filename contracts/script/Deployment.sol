// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {PlonkVerifier} from "../src/PlonkVerifier.sol";
import {RemoteDesk} from "../src/bridge/RemoteDesk.sol";
import {SertnGovernor} from "../src/governance/SertnGovernor.sol";
import {SertnTimelock} from "../src/governance/SertnTimelock.sol";
import {SertnToken} from "../src/governance/SertnToken.sol";
import {IInferenceMarket} from "../src/interfaces/IInferenceMarket.sol";
import {INodePools} from "../src/interfaces/INodePools.sol";
import {IVerifierRouter} from "../src/interfaces/IVerifierRouter.sol";
import {InferenceMarket} from "../src/market/InferenceMarket.sol";
import {MarketViewer} from "../src/market/MarketViewer.sol";
import {NodePools} from "../src/nodes/NodePools.sol";
import {ModelRegistry} from "../src/registry/ModelRegistry.sol";
import {InferenceVerifier} from "../src/verify/InferenceVerifier.sol";
import {VerifierRouter} from "../src/verify/VerifierRouter.sol";
import {Vetting} from "../src/vetting/Vetting.sol";

/// @title Deployment of a network.
/// @notice Deploys a network at addresses that follow from its settings alone, the same on every chain.
/// @dev Every contract is made by the deployer that is at one address of nearly all chains (anvil has it), by CREATE2. Whoever runs this is the admin:
///      it owns the contracts until a vote has the timelock accept them.
abstract contract Deployment {
    /// @notice Settings. Two chains with equal ones have equal addresses.
    // In the order of the contracts; it is never stored.
    // solhint-disable-next-line gas-struct-packing
    struct Settings {
        bytes32 salt;
        address admin;
        address guardian;
        uint256 supply;
        uint256 delay;
        uint48 votingDelay;
        uint32 votingPeriod;
        uint256 threshold;
        uint256 quorum;
        uint256[4] tau;
        uint256 origin;
        IVerifierRouter.Canary canary;
        uint256 registryFee;
        IInferenceMarket.Parameters market;
        INodePools.Parameters pools;
        uint256 finality;
    }

    /// @notice A network.
    struct Network {
        SertnToken token;
        SertnTimelock timelock;
        SertnGovernor governor;
        PlonkVerifier verifier;
        VerifierRouter router;
        ModelRegistry registry;
        InferenceMarket market;
        NodePools pools;
        MarketViewer viewer;
        InferenceVerifier inference;
        Vetting vetting;
        RemoteDesk desk;
    }

    /// @notice The deployer (github.com/Arachnid/deterministic-deployment-proxy).
    address internal constant CREATE2_DEPLOYER = 0x4e59b44847b379578588920cA78FbF26c0B4956C;

    /// @notice The chain has no deployer.
    error NoDeployer(address expected);
    /// @notice A contract could not be made.
    error NotDeployed(address expected);

    /// @notice Makes what is not there yet, and sets what only an admin can.
    /// @param s the settings.
    /// @return n where the contracts are.
    function deployNetwork(Settings memory s) internal returns (Network memory n) {
        n.token = SertnToken(_make(s.salt, type(SertnToken).creationCode, abi.encode(s.admin, s.supply)));
        n.timelock =
            SertnTimelock(payable(_make(s.salt, type(SertnTimelock).creationCode, abi.encode(s.delay, s.admin))));
        n.governor = SertnGovernor(
            payable(_make(
                    s.salt,
                    type(SertnGovernor).creationCode,
                    abi.encode(n.token, n.timelock, s.votingDelay, s.votingPeriod, s.threshold, s.quorum)
                ))
        );
        n.verifier = PlonkVerifier(_make(s.salt, type(PlonkVerifier).creationCode, abi.encode(s.tau, s.origin)));
        n.router = VerifierRouter(_make(s.salt, type(VerifierRouter).creationCode, abi.encode(s.admin, s.guardian)));
        n.registry = ModelRegistry(
            _make(
                s.salt,
                type(ModelRegistry).creationCode,
                abi.encode(s.admin, s.guardian, n.token, n.router, s.registryFee)
            )
        );
        n.market = InferenceMarket(
            _make(
                s.salt,
                type(InferenceMarket).creationCode,
                abi.encode(s.admin, s.guardian, n.token, n.registry, n.router, s.market)
            )
        );
        n.pools =
            NodePools(_make(s.salt, type(NodePools).creationCode, abi.encode(s.admin, s.guardian, n.market, s.pools)));
        _deployBeside(s, n);
        _wire(s, n);
    }

    function _deployBeside(Settings memory s, Network memory n) private {
        n.viewer = MarketViewer(_make(s.salt, type(MarketViewer).creationCode, abi.encode(n.market)));
        n.inference =
            InferenceVerifier(_make(s.salt, type(InferenceVerifier).creationCode, abi.encode(n.registry, n.router)));
        n.vetting = Vetting(_make(s.salt, type(Vetting).creationCode, abi.encode(n.market, n.registry, n.router)));
        n.desk = RemoteDesk(
            _make(s.salt, type(RemoteDesk).creationCode, abi.encode(s.admin, s.guardian, n.market, n.token, s.finality))
        );
    }

    /// @dev What is done already is left as it is, so that a deployment that was cut off goes on.
    function _wire(Settings memory s, Network memory n) private {
        bytes4 system = n.verifier.proofSystemId();
        (IVerifierRouter.RouteState state,,) = n.router.routeOf(system);
        if (state == IVerifierRouter.RouteState.None) n.router.addRoute(system, address(n.verifier), s.canary);
        if (n.market.pools() == address(0)) n.market.setPools(address(n.pools));
        if (n.timelock.hasRole(n.timelock.DEFAULT_ADMIN_ROLE(), s.admin)) {
            n.timelock.grantRole(n.timelock.PROPOSER_ROLE(), address(n.governor));
            n.timelock.grantRole(n.timelock.CANCELLER_ROLE(), address(n.governor));
            n.timelock.grantRole(n.timelock.EXECUTOR_ROLE(), address(0));
            n.timelock.renounceRole(n.timelock.DEFAULT_ADMIN_ROLE(), s.admin);
        }
        // each takes a vote that has the timelock accept
        Ownable2Step[5] memory all = [Ownable2Step(n.router), n.registry, n.market, n.pools, n.desk];
        for (uint256 i = 0; i < all.length; ++i) {
            if (all[i].owner() == s.admin && all[i].pendingOwner() != address(n.timelock)) {
                all[i].transferOwnership(address(n.timelock));
            }
        }
    }

    function _make(bytes32 salt, bytes memory code, bytes memory arguments) private returns (address made) {
        bytes memory whole = bytes.concat(code, arguments);
        made = address(uint160(uint256(keccak256(abi.encodePacked(hex"ff", CREATE2_DEPLOYER, salt, keccak256(whole))))));
        if (made.code.length != 0) return made;
        if (CREATE2_DEPLOYER.code.length == 0) revert NoDeployer(CREATE2_DEPLOYER);
        // The deployer has no ABI: it takes salt and code as they are.
        // solhint-disable-next-line avoid-low-level-calls
        (bool ok,) = CREATE2_DEPLOYER.call(bytes.concat(salt, whole));
        if (!ok || made.code.length == 0) revert NotDeployed(made);
    }
}
