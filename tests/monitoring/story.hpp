#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocols/facts.hpp"

namespace troupe::monitoring {

/// Tells facts in a row: numbers them and puts a hand-moved time on each.
class story {
public:
  template <class What>
  story& then(What what) {
    facts_.push_back({++number_, now_, std::move(what)});
    return *this;
  }

  story& after(std::chrono::milliseconds pause) {
    now_ += pause;
    return *this;
  }

  /// The facts since the last call.
  std::vector<fact> told() { return std::exchange(facts_, {}); }

  fact_batch batch() {
    return {std::make_shared<const std::vector<fact>>(told())};
  }

private:
  std::vector<fact> facts_;
  std::uint64_t number_ = 0;
  instant now_{};
};

inline facts::run_header fashion_start() {
  return {.name = "fashion",
      .rule = "fedavg",
      .fingerprint = "cpu/openblas/haswell",
      .seed = 7,
      .clients = 100,
      .parameters = 199210,
      .slots = 2,
      .rounds = 50};
}

inline facts::accepted accepted(
    lease_id lease, client_id client, std::uint64_t staleness = 0) {
  return {.lease = lease,
      .client = client,
      .staleness = staleness,
      .samples = 600,
      .steps = 60,
      .weight = 0.1,
      .share = 0.1,
      .loss = 0.9,
      .seconds = 0.02};
}

inline facts::client_failed failed(
    lease_id lease, client_id client, std::string why = "loss is nan") {
  facts::client_failed result;
  result.lease = lease;
  result.client = client;
  result.why = std::move(why);
  return result;
}

inline facts::stored stored(version_id version) {
  facts::stored result;
  result.version = version;
  result.seconds = 0.01;
  return result;
}

inline facts::run_ended ended(
    std::string outcome, version_id version = 0, std::string why = {}) {
  facts::run_ended result;
  result.outcome = std::move(outcome);
  result.why = std::move(why);
  result.version = version;
  return result;
}

} // namespace troupe::monitoring
