#pragma once

#include <algorithm>

#include "protocols/pipeline/stage.hpp"

/// Stages with one fault each. The referee of every order has to find each.
namespace troupe::pipeline::broken {

/// Begins as many forwards as there are.
struct has_no_limit : stage {
  has_no_limit(const plan& of, std::uint32_t rank) : stage(of, rank) {
    most_held_ = most_kept_ = of.units();
    std::ranges::fill(credits_, of.micro_batches);
  }
};

/// Sends without asking whether there is room.
struct needs_no_credit : stage {
  needs_no_credit(const plan& of, std::uint32_t rank) : stage(of, rank) {
    std::ranges::fill(credits_, of.micro_batches);
  }
};

/// Does not take a credit back.
struct loses_credits : stage {
  using stage::stage;

  drop_reason arrive(const message& what) {
    if (what.what == message::kind::gradient)
      --credits_[what.chunk];
    return stage::arrive(what);
  }
};

/// Holds one less than all, and waits for all.
struct has_too_little_room : stage {
  has_too_little_room(const plan& of, std::uint32_t rank) : stage(of, rank) {
    --most_held_;
  }
};

/// Takes the activation for the gradient that answers it.
struct does_not_wait_for_gradients : stage {
  using stage::stage;

  drop_reason arrive(const message& what) {
    const auto said = stage::arrive(what);
    if (what.what == message::kind::activation && what.rank + 1 < plan_.ranks) {
      auto answer = what;
      answer.what = message::kind::gradient;
      here_.push_back(answer);
      std::ranges::sort(here_);
    }
    return said;
  }
};

/// Goes by another policy than its plan says.
template <policy How>
struct goes_by : stage {
  goes_by(const plan& of, std::uint32_t rank) : stage(renamed(of), rank) {}

  static plan renamed(plan of) {
    of.how = How;
    return of;
  }
};

/// Leaves the last of its gradients of weights out.
struct forgets_a_weight : stage {
  using stage::stage;

  std::optional<work> next() {
    if (weights_ + 1 == plan_.units())
      ++weights_;
    return stage::next();
  }
};

} // namespace troupe::pipeline::broken
