#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "protocols/pipeline/stage.hpp"
#include "tests/protocols/pipeline/referee.hpp"

namespace troupe::pipeline::tests {

/// What the ranks of a plan do if messages arrive in any order, those of one
/// rank to another too, work takes any time, and so does a rank before it
/// begins: all states that they can come to, each looked at once.
template <class Stage = stage>
class every_order {
public:
  /// Without reserved room a gradient waits for some beside what its receiver
  /// holds.
  explicit every_order(const plan& of, bool reserved = true)
      : reserved_(reserved) {
    world first{referee{of}, {}};
    for (std::uint32_t rank = 0; rank < of.ranks; ++rank)
      first.ranks.emplace_back(of, rank);
    visit(std::move(first));
    while (fault_.empty() && !open_.empty()) {
      const auto next = std::move(open_.back());
      open_.pop_back();
      look_at(next);
    }
  }

  /// What goes wrong in some order; empty: nothing in any.
  const std::string& fault() const noexcept { return fault_; }
  std::size_t states() const noexcept { return seen_.size(); }
  /// Ways in which it ends.
  std::size_t ends() const noexcept { return ends_; }

private:
  struct rank_state : Stage {
    using Stage::Stage;

    std::string digest() const {
      std::string text;
      for (auto each : {this->forwards_, this->backwards_, this->weights_,
               this->updates_, this->here_.size()})
        text += static_cast<char>(each);
      for (auto each : this->credits_)
        text += static_cast<char>(each);
      for (const auto& each : this->here_)
        text += {static_cast<char>(each.what), static_cast<char>(each.chunk),
            static_cast<char>(each.micro_batch)};
      return text += this->running_.has_value() ? 'r' : 'i';
    }
  };

  struct world {
    referee rules;
    std::vector<rank_state> ranks;

    bool begin(std::uint32_t rank) {
      const auto what = ranks[rank].next();
      if (what)
        rules.begin(rank, *what);
      return what.has_value();
    }
    void finish(std::uint32_t rank) {
      const auto what = *ranks[rank].running();
      rules.finish(rank, what);
      if (const auto sent = ranks[rank].finish(what))
        rules.leave(*sent);
    }
    bool arrive(const message& what) {
      rules.arrive(what);
      return ranks[what.rank].arrive(what) == drop_reason::none;
    }
    std::string digest() const {
      auto text = rules.digest();
      for (const auto& each : ranks)
        text += each.digest();
      return text;
    }
  };

  void look_at(const world& from) {
    bool moves = false;
    for (const auto& each : from.rules.under_way()) {
      if (!reserved_ && each.what == message::kind::gradient &&
          !from.rules.has_more_room(each))
        continue;
      moves = true;
      auto to = from;
      if (!to.arrive(each))
        fault_ = "a message is dropped";
      visit(std::move(to));
    }
    for (std::uint32_t rank = 0; rank < from.ranks.size(); ++rank) {
      auto to = from;
      if (from.ranks[rank].running())
        to.finish(rank);
      else if (!to.begin(rank))
        continue;
      moves = true;
      visit(std::move(to));
    }
    if (moves)
      return;
    ++ends_;
    const bool all_over = std::ranges::all_of(from.ranks, &stage::over);
    if (!from.rules.complete() || !all_over)
      fault_ = "all wait for ever";
  }

  void visit(world&& what) {
    if (fault_.empty())
      fault_ = what.rules.fault();
    if (seen_.insert(what.digest()).second)
      open_.push_back(std::move(what));
  }

  bool reserved_ = true;
  std::unordered_set<std::string> seen_;
  std::vector<world> open_;
  std::size_t ends_ = 0;
  std::string fault_;
};

} // namespace troupe::pipeline::tests
