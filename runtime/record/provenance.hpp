#pragma once

#include <span>
#include <string>
#include <vector>

#include "gpu/buffer.hpp"
#include "gpu/training/dataset.hpp"
#include "protocols/facts.hpp"
#include "runtime/configuration/configuration.hpp"

namespace troupe {

/// The digests of what a run learns from: the data sets that its clients train
/// on and which samples each has, the test set, and the parameters of version 0
/// unless the learner draws them (null). Where the data came from does not
/// matter. On a core with instructions for SHA-256 some 50 ms for
/// Fashion-MNIST.
facts::provenance provenance_of(std::span<const training::view> clients,
    const training::view& test, const gpu::shared_buffer& initial);

/// What of `now` is not what the run began with, as `then` has it, one line
/// each: "data.path: the labels differ from those the run was trained on".
/// Empty: all is the same. `what` says where each comes from.
std::vector<std::string> differences(const facts::provenance& then,
    const facts::provenance& now, const configuration& what);

} // namespace troupe
