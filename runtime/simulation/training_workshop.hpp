#pragma once

#include <memory>
#include <vector>

#include "gpu/aggregation/aggregation.hpp"
#include "gpu/device_stream.hpp"
#include "runtime/simulation/workshop.hpp"
#include "runtime/topology.hpp"

namespace troupe::simulation {

/// Trains, adds and scores as a run's compute actors and shard do, with their
/// bits: one learner and one aggregation, on the CPU.
class training_workshop final : public workshop {
public:
  /// `clients` are the samples of each.
  training_workshop(const topology& what, std::vector<training::view> clients);

  std::size_t parameters() const override { return size_; }
  loan lend() override;
  product train(const federated::grant& what, const loan& from) override;
  std::uint64_t add(const product& what, const loan& from,
      const federated::verdict& how) override;
  void discard() override { sums_.clear(on_); }
  made_version publish(const federated::publication& plan) override;
  training::evaluation score() override;
  tensor current() const override { return current_; }
  named_blocks blocks() const override { return blocks_; }
  void restore(tensor parameters, named_blocks blocks) override;

  gpu::layout layout() const { return learner_->layout(); }
  /// Of this thread, in `train` and `score`.
  double compute_seconds() const noexcept { return compute_seconds_; }

private:
  const configuration& config_;
  std::unique_ptr<training::learner> learner_;
  std::vector<training::view> clients_;
  training::view test_;
  std::size_t size_;
  gpu::server_options server_;
  gpu::device_stream on_;
  gpu::aggregation sums_;
  gpu::shared_buffer current_;
  named_blocks blocks_; ///< that the server keeps
  double compute_seconds_ = 0.0;
};

} // namespace troupe::simulation
