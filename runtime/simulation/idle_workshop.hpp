#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "runtime/simulation/workshop.hpp"

namespace troupe::simulation {

/// How a model would converge that nobody trains. It is a guess of its own, not
/// learning: with e the updates that count in versions so far, each by its
/// weight over its share, which is what is left of it behind its staleness,
///
///     loss      log(classes) exp(-e / rate)
///     accuracy  1 - (1 - 1 / classes) exp(-e / rate)
///
/// It knows of staleness, of losses and of who waits, and of no data, no drift
/// and no step size: it tells apart how soon rules come by updates, not how
/// good these are.
struct convergence {
  double rate = 1000.0;
  double classes = 10.0;
};

/// Trains nothing: an update says how many samples and steps it would have
/// taken, and moves no parameter.
class idle_workshop final : public workshop {
public:
  using outcome_of =
      std::function<training::outcome(const federated::grant& what)>;

  idle_workshop(std::size_t parameters, outcome_of trains,
      std::optional<convergence> model = {})
      : size_(parameters), trains_(std::move(trains)), model_(model) {}

  std::size_t parameters() const override { return size_; }
  loan lend() override { return {}; }
  product train(const federated::grant& what, const loan& from) override;
  std::uint64_t add(const product& what, const loan& from,
      const federated::verdict& how) override;
  void discard() override { open_ = 0.0; }
  made_version publish(const federated::publication& plan) override;
  training::evaluation score() override;
  /// Where it models something, how far that has come.
  tensor current() const override;
  named_blocks blocks() const override { return {}; }
  void restore(tensor parameters, named_blocks blocks) override;

private:
  std::size_t size_;
  outcome_of trains_;
  std::optional<convergence> model_;
  double open_ = 0.0; ///< effective updates since the last version
  double done_ = 0.0; ///< up to it
};

} // namespace troupe::simulation
