#pragma once

#include <string>
#include <vector>

#include "gpu/training/dataset.hpp"
#include "runtime/simulation/simulator.hpp"
#include "runtime/topology.hpp"

namespace troupe::simulation {

/// What a simulation of `what` is told, as a fresh run in virtual order is:
/// `clients` are the samples of each, `begin` is version 0.
plan plan_of(const topology& what, const std::vector<training::view>& clients,
    const tensor& begin);

} // namespace troupe::simulation
