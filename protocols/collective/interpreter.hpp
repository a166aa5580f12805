#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "protocols/collective/canonical.hpp"
#include "protocols/collective/schedule.hpp"

namespace troupe::collective {

/// What a rank has while a schedule is carried out.
template <class Value>
struct memory {
  std::vector<Value> block;
  std::vector<Value> given;                  ///< what is sent, if `apart`
  std::map<node, std::vector<Value>> beside; ///< partial sums
};

/// Carries a schedule out on values of any kind, over channels that hold
/// nothing: a span moves when one rank is at the round in which it sends it and
/// the other at that in which it receives it. `add` adds two values. Says where
/// nobody can go on, or where a schedule contradicts itself; empty if it ran to
/// its end.
template <class Value, class Add>
class interpreter {
public:
  interpreter(const schedule& what, std::vector<memory<Value>>& on, Add add)
      : what_(what), on_(on), add_(std::move(add)), at_(what.ranks.size()) {}

  std::string run() {
    for (std::size_t r = 0; r < at_.size(); ++r)
      enter(r);
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t r = 0; r < at_.size(); ++r)
        moved |= give(r);
      for (std::size_t r = 0; r < at_.size(); ++r)
        while (fault_.empty() && through(r)) {
          settle(r);
          moved |= advance(r);
        }
      if (!fault_.empty())
        return fault_;
    }
    for (std::size_t r = 0; r < at_.size(); ++r)
      if (at_[r].begin < what_.ranks[r].size())
        return "rank " + std::to_string(r) + " waits for ever in round " +
               std::to_string(what_.ranks[r][at_[r].begin].round);
    return {};
  }

private:
  using values = std::vector<Value>;

  struct position {
    std::size_t begin = 0; // of the round's steps
    std::size_t end = 0;
    std::vector<bool> made;
    std::vector<values> came;
  };

  const std::vector<step>& steps(std::size_t r) const { return what_.ranks[r]; }

  void enter(std::size_t r) {
    auto& at = at_[r];
    at.end = at.begin;
    while (at.end < steps(r).size() &&
           steps(r)[at.end].round == steps(r)[at.begin].round)
      ++at.end;
    at.made.assign(at.end - at.begin, false);
    at.came.assign(at.end - at.begin, {});
    for (std::size_t i = at.begin; i < at.end; ++i)
      if (const auto& x = steps(r)[i]; x.peer == r && x.what == verb::join) {
        at.came[i - at.begin] = cut(on_[r].beside[x.of], x.part);
        at.made[i - at.begin] = true;
      }
  }

  bool through(std::size_t r) const {
    const auto& at = at_[r];
    return at.begin < at.end &&
           std::find(at.made.begin(), at.made.end(), false) == at.made.end();
  }

  bool advance(std::size_t r) {
    at_[r].begin = at_[r].end;
    enter(r);
    return true;
  }

  static values cut(const values& from, range part) {
    if (part.end > from.size())
      return {};
    return {from.begin() + static_cast<std::ptrdiff_t>(part.begin),
        from.begin() + static_cast<std::ptrdiff_t>(part.end)};
  }

  // The first step of the round that is open between the two.
  std::size_t open(std::size_t r, std::size_t peer, bool sends) const {
    const auto& at = at_[r];
    for (std::size_t i = at.begin; i < at.end; ++i)
      if (!at.made[i - at.begin] && steps(r)[i].peer == peer &&
          (steps(r)[i].what == verb::send) == sends)
        return i;
    return steps(r).size();
  }

  bool give(std::size_t r) {
    bool moved = false;
    for (std::size_t i = at_[r].begin; i < at_[r].end; ++i) {
      const auto& out = steps(r)[i];
      if (at_[r].made[i - at_[r].begin] || out.what != verb::send ||
          open(r, out.peer, true) != i)
        continue;
      const auto j = open(out.peer, r, false);
      if (j == steps(out.peer).size())
        continue;
      const auto& in = steps(out.peer)[j];
      if (in.part.size() != out.part.size() || in.of != out.of)
        fault_ = "rank " + std::to_string(r) + " sends to rank " +
                 std::to_string(out.peer) +
                 " something else than that receives";
      auto& to = at_[out.peer];
      to.came[j - to.begin] = cut(source(r, out), out.part);
      to.made[j - to.begin] = true;
      at_[r].made[i - at_[r].begin] = true;
      moved = true;
    }
    return moved;
  }

  const values& source(std::size_t r, const step& out) {
    if (!out.of.empty())
      return on_[r].beside[out.of];
    return what_.apart ? on_[r].given : on_[r].block;
  }

  // All of a round's steps are made: what came counts.
  void settle(std::size_t r) {
    auto& at = at_[r];
    auto& block = on_[r].block;
    for (std::size_t i = at.begin; i < at.end; ++i) {
      const auto& x = steps(r)[i];
      const auto& came = at.came[i - at.begin];
      if (x.what == verb::send || x.what == verb::join)
        continue;
      for (std::size_t j = at.begin; j < i; ++j)
        if (const auto& y = steps(r)[j];
            y.what != verb::send && y.part.meets(x.part) &&
            (x.what == verb::copy || y.what == verb::copy))
          fault_ = "rank " + std::to_string(r) + " receives twice in round " +
                   std::to_string(x.round) + " where one would be lost";
      for (std::size_t k = 0; k < came.size(); ++k) {
        auto& to = block[x.part.begin + k];
        to = x.what == verb::copy ? came[k] : add_(to, came[k]);
      }
    }
    for (std::size_t i = at.begin; i < at.end; ++i)
      if (steps(r)[i].what == verb::join)
        join(r, i);
  }

  // All joins of the round on the range of step i, once.
  void join(std::size_t r, std::size_t i) {
    auto& at = at_[r];
    const auto part = steps(r)[i].part;
    const bool by_leaf = !steps(r)[i].of.empty();
    std::map<node, values> terms;
    for (std::size_t j = at.begin; j < at.end; ++j) {
      const auto& x = steps(r)[j];
      if (x.what != verb::join || !x.part.meets(part))
        continue;
      if (j < i && x.part == part)
        return; // done with that one
      const auto key = by_leaf ? x.of : node{x.peer, x.peer + 1};
      if (x.part != part || !terms.emplace(key, at.came[j - at.begin]).second)
        fault_ = "rank " + std::to_string(r) + " joins twice in round " +
                 std::to_string(x.round);
    }
    auto& block = on_[r].block;
    const auto own = static_cast<std::uint32_t>(r);
    if (!by_leaf)
      terms.emplace(node{own, own + 1}, cut(block, part));
    const auto sum = by_leaf ? along_tree(terms) : along_tree(in_order(terms));
    if (sum.size() != part.size()) {
      fault_ = "rank " + std::to_string(r) +
               " lacks a term of a sum in round " +
               std::to_string(steps(r)[i].round);
      return;
    }
    std::copy(sum.begin(), sum.end(),
        block.begin() + static_cast<std::ptrdiff_t>(part.begin));
  }

  static std::map<node, values> in_order(const std::map<node, values>& terms) {
    std::map<node, values> result;
    std::uint32_t place = 0;
    for (const auto& [key, value] : terms) {
      result.emplace(node{place, place + 1}, value);
      ++place;
    }
    return result;
  }

  values along_tree(const std::map<node, values>& terms) {
    return along_tree(terms, {0, terms.rbegin()->first.end});
  }
  values along_tree(const std::map<node, values>& terms, node x) {
    if (const auto found = terms.find(x); found != terms.end())
      return found->second;
    if (x.end - x.begin < 2)
      return {};
    const auto middle = cut_of(x);
    auto left = along_tree(terms, {x.begin, middle});
    const auto right = along_tree(terms, {middle, x.end});
    if (left.size() != right.size())
      return {};
    for (std::size_t i = 0; i < left.size(); ++i)
      left[i] = add_(left[i], right[i]);
    return left;
  }

  const schedule& what_;
  std::vector<memory<Value>>& on_;
  Add add_;
  std::vector<position> at_;
  std::string fault_;
};

} // namespace troupe::collective
