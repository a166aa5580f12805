#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gpu/training/dataset.hpp"

namespace troupe::data {

/// One view a client; all of them share one list of indices, so that a hundred
/// thousand clients cost a few megabytes.
using partition = std::vector<training::view>;

// Each function below divides all of `samples` among `clients`, every sample to
// one client and at least one to each, as a function of `seed`; with few
// clients, `partition_labels` may leave labels out. Throws
// `std::invalid_argument`, with the numbers, when there are not enough samples
// or a parameter makes no sense.

/// Every client gets as many samples as any other (but for one), at random.
partition partition_iid(
    const training::view& samples, std::size_t clients, std::uint64_t seed);

/// Samples sorted by label and cut into equal shards, of which every client
/// gets `per_client` at random (McMahan et al. 2017: two).
partition partition_shards(const training::view& samples, std::size_t clients,
    std::size_t per_client, std::uint64_t seed);

/// Equally many samples each, in a mixture of labels that every client draws
/// from a symmetric Dirichlet(alpha) (Hsu et al. 2019): large, all are alike;
/// near 0, each has one label. Labels that have run out are left out of the
/// mixture.
partition partition_dirichlet(const training::view& samples,
    std::size_t clients, double alpha, std::uint64_t seed);

/// Labels at random, but numbers of samples in proportions drawn from a
/// symmetric Dirichlet(alpha) over all clients.
partition partition_quantity(const training::view& samples, std::size_t clients,
    double alpha, std::uint64_t seed);

/// Client i has label i mod classes and, at random, others, `per_client` in
/// all; its clients share a label's samples equally, at random (Li et al. 2022,
/// "Federated Learning on Non-IID Data Silos", #C = k). With fewer clients than
/// classes there may be labels that nobody has: their samples are left out.
partition partition_labels(const training::view& samples, std::size_t clients,
    std::size_t per_client, std::uint64_t seed);

/// Label by label, samples in proportions drawn from a symmetric
/// Dirichlet(alpha) over the clients; drawn anew, a thousand times at most,
/// until each has 10 (Li et al. 2022). As in their code, a client that has its
/// equal part of all samples already gets none of the labels that follow.
partition partition_label_dirichlet(const training::view& samples,
    std::size_t clients, double alpha, std::uint64_t seed);

} // namespace troupe::data
