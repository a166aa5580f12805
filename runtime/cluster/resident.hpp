#pragma once

#include <string>

#include "gpu/training/dataset.hpp"
#include "protocols/cluster/frames.hpp"

namespace troupe::cluster {

/// The samples in `directory`, of a node that is a client of a run: with as
/// many classes as the run's have. Throws what names a file that is not there,
/// or says why they are none of this run's.
training::shared_dataset own_samples(
    const std::string& directory, const residence& at);

} // namespace troupe::cluster
