// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {IInferenceMarket} from "../../src/interfaces/IInferenceMarket.sol";
import {Request} from "../../src/types/Job.sol";
import {MarketKit} from "../kit/MarketKit.sol";

/// @notice A requester that is a contract.
contract Wallet {
    bytes32 public agreed;

    function agree(bytes32 digest) external {
        agreed = digest;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == agreed ? bytes4(0x1626ba7e) : bytes4(0);
    }
}

/// @notice Requests that somebody signs and anybody hands in.
/// forge-config: default.isolate = true
contract SignedRequestsTest is MarketKit {
    uint256 private constant KEY = 0x5160;

    function setUp() external {
        build();
    }

    function signed(Request memory r, address requester, uint256 nonce, uint256 expiry)
        private
        view
        returns (bytes32 digest)
    {
        bytes memory head = abi.encode(
            keccak256(
                "Request(address requester,uint256 modelId,bytes input,bytes32 inputHash,bytes32 precommitment,uint16 inputWords,uint8 inputBits,uint256 requirement,address destination,uint32 callbackGas,uint40 deadline,uint96 maxPrice,uint256 nonce,uint256 expiry)"
            ),
            requester,
            r.modelId,
            keccak256(r.input),
            r.inputHash,
            r.precommitment,
            uint256(r.inputWords),
            uint256(r.inputBits)
        );
        bytes memory rest = abi.encode(
            r.requirement,
            r.destination,
            uint256(r.callbackGas),
            uint256(r.deadline),
            uint256(r.maxPrice),
            nonce,
            expiry
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Sertn InferenceMarket"),
                keccak256("1"),
                block.chainid,
                address(market)
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(bytes.concat(head, rest))));
    }

    function signature(bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        return abi.encodePacked(r, s, v);
    }

    function test_signedRequestsAreSubmittedByAnyone() external {
        address signer = vm.addr(KEY);
        fund(signer, FUNDS);
        Request memory r = draft();
        uint256 expiry = block.timestamp + 5;
        bytes memory sig = signature(signed(r, signer, 9, expiry));
        bytes memory bad = abi.encodeWithSelector(IInferenceMarket.BadSignature.selector, signer);
        // nothing that was signed can be changed
        --r.maxPrice;
        refusedSigned(r, signer, 9, expiry, sig, bad);
        ++r.maxPrice;
        r.input = "ipfs://other";
        refusedSigned(r, signer, 9, expiry, sig, bad);
        r.input = "ipfs://input";
        refusedSigned(r, signer, 10, expiry, sig, bad);
        refusedSigned(r, signer, 9, expiry + 1, sig, bad);
        // another account does not pay for it
        refusedSigned(
            r, REQUESTER, 9, expiry, sig, abi.encodeWithSelector(IInferenceMarket.BadSignature.selector, REQUESTER)
        );
        vm.chainId(1);
        refusedSigned(r, signer, 9, expiry, sig, bad);
        vm.chainId(31337);
        vm.prank(STRANGER);
        uint256 id = market.requestSigned(r, signer, 9, expiry, sig);
        vm.snapshotGasLastCall("InferenceMarket", "request_signed");
        check(market.jobOf(id).requester == signer, "the signer's job");
        check(market.balanceOf(signer) < FUNDS && market.isNonceUsed(signer, 9), "the signer paid");
        refusedSigned(
            r, signer, 9, expiry, sig, abi.encodeWithSelector(IInferenceMarket.NonceTaken.selector, signer, 9)
        );
        sig = signature(signed(r, signer, 300, expiry));
        vm.prank(signer);
        market.cancelNonce(300);
        vm.snapshotGasLastCall("InferenceMarket", "cancel_nonce");
        refusedSigned(
            r, signer, 300, expiry, sig, abi.encodeWithSelector(IInferenceMarket.NonceTaken.selector, signer, 300)
        );
        // nonces that share a word
        sig = signature(signed(r, signer, 9, expiry));
        vm.prank(signer);
        market.cancelNonce(10);
        check(market.isNonceUsed(signer, 9) && market.isNonceUsed(signer, 10), "both");
        refusedSigned(
            r, signer, 9, expiry, sig, abi.encodeWithSelector(IInferenceMarket.NonceTaken.selector, signer, 9)
        );
        sig = signature(signed(r, signer, 11, expiry));
        vm.warp(expiry + 1);
        refusedSigned(
            r, signer, 11, expiry, sig, abi.encodeWithSelector(IInferenceMarket.SignatureExpired.selector, expiry)
        );
    }

    function refusedSigned(
        Request memory r,
        address requester,
        uint256 nonce,
        uint256 expiry,
        bytes memory sig,
        bytes memory reason
    ) private {
        vm.expectRevert(reason);
        market.requestSigned(r, requester, nonce, expiry, sig);
    }

    function test_contractsSignByErc1271() external {
        Wallet wallet = new Wallet();
        fund(address(wallet), FUNDS);
        Request memory r = draft();
        refusedSigned(
            r,
            address(wallet),
            1,
            block.timestamp,
            "",
            abi.encodeWithSelector(IInferenceMarket.BadSignature.selector, address(wallet))
        );
        wallet.agree(signed(r, address(wallet), 1, block.timestamp));
        uint256 id = market.requestSigned(r, address(wallet), 1, block.timestamp, "");
        check(market.jobOf(id).requester == address(wallet), "the wallet's job");
    }
}
