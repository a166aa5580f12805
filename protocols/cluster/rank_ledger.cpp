#include "protocols/cluster/rank_ledger.hpp"

#include "protocols/cluster/plausible.hpp"

#include <algorithm>
#include <set>

namespace troupe::cluster {
namespace {

using parallel::epoch_id;
using parallel::seat_id;

constexpr std::size_t longest_address = 300;
constexpr std::size_t most_blocks = 16;

using finding = rank_ledger::finding;

finding wrong(std::string what) {
  return {false, std::move(what)};
}

} // namespace

// What it had it still has: a new epoch says nothing of that.
void rank_ledger::note(const parallel::convene& what) {
  auto& one = seats_[what.seat];
  one.epoch = what.epoch;
  one.opens = what.opens;
  one.is_first = false;
  one.ranks = what.ranks;
  one.owes = {{answer::convened}};
}

void rank_ledger::note(const parallel::muster& what) {
  auto& one = seats_[what.seat];
  one.is_first = what.rank == 0;
  one.ranks = what.ranks;
  one.furthest = std::max(one.furthest, what.step);
  note(what.epoch, what.seat, {answer::mustered});
}

void rank_ledger::note(const parallel::advance& what) {
  auto& one = seats_[what.seat];
  one.furthest = std::max(one.furthest, what.last);
  note(what.epoch, what.seat,
      {answer::advanced, what.last, what.last - what.first});
}

void rank_ledger::note(const parallel::assess& what) {
  note(what.epoch, what.seat, {answer::assessed, what.step});
}

// All may be asked; the first one answers.
void rank_ledger::note(const parallel::hand_over& what) {
  if (seats_[what.seat].is_first)
    note(what.epoch, what.seat, {answer::handed, what.step});
}

void rank_ledger::note(epoch_id epoch, seat_id seat, const owed& what) {
  auto& one = seats_[seat];
  if (one.epoch == epoch)
    one.owes.push_back(what);
}

template <class Answer>
finding rank_ledger::look(const Answer& what) const {
  const auto at = seats_.find(what.seat);
  if (at == seats_.end())
    return wrong("seat " + std::to_string(what.seat));
  if (what.epoch > at->second.epoch)
    return wrong("epoch " + std::to_string(what.epoch));
  return {what.epoch < at->second.epoch, {}};
}

template <class Answer>
finding rank_ledger::settle(const Answer& what, answer kind, owed& of) {
  auto found = look(what);
  if (!found)
    return found;
  auto& owes = seats_[what.seat].owes;
  if (owes.empty() || owes.front().what != kind)
    return wrong("an answer of seat " + std::to_string(what.seat));
  of = owes.front();
  owes.pop_front();
  return {};
}

finding rank_ledger::hear(const parallel::convened& what) {
  owed of{};
  if (auto found = settle(what, answer::convened, of); !found)
    return found;
  const auto& one = seats_[what.seat];
  if (what.step > (what.has_state ? one.furthest : 0))
    return wrong(std::to_string(what.step) + " steps");
  if (what.at.size() > longest_address || (!one.opens && !what.at.empty()))
    return wrong("an address");
  return {};
}

finding rank_ledger::hear(const parallel::mustered& what) {
  owed of{};
  return settle(what, answer::mustered, of);
}

finding rank_ledger::hear(const parallel::advanced& what) {
  owed of{};
  if (auto found = settle(what, answer::advanced, of); !found)
    return found;
  if (what.last != of.step)
    return wrong("step " + std::to_string(what.last));
  if (what.samples > most_.batch * of.steps)
    return wrong(std::to_string(what.samples) + " samples");
  if (!is_time(what.seconds) || !is_time(what.computing) ||
      !is_time(what.cpu_seconds))
    return wrong("a time");
  return {};
}

finding rank_ledger::hear(const parallel::assessed& what) {
  owed of{};
  if (auto found = settle(what, answer::assessed, of); !found)
    return found;
  if (what.step != of.step)
    return wrong("step " + std::to_string(what.step));
  if (what.sums.samples > most_.tests || what.sums.correct > what.sums.samples)
    return wrong("a score of " + std::to_string(what.sums.samples));
  if (!is_time(what.cpu_seconds))
    return wrong("a time");
  return {};
}

finding rank_ledger::block(const tensor& what) const {
  if (!what || what.count != most_.values)
    return wrong("a block of " + std::to_string(what.count) + " values, not " +
                 std::to_string(most_.values));
  return {};
}

finding rank_ledger::hear(const parallel::handed& what) {
  owed of{};
  if (auto found = settle(what, answer::handed, of); !found)
    return found;
  if (what.step != of.step)
    return wrong("step " + std::to_string(what.step));
  if (what.blocks.size() > most_blocks)
    return wrong(std::to_string(what.blocks.size()) + " blocks");
  if (auto found = block(what.parameters); !found)
    return found;
  std::set<tensor_id> lent{what.parameters.id};
  for (const auto& one : what.blocks) {
    if (auto found = block(one.values); !found)
      return found;
    if (one.values.id != 0 && !lent.insert(one.values.id).second)
      return wrong("one tensor twice");
  }
  return {};
}

finding rank_ledger::hear(const parallel::broken& what) {
  auto found = look(what);
  if (!found)
    return found;
  auto& one = seats_[what.seat];
  if (what.blames != parallel::nobody && what.blames >= one.ranks)
    return wrong("rank " + std::to_string(what.blames));
  one.owes.clear();
  return {};
}

} // namespace troupe::cluster
