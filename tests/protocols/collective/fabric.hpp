#pragma once

#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "protocols/collective/operation.hpp"
#include "protocols/ids.hpp"

namespace troupe::collective {

constexpr duration ms(std::uint64_t n) {
  return std::chrono::milliseconds{n};
}

/// What happens when, by a clock that jumps from one event to the next.
class timeline {
public:
  void at(instant when, std::function<void()> what) {
    events_.emplace(when, std::move(what));
  }
  bool empty() const { return events_.empty(); }
  instant next() const { return events_.begin()->first; }
  instant now() const { return now_; }
  void step() {
    auto first = events_.extract(events_.begin());
    now_ = first.key();
    first.mapped()();
  }

private:
  instant now_{};
  std::multimap<instant, std::function<void()>> events_; // equal: in order
};

/// The devices and what joins them: everybody is in when all of an epoch have
/// joined; the k-th call is done when all have made the same one.
class fabric {
public:
  using end = std::pair<member_id, std::uint64_t>; // and its incarnation
  using done_at = std::tuple<member_id, std::uint64_t, operation_number>;

  void form(epoch_id epoch, std::vector<member_id> members) {
    epochs_[epoch].members = std::move(members);
  }

  /// Those who are in now, once all are.
  std::vector<end> join(
      epoch_id epoch, member_id m, std::uint64_t incarnation) {
    auto& e = epochs_[epoch];
    e.calls[{m, incarnation}];
    if (e.calls.size() < e.members.size())
      return {};
    std::vector<end> all;
    for (const auto& [who, calls] : e.calls)
      all.push_back(who);
    return all;
  }

  /// Whose calls this one has brought to an end.
  std::vector<done_at> issue(epoch_id epoch, member_id m,
      std::uint64_t incarnation, const signature& what) {
    auto& e = epochs_[epoch];
    e.calls[{m, incarnation}].push_back(what);
    std::vector<done_at> result;
    while (matches(e)) {
      for (const auto& [who, calls] : e.calls)
        result.emplace_back(who.first, who.second, e.done);
      ++e.done;
    }
    return result;
  }

  /// Its calls never end, and nobody's with it.
  void leave(member_id m, std::uint64_t incarnation) {
    for (auto& [epoch, e] : epochs_)
      e.calls.erase({m, incarnation});
  }

  bool done(epoch_id epoch, operation_number number) {
    return number < epochs_[epoch].done;
  }
  bool all_done(epoch_id epoch, std::uint64_t operations) {
    return epochs_[epoch].done == operations;
  }

private:
  struct group {
    std::vector<member_id> members;
    std::map<end, std::vector<signature>> calls;
    operation_number done = 0;
  };

  static bool matches(const group& e) {
    if (e.calls.size() < e.members.size())
      return false;
    const auto& first = e.calls.begin()->second;
    for (const auto& [who, calls] : e.calls)
      if (calls.size() <= e.done || calls[e.done] != first[e.done])
        return false;
    return true;
  }

  std::map<epoch_id, group> epochs_;
};

} // namespace troupe::collective
