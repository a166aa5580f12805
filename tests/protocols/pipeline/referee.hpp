#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocols/pipeline/plan.hpp"
#include "protocols/pipeline/work.hpp"

namespace troupe::pipeline::tests {

/// Where a micro-batch is at a virtual stage. It never goes back.
enum class phase : std::uint8_t {
  away,
  sent, ///< its activation is on its way here
  here,
  goes_forward,
  went_forward,
  answered, ///< its gradient is on its way here
  gradient_here,
  goes_backward,
  went_backward,
  weighed, ///< gradients of weights are being made
  done,
};

/// Follows what ranks of a plan do, and says what is against its rules. Knows
/// the plan's figures, and nothing of how a stage decides.
class referee {
public:
  explicit referee(const plan& of);

  void begin(std::uint32_t rank, const work& what);
  void finish(std::uint32_t rank, const work& what);
  /// A message is on its way, or has arrived.
  void leave(const message& what);
  void arrive(const message& what);

  /// Messages that are on their way.
  std::vector<message> under_way() const;
  /// Whether a gradient would find room beside the micro-batches of a stage, if
  /// none were reserved for it.
  bool has_more_room(const message& gradient) const;
  bool complete() const;
  const std::string& fault() const noexcept { return fault_; }
  /// All that it knows.
  std::string digest() const;

private:
  phase& at(std::uint32_t stage, std::uint64_t micro_batch);
  phase at(std::uint32_t stage, std::uint64_t micro_batch) const;
  std::uint64_t all() const noexcept { return of_.steps * of_.micro_batches; }
  std::uint64_t count(std::uint32_t stage, phase first, phase last) const;
  void step(std::uint32_t rank, const work& what, phase from, phase to);
  void check_weights(std::uint32_t rank, const work& what);
  void check_room(std::uint32_t rank);
  void check_order(std::uint32_t rank, const work& what);
  void check_update(std::uint32_t rank, const work& what);
  void complain(std::uint32_t rank, const std::string& what);

  plan of_;
  std::vector<phase> phases_; // by virtual stage, then micro-batch
  std::vector<std::uint64_t> updates_;
  std::string fault_;
};

} // namespace troupe::pipeline::tests
