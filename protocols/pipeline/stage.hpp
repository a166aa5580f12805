#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "protocols/pipeline/plan.hpp"
#include "protocols/pipeline/work.hpp"

namespace troupe::pipeline {

/// Decides what one rank of a pipeline does next, from what has arrived:
///
///     activation ──► [ here ] ──► forward ──► activation, to the stage behind
///                                    │ a trace is held, a credit is taken
///     gradient ────► [ here ] ──► backward ──► gradient, to the stage before
///                                    │ the trace is free, or kept for
///                                 weight       the gradients of its weights
///
/// Whenever nothing is under way it takes the first of these that can be:
///
/// - `update`, if all of a step is done here;
/// - the next `forward`: its activation is here, the rank holds less than it
///   may, its weights are new enough, and the stage behind has a credit left,
///   so that the result leaves at once;
/// - the next `backward`: its gradient is here. It waits for nothing else, with
///   `gpipe` for the step's forwards of this rank: the gradient's room before
///   is that of the trace which waits for it, and its sending is what gives
///   the credit back;
/// - the next `weight`, beyond those that are kept for the end of the step.
///
/// Which of them is next is fixed (`forward_at`, `backward_at`); whether a
/// forward or a backward comes first follows from what arrives. A value: knows
/// no clock, actor or number.
class stage {
public:
  /// Of a plan without a fault.
  explicit stage(const plan& of = {}, std::uint32_t rank = 0);

  drop_reason arrive(const message& what);
  /// Begins what is to be done now; none if something is under way, if it has
  /// to wait, or if all is done.
  std::optional<work> next();
  /// What is under way is done. Answers with what leaves now.
  std::optional<message> finish(const work& what);

  bool over() const noexcept { return updates_ == plan_.steps && !running_; }
  std::uint32_t rank() const noexcept { return rank_; }
  const std::optional<work>& running() const noexcept { return running_; }
  /// Forwards begun whose backward is not done.
  std::uint64_t held() const noexcept;
  /// Backwards done whose gradients of weights are not.
  std::uint64_t kept() const noexcept;
  /// Credits of the stage behind a chunk that are taken.
  std::uint64_t in_use(std::uint32_t chunk) const noexcept;
  /// Messages that wait here.
  std::uint64_t waiting() const noexcept { return here_.size(); }

  friend bool operator==(const stage&, const stage&) = default;
  template <class Inspector>
  friend bool inspect(Inspector& f, stage& x) {
    if (!f.object(x).fields(f.field("plan", x.plan_), f.field("rank", x.rank_),
            f.field("credits", x.credits_), f.field("forwards", x.forwards_),
            f.field("backwards", x.backwards_), f.field("weights", x.weights_),
            f.field("updates", x.updates_), f.field("here", x.here_),
            f.field("running", x.running_)))
      return false;
    if constexpr (Inspector::is_loading)
      return x.limit();
    return true;
  }

protected:
  bool limit();
  bool is_first(std::uint32_t chunk) const noexcept;
  bool is_last(std::uint32_t chunk) const noexcept;
  bool is_here(const message& what) const;
  bool update_due() const noexcept;
  bool forward_ready() const;
  bool backward_ready() const;
  bool weight_ready() const noexcept;
  work begin_forward();
  work begin_backward();
  message to_next(const work& what) const noexcept;
  message to_last(const work& what) const noexcept;

  plan plan_;
  std::uint32_t rank_ = 0;
  std::vector<std::uint64_t> credits_; // by chunk: of the stage behind it, left
  // Begun.
  std::uint64_t forwards_ = 0;
  std::uint64_t backwards_ = 0;
  std::uint64_t weights_ = 0;
  std::uint64_t updates_ = 0;
  std::vector<message> here_; // in order
  std::optional<work> running_;
  // Told by the plan.
  std::uint64_t most_held_ = 0;
  std::uint64_t most_kept_ = 0;
};

} // namespace troupe::pipeline
