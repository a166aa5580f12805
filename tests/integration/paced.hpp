#pragma once

#include "protocols/federated/pace.hpp"
#include "runtime/topology.hpp"
#include "tests/support/small_learner.hpp"

namespace troupe::tests {

inline constexpr virtual_clock pace_of_clients{
    .samples_per_second = 20.0, .spread = 0.8, .jitter = 0.0};

/// Six clients of ten samples, which take half a second on a virtual clock. The
/// program `paced` runs it, with learners that take as long by the wall's.
inline topology paced_clients(small_learner::mishap_type takes_time = {}) {
  return topology{"paced"}
      .learner(small_learners(17, std::move(takes_time)), "paced")
      .aggregator(fedbuff{.buffer = 2, .concurrency = 4})
      .clients(6, sgd{.lr = 0.05f}, local{}, data::iid(blank_samples(60)))
      .order(pace_of_clients)
      .devices({"cpu"})
      .until(rounds{8})
      .slots(6);
}

inline duration time_of(const training::assignment& work, std::uint64_t seed) {
  const federated::pace pace{.seed = seed,
      .samples_per_second = pace_of_clients.samples_per_second,
      .spread = pace_of_clients.spread,
      .jitter = pace_of_clients.jitter,
      .work = work.how};
  return pace.of(
      {.client = static_cast<client_id>(work.client), .base = work.version},
      work.data.size());
}

} // namespace troupe::tests
