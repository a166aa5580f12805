#include "runtime/collective/itinerary.hpp"

#include "protocols/collective/canonical.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace troupe::collective {
namespace {

using terms = std::map<node, std::int32_t>;

void add_along_tree(
    const terms& all, node x, std::vector<std::int32_t>& order) {
  if (const auto found = all.find(x); found != all.end()) {
    order.push_back(found->second);
    return;
  }
  if (x.end - x.begin < 2)
    throw std::logic_error{"a schedule lacks a term of a sum"};
  add_along_tree(all, {x.begin, cut_of(x)}, order);
  add_along_tree(all, {cut_of(x), x.end}, order);
  order.push_back(gpu::plus);
}

class maker {
public:
  maker(const schedule& all, std::uint32_t rank) : all_(all), rank_(rank) {}

  itinerary make() {
    result_.out.resize(all_.ranks.size());
    result_.in.resize(all_.ranks.size());
    for (const auto& each : all_.ranks[rank_])
      add(each);
    for (auto& each : result_.meetings)
      arrange(each);
    return std::move(result_);
  }

private:
  void add(const step& x) {
    const auto number = static_cast<std::uint32_t>(result_.stops.size());
    itinerary::stop here{x, {}, itinerary::none, false};
    for (std::uint32_t i = 0; i < number; ++i)
      if (follows(x, result_.stops[i].what))
        here.behind.push_back(i);
    // Of the same round: what comes waits for what goes.
    if (x.what != verb::send) {
      for (std::uint32_t i = 0; i < number; ++i)
        if (crosses(result_.stops[i].what, x))
          here.behind.push_back(i);
    } else {
      for (std::uint32_t i = 0; i < number; ++i)
        if (crosses(x, result_.stops[i].what))
          result_.stops[i].behind.push_back(number);
    }
    if (x.what == verb::join)
      here.meeting = meeting_for(x, number);
    result_.stops.push_back(std::move(here));
    if (x.peer == rank_)
      return; // what it has beside its block
    (x.what == verb::send ? result_.out : result_.in)[x.peer].push_back(number);
  }

  bool reads_block(const step& x) const {
    return x.what == verb::send && x.of.empty() && !all_.apart;
  }

  // A message with nothing in it says that all before has been heard.
  bool follows(const step& later, const step& earlier) const {
    if (later.round == earlier.round)
      return false;
    if (later.part.empty())
      return later.what == verb::send && earlier.what != verb::send;
    if (!later.part.meets(earlier.part))
      return false;
    const bool writes = later.what != verb::send || earlier.what != verb::send;
    const bool both = (later.what != verb::send || reads_block(later)) &&
                      (earlier.what != verb::send || reads_block(earlier));
    return writes && both;
  }

  bool crosses(const step& out, const step& in) const {
    return out.round == in.round && out.what == verb::send &&
           in.what != verb::send && reads_block(out) && out.part.meets(in.part);
  }

  std::uint32_t meeting_for(const step& x, std::uint32_t number) {
    const auto key = std::pair{x.round, x.part.begin};
    const auto [found, fresh] = meetings_.try_emplace(
        key, static_cast<std::uint32_t>(result_.meetings.size()));
    if (fresh)
      result_.meetings.push_back({x.part, {}, {}});
    auto& here = result_.meetings[found->second];
    here.steps.push_back(number);
    return found->second;
  }

  void arrange(itinerary::meeting& here) {
    terms all;
    const bool by_leaf = !result_.stops[here.steps.front()].what.of.empty();
    if (!by_leaf)
      here.steps.push_back(itinerary::none);
    std::map<node, std::size_t> by_key;
    for (std::size_t i = 0; i < here.steps.size(); ++i)
      by_key.emplace(key_of(here.steps[i], by_leaf), i);
    std::uint32_t place = 0;
    for (const auto& [key, i] : by_key) {
      all.emplace(
          by_leaf ? key : node{place, place + 1}, static_cast<std::int32_t>(i));
      ++place;
    }
    add_along_tree(all, {0, all.rbegin()->first.end}, here.order);
    for (auto one : here.steps)
      for (auto other : here.steps)
        if (one != other && one != itinerary::none &&
            other != itinerary::none &&
            result_.stops[one].what.peer == result_.stops[other].what.peer)
          result_.stops[one].kept_whole = true;
  }

  node key_of(std::uint32_t number, bool by_leaf) const {
    if (number == itinerary::none)
      return {rank_, rank_ + 1};
    const auto& x = result_.stops[number].what;
    return by_leaf ? x.of : node{x.peer, x.peer + 1};
  }

  const schedule& all_;
  std::uint32_t rank_;
  itinerary result_;
  std::map<std::pair<std::uint32_t, std::size_t>, std::uint32_t> meetings_;
};

} // namespace

itinerary itinerary_of(const schedule& all, std::uint32_t rank) {
  return maker{all, rank}.make();
}

} // namespace troupe::collective
