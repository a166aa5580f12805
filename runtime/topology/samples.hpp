#pragma once

#include "gpu/training/dataset.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace troupe {

/// Samples as a topology takes them: a view, or all of a data set.
class samples {
public:
  samples() = default;
  samples(training::view some) : view_(std::move(some)) {}
  samples(training::shared_dataset all) : view_(std::move(all)) {}

  const training::view& view() const noexcept { return view_; }

private:
  training::view view_;
};

/// Samples and the way in which the clients share them; the keys
/// data.partition, shards_per_client, labels_per_client and alpha.
struct division {
  training::view of;
  std::string partition = "iid";
  std::uint64_t shards_per_client = 2;
  std::uint64_t labels_per_client = 2;
  double alpha = 0.5;
};

namespace data {

/// Every client gets as many samples as any other, drawn at random.
division iid(samples of);
/// Samples sorted by label and cut into shards; each client gets a few.
division shards(samples of, std::uint64_t per_client = 2);
/// Each client's mixture of labels is drawn from Dirichlet(alpha).
division dirichlet(samples of, double alpha = 0.5);
/// The clients' numbers of samples are drawn from Dirichlet(alpha).
division quantity(samples of, double alpha = 0.5);
/// Client i has label i mod classes, and others at random.
division labels(samples of, std::uint64_t per_client = 2);
/// Each label's samples are divided in proportions drawn from Dirichlet(alpha).
division label_dirichlet(samples of, double alpha = 0.5);

} // namespace data

} // namespace troupe
