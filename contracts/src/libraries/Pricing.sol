// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IInferenceMarket} from "../interfaces/IInferenceMarket.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";

/// @title What a job costs.
/// @notice The one formula of prices.
library Pricing {
    using SafeCast for uint256;

    uint256 private constant BPS = 10_000;

    /// @notice price = compute cost x unit price + callback gas x its price + the owner's royalty.
    /// @param terms vk hash, proof system, compute cost, royalty, whether it is deprecated.
    /// @param parameters the prices now.
    /// @param callbackGas gas that the destination gets.
    /// @return price all of it.
    /// @return fee governance's part: feeBps of compute cost x unit price.
    function price(
        IModelRegistry.Terms memory terms,
        IInferenceMarket.Parameters memory parameters,
        uint256 callbackGas
    ) internal pure returns (uint96, uint96 fee) {
        uint256 work = uint256(terms.computeCost) * parameters.unitPrice;
        fee = (work * parameters.feeBps / BPS).toUint96();
        return ((work + callbackGas * parameters.callbackGasPrice + terms.royalty).toUint96(), fee);
    }
}
