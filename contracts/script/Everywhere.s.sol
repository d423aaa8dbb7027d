// SPDX-License-Identifier: MIT
pragma solidity ^0.8.26;

import {IInferenceMarket} from "../src/interfaces/IInferenceMarket.sol";
import {INodePools} from "../src/interfaces/INodePools.sol";
import {Deployment} from "./Deployment.sol";

/// @title Cheat codes.
/// @notice What of forge's cheat codes a script uses.
interface IScriptVm {
    /// @notice Sends what follows.
    function startBroadcast() external;
    /// @notice Sends no more.
    function stopBroadcast() external;
}

/// @title Script that deploys a network.
/// @notice forge script script/Everywhere.s.sol --rpc-url URL --broadcast: a network on a development chain; `--sig 'run(...)'` takes other settings.
contract Everywhere is Deployment {
    IScriptVm private constant VM = IScriptVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @notice A network with the settings below, over the development reference string.
    function run() external returns (Network memory) {
        return run(developmentSettings(msg.sender));
    }

    /// @notice A network with other settings.
    /// @param settings the settings.
    /// @return n where the contracts are.
    function run(Settings memory settings) public returns (Network memory n) {
        VM.startBroadcast();
        n = deployNetwork(settings);
        VM.stopBroadcast();
    }

    /// @notice Settings for development: everything short and cheap. The reference string is public knowledge and refused on any chain but 31337.
    /// @param admin who runs this and owns the contracts at first.
    /// @return s the settings.
    function developmentSettings(address admin) public pure returns (Settings memory s) {
        s.salt = keccak256("sertn development");
        (s.admin, s.guardian) = (admin, admin);
        s.supply = 1_000_000_000e18;
        s.delay = 1 days;
        (s.votingDelay, s.votingPeriod, s.threshold, s.quorum) = (1 hours, 1 days, 1000e18, 4);
        s.tau = [
            uint256(0x17fde9cc17f03e8c102718415a629bcd672dce3ec31fe48525ce6fd76ec922e7),
            0x2a51e74786768511ec7959cceb44603128b8912eb83a50d7d2ad954edf5d7401,
            0x3050bcbce40162347568309ab30f296a34a41e510433ee45b93f696953698914,
            0x1c1ed8cde58bfaa69a29767e62bcde8e674afd57eb990fac440c43a0144bbfd1
        ];
        s.registryFee = 1e18;
        s.market = IInferenceMarket.Parameters(1e12, 1e9, 500, 1 minutes, 2 days);
        s.pools = INodePools.Parameters(100e18, 1e12, 5e11, 2 minutes, 60, 1000);
        s.finality = 15 minutes;
    }
}
