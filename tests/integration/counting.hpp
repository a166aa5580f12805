#pragma once

#include "runtime/topology.hpp"
#include "tests/support/counting_learner.hpp"

namespace troupe::tests {

/// Ten clients that count their updates; the program `counting` runs it, with
/// learners that take their time.
inline topology counting_clients(small_learner::mishap_type takes_time = {}) {
  return topology{"counting"}
      .learner(counting_learners(17, std::move(takes_time)), "counting")
      .aggregator(fedavg{.fraction = 0.5, .weighting = "uniform"})
      .clients(10, sgd{.lr = 0.05f})
      .evaluate(blank_samples(100), every{2})
      .devices({"cpu"})
      .until(rounds{12})
      .slots(2);
}

} // namespace troupe::tests
