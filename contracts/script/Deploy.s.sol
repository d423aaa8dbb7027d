// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IPlonkVerifier} from "../src/IPlonkVerifier.sol";
import {Governed} from "../src/governance/Governed.sol";
import {SertnToken} from "../src/governance/SertnToken.sol";
import {IInferenceMarket} from "../src/interfaces/IInferenceMarket.sol";
import {INodePools} from "../src/interfaces/INodePools.sol";
import {IVerifierRouter} from "../src/interfaces/IVerifierRouter.sol";
import {InferenceMarket} from "../src/market/InferenceMarket.sol";
import {MarketViewer} from "../src/market/MarketViewer.sol";
import {NodePools} from "../src/nodes/NodePools.sol";
import {ModelRegistry} from "../src/registry/ModelRegistry.sol";
import {VerifierRouter} from "../src/verify/VerifierRouter.sol";

/// @title Cheat codes.
/// @notice What of forge's cheat codes a script uses.
interface IDeployVm {
    /// @notice Sends what follows.
    function startBroadcast() external;
    /// @notice Sends no more.
    function stopBroadcast() external;
    /// @notice Writes a file.
    /// @param path where.
    /// @param text what.
    function writeFile(string calldata path, string calldata text) external;
    /// @notice An address in the environment.
    /// @param name its variable.
    function envAddress(string calldata name) external view returns (address);
    /// @notice An address that may be in the environment.
    /// @param name its variable.
    /// @param otherwise what it is where there is none.
    function envOr(string calldata name, address otherwise) external view returns (address);
    /// @notice A text in the environment.
    /// @param name its variable.
    function envString(string calldata name) external view returns (string memory);
    /// @notice A text that may be in the environment.
    /// @param name its variable.
    /// @param otherwise what it is where there is none.
    function envOr(string calldata name, string calldata otherwise) external view returns (string memory);
    /// @notice A file.
    /// @param path of it, in the project.
    function readFile(string calldata path) external view returns (string memory);
    /// @notice A word in a JSON text.
    /// @param json the text.
    /// @param key where it is.
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    /// @notice Words in a JSON text.
    /// @param json the text.
    /// @param key where they are.
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
    /// @notice Bytes in a JSON text.
    /// @param json the text.
    /// @param key where they are.
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    /// @notice A number in a JSON text.
    /// @param json the text.
    /// @param key where it is.
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    /// @notice An address in writing.
    /// @param value the address.
    function toString(address value) external pure returns (string memory);
}

/// @title Deploys the network beside a verifier that is there already: token, router, registry, market, pools, viewer.
/// @notice VERIFIER says which verifier, GUARDIAN who may stop things beside the owner, OUT where the addresses are written.
/// @dev contracts/deploy calls it. OWNER, where it is given, is proposed as the owner of everything and has to accept (a timelock, by a vote).
contract Deploy {
    IDeployVm private constant VM = IDeployVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    SertnToken private _token;
    VerifierRouter private _router;
    ModelRegistry private _registry;
    InferenceMarket private _market;
    NodePools private _pools;
    MarketViewer private _viewer;

    /// @notice The verifier does not accept the proof of the claim that its route is to know.
    error CanaryNotProved();

    /// @notice Entry of forge script.
    function run() external {
        IPlonkVerifier verifier = IPlonkVerifier(VM.envAddress("VERIFIER"));
        address guardian = VM.envOr("GUARDIAN", msg.sender);
        IVerifierRouter.Canary memory canary = _canary(verifier, VM.envOr("CANARY", string("")));
        VM.startBroadcast();
        _token = new SertnToken(msg.sender, 1e27);
        _router = new VerifierRouter(msg.sender, guardian);
        _router.addRoute(verifier.proofSystemId(), address(verifier), canary);
        _registry = new ModelRegistry(msg.sender, guardian, _token, _router, 1e18);
        _market = new InferenceMarket(msg.sender, guardian, _token, _registry, _router, marketParameters());
        _pools = new NodePools(msg.sender, guardian, _market, poolParameters());
        _market.setPools(address(_pools));
        _viewer = new MarketViewer(_market);
        _propose(VM.envOr("OWNER", msg.sender));
        VM.stopBroadcast();
        _write(VM.envString("OUT"));
    }

    /// @notice First parameters of the market.
    function marketParameters() public pure returns (IInferenceMarket.Parameters memory) {
        return IInferenceMarket.Parameters({
            unitPrice: 1e13, callbackGasPrice: 1e9, feeBps: 500, minDuration: 10 minutes, maxDuration: 2 days
        });
    }

    /// @notice First parameters of the pools.
    function poolParameters() public pure returns (INodePools.Parameters memory) {
        return INodePools.Parameters({
            minStake: 1e18,
            stakePerUnit: 1e14,
            penaltyPerUnit: 1e13,
            windowBase: 10 minutes,
            windowPerMegaUnit: 10 minutes,
            reporterBps: 1000
        });
    }

    /// @dev The true claim that the route knows: a proof of another answer to its inputs stops the verifier. A file of
    ///      `sertn-run calldata --json`, whose proof the verifier has to accept; none without a file. What can be computed of the words that were
    ///      proved is: were it another answer, every proof of the true one would stop the verifier.
    function _canary(IPlonkVerifier verifier, string memory path)
        private
        view
        returns (IVerifierRouter.Canary memory canary)
    {
        if (bytes(path).length == 0) return canary;
        string memory json = VM.readFile(path);
        canary.vkHash = VM.parseJsonBytes32(json, ".vk_digest");
        bytes32[] memory words = VM.parseJsonBytes32Array(json, ".words");
        if (!_isProved(verifier, canary.vkHash, words, json)) revert CanaryNotProved();
        canary.inputWords = uint16(VM.parseJsonUint(json, ".claim.input_words"));
        canary.inputBits = uint8(VM.parseJsonUint(json, ".claim.input_bits"));
        canary.answer = keccak256(abi.encodePacked(words));
        // As libraries/PublicWords.sol has it.
        uint256 count = canary.inputWords;
        if (canary.inputBits != 0) {
            words[count] &= bytes32((uint256(1) << canary.inputBits) - 1);
            ++count;
        }
        bytes32[] memory inputs = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            inputs[i] = words[i];
        }
        canary.inputs = keccak256(abi.encodePacked(inputs));
    }

    function _isProved(IPlonkVerifier verifier, bytes32 vkHash, bytes32[] memory words, string memory json)
        private
        view
        returns (bool)
    {
        uint256[] memory values = new uint256[](words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            values[i] = uint256(words[i]);
        }
        bytes memory vk = VM.parseJsonBytes(json, ".vk");
        bytes32 context = VM.parseJsonBytes32(json, ".context");
        try verifier.verify(vkHash, vk, context, values, VM.parseJsonBytes(json, ".proof")) returns (bool holds) {
            return holds;
        } catch {
            return false;
        }
    }

    function _propose(address owner) private {
        if (owner == msg.sender) return;
        Governed[4] memory all = [Governed(_router), Governed(_registry), Governed(_market), Governed(_pools)];
        for (uint256 i = 0; i < all.length; ++i) {
            all[i].transferOwnership(owner);
        }
    }

    function _write(string memory path) private {
        string memory text = string.concat("{", _field("token", address(_token)), ",");
        text = string.concat(text, _field("router", address(_router)), ",", _field("registry", address(_registry)), ",");
        text = string.concat(text, _field("market", address(_market)), ",", _field("pools", address(_pools)), ",");
        text = string.concat(text, _field("viewer", address(_viewer)), "}\n");
        VM.writeFile(path, text);
    }

    function _field(string memory name, address value) private pure returns (string memory) {
        return string.concat("\"", name, "\":\"", VM.toString(value), "\"");
    }
}
