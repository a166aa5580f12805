#pragma once

#include <cstdint>

#include "gpu/training/learner.hpp"
#include "protocols/facts.hpp"

namespace troupe::federated {

/// What a region has done under one lease, by its facts: what is in its
/// versions counts.
class region_account {
public:
  void hear(const fact& what);

  /// Versions that it has made.
  std::uint64_t versions() const noexcept { return versions_; }
  std::uint64_t updates() const noexcept { return in_versions_.updates; }
  /// As a client's; its loss is the mean of the versions', by samples.
  training::outcome outcome() const noexcept;

private:
  struct sum {
    std::uint64_t samples = 0;
    std::uint64_t steps = 0;
    std::uint64_t updates = 0;
  };

  sum open_; ///< of the version that is collected
  sum in_versions_;
  std::uint64_t versions_ = 0;
  double losses_ = 0.0; ///< weighted
  double weights_ = 0.0;
};

} // namespace troupe::federated
