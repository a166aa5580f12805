#pragma once

#include <cstddef>
#include <cstdint>

#include "gpu/training/dataset.hpp"
#include "runtime/data/partition.hpp"

namespace troupe::data {

/// Clients with data of their own, and what all of them held out.
struct federation {
  partition clients;
  training::shared_dataset test;
};

/// synthetic(alpha, beta) of Li et al. 2020 ("Federated optimization in
/// heterogeneous networks", section 5.1): 60 features, ten classes, and in
/// client k
///
///     samples   50 + floor(lognormal(4, 2)), a tenth of them held out
///     model     all elements of W and b ~ N(u, 1), u ~ N(0, alpha)
///     features  x_j ~ N(v_j, j^-1.2), v_j ~ N(B, 1), B ~ N(0, beta)
///     label     argmax(W x + b)
///
/// alpha and beta are standard deviations, as in the authors' generator; 1.2 is
/// the exponent of a variance. alpha spreads the clients' models, beta their
/// features. Client k is a function of seed and k, whoever else there is; a
/// client has some 450 samples (110 KB) in the mean, few have a hundred times
/// as many. Throws `std::invalid_argument`.
federation synthetic(
    double alpha, double beta, std::size_t clients, std::uint64_t seed);

} // namespace troupe::data
