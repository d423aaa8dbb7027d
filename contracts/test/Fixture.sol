// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {PlonkVerifier} from "../src/PlonkVerifier.sol";
import {Test} from "./Vm.sol";

/// @notice Proofs made by sertn-run over the development reference string: test/fixtures/make writes them.
abstract contract Fixture is Test {
    struct Claim {
        bytes32 vkDigest;
        bytes vk;
        bytes32 context;
        uint256[] words;
        bytes proof;
    }

    uint256 internal constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    uint256 internal constant Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    function load(string memory name) internal view returns (Claim memory claim) {
        string memory json = vm.readFile(string.concat("test/fixtures/", name, ".json"));
        claim.vkDigest = vm.parseJsonBytes32(json, ".vk_digest");
        claim.vk = vm.parseJsonBytes(json, ".vk");
        claim.context = bytes32(0);
        bytes32[] memory words = vm.parseJsonBytes32Array(json, ".words");
        claim.words = new uint256[](words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            claim.words[i] = uint256(words[i]);
        }
        claim.proof = vm.parseJsonBytes(json, ".proof");
    }

    /// @notice [tau]_2 of the development reference string, in the order of EIP-197.
    function developmentTau() internal pure returns (uint256[4] memory tau) {
        tau[0] = 0x17fde9cc17f03e8c102718415a629bcd672dce3ec31fe48525ce6fd76ec922e7;
        tau[1] = 0x2a51e74786768511ec7959cceb44603128b8912eb83a50d7d2ad954edf5d7401;
        tau[2] = 0x3050bcbce40162347568309ab30f296a34a41e510433ee45b93f696953698914;
        tau[3] = 0x1c1ed8cde58bfaa69a29767e62bcde8e674afd57eb990fac440c43a0144bbfd1;
    }

    function deploy() internal returns (PlonkVerifier) {
        vm.chainId(31337);
        return new PlonkVerifier(developmentTau(), 0);
    }

    /// @notice The word of `data` at byte `place`.
    function word(bytes memory data, uint256 place) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 32), place))
        }
    }
}
