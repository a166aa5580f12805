#include "protocols/collective/proof.hpp"

#include "protocols/collective/bill.hpp"
#include "protocols/collective/canonical.hpp"
#include "protocols/collective/interpreter.hpp"

#include <optional>
#include <vector>

namespace troupe::collective {
namespace {

using enum operation_kind;

// A sum of contributions to one place: a bit each of 64 contributors. Without
// any it is what a block holds where nothing was put.
struct symbol {
  std::size_t place = 0;
  std::uint64_t once = 0;
  std::uint64_t again = 0; // who counts more than once
  bool mixed = false;      // of several places, or of nothing

  friend bool operator==(const symbol&, const symbol&) = default;
};

symbol plus(const symbol& a, const symbol& b) {
  return {a.place, a.once | b.once, a.again | b.again | (a.once & b.once),
      a.mixed || b.mixed || a.place != b.place || a.once == 0 || b.once == 0};
}

struct question {
  task of;
  std::size_t contributors;
  std::vector<range> parts{}; // of any sizes; none: of one

  symbol one(std::size_t contributor, std::size_t place) const {
    return {place, std::uint64_t{1} << contributor, 0, false};
  }
  symbol all(std::size_t place) const {
    return {place, ~std::uint64_t{0} >> (64 - contributors), 0, false};
  }

  std::size_t owner(std::size_t place) const {
    if (parts.empty())
      return place / of.count;
    std::size_t rank = 0;
    while (place >= parts[rank].end)
      ++rank;
    return rank;
  }
  bool in_part(std::size_t rank, std::size_t place) const {
    return owner(place) == rank;
  }

  // What a rank has at a place before.
  symbol before(std::size_t rank, std::size_t place) const {
    switch (of.kind) {
    case broadcast:
    case scatter:
      return rank == of.root ? one(rank, place) : symbol{};
    case all_gather:
    case gather:
      return in_part(rank, place) ? one(rank, place) : symbol{};
    default:
      return one(rank, place);
    }
  }

  // What it has to have behind; empty: anything.
  std::optional<symbol> behind(std::size_t rank, std::size_t place) const {
    switch (of.kind) {
    case all_reduce:
      return all(place);
    case reduce:
      return rank == of.root ? std::optional{all(place)} : std::nullopt;
    case broadcast:
      return one(of.root, place);
    case reduce_scatter:
      return in_part(rank, place) ? std::optional{all(place)} : std::nullopt;
    case all_gather:
      return one(owner(place), place);
    case gather:
      return rank == of.root ? std::optional{one(place / of.count, place)}
                             : std::nullopt;
    case scatter:
      return in_part(rank, place) ? std::optional{one(of.root, place)}
                                  : std::nullopt;
    case all_to_all: {
      const auto from = place / of.count;
      return from == rank
                 ? std::nullopt // its own part needs no wire
                 : std::optional{one(from, rank * of.count + place % of.count)};
    }
    default:
      return std::nullopt;
    }
  }
};

std::string wrong_result(
    const question& asked, const std::vector<memory<symbol>>& ranks) {
  for (std::size_t r = 0; r < ranks.size(); ++r)
    for (std::size_t i = 0; i < ranks[r].block.size(); ++i)
      if (const auto want = asked.behind(r, i);
          want && ranks[r].block[i] != *want)
        return "rank " + std::to_string(r) + " has another result at " +
               std::to_string(i);
  return {};
}

std::string wrong_outcome(const schedule& x, const question& asked) {
  std::vector<memory<symbol>> ranks(asked.of.ranks);
  for (std::size_t r = 0; r < ranks.size(); ++r)
    for (std::size_t i = 0; i < x.extent; ++i)
      (x.apart ? ranks[r].given : ranks[r].block).push_back(asked.before(r, i));
  if (x.apart)
    for (auto& each : ranks)
      each.block.resize(x.extent);
  const auto fault = interpreter{x, ranks, plus}.run();
  return fault.empty() ? wrong_result(asked, ranks) : fault;
}

// A message of a barrier says of whom its sender has heard.
std::string unheard(schedule x) {
  using heard = std::vector<bool>;
  const auto n = x.ranks.size();
  std::vector<memory<heard>> ranks(n);
  for (std::size_t r = 0; r < n; ++r) {
    ranks[r].block.assign(1, heard(n));
    ranks[r].block[0][r] = true;
    for (auto& each : x.ranks[r]) {
      each.part = {0, 1};
      if (each.what != verb::send)
        each.what = verb::add;
    }
  }
  const auto both = [](heard a, const heard& b) {
    for (std::size_t i = 0; i < a.size(); ++i)
      a[i] = a[i] || b[i];
    return a;
  };
  auto fault = interpreter{x, ranks, both}.run();
  for (std::size_t r = 0; fault.empty() && r < n; ++r)
    for (std::size_t i = 0; i < n; ++i)
      if (!ranks[r].block[0][i])
        fault = "rank " + std::to_string(r) + " goes on without rank " +
                std::to_string(i);
  return fault;
}

std::string text(const bill& x) {
  return std::to_string(x.rounds) + " rounds, " + std::to_string(x.messages) +
         " messages and " + std::to_string(x.elements) + " elements";
}

// Where something is empty there are less rounds and messages.
std::string wrong_bill(const schedule& x, const task& of) {
  const auto is = bill_of(x);
  const auto said = formula_of(of);
  const auto pieces = std::max<std::size_t>(1, of.pieces);
  const bool whole = extent_of(of) == of.count;
  const bool full =
      of.kind == barrier || of.count >= 2 * pieces * (whole ? of.ranks : 1);
  const bool right =
      is.elements == said.cost.elements &&
      (full ? is.rounds == said.cost.rounds && is.messages == said.cost.messages
            : is.rounds <= said.cost.rounds &&
                  is.messages <= said.cost.messages) &&
      (!full || !said.most_known || is.most == said.cost.most) &&
      (of.kind != barrier || steps_of(x) == 2 * is.messages);
  return right ? ""
               : "it takes " + text(is) + " where " + text(said.cost) +
                     " are right";
}

} // namespace

std::string fault_of(const schedule& x, const task& of) {
  if (x.ranks.size() != of.ranks || x.extent != extent_of(of))
    return "it is for other ranks or another block";
  if (of.ranks > most_proven)
    return "it is for more ranks than can be told apart";
  std::string fault;
  if (of.kind == barrier) {
    fault = unheard(x);
  } else {
    fault = wrong_outcome(x, {of, of.ranks});
  }
  return fault.empty() ? wrong_bill(x, of) : fault;
}

std::string fault_of_parts(
    const schedule& x, const task& of, std::span<const range> parts) {
  if (x.ranks.size() != of.ranks || x.extent != parts.back().end)
    return "it is for other ranks or another block";
  const auto fault =
      wrong_outcome(x, {of, of.ranks, {parts.begin(), parts.end()}});
  const auto is = bill_of(x).elements;
  const bool once = of.how != algorithm::halving_doubling;
  if (fault.empty() && once && is != (of.ranks - 1) * x.extent)
    return "it moves " + std::to_string(is) + " elements";
  return fault;
}

std::string fault_of_canonical(
    const schedule& x, const task& of, std::span<const std::uint32_t> holders) {
  const question asked{of, holders.size(), {}};
  std::vector<memory<symbol>> ranks(of.ranks);
  for (std::uint32_t r = 0; r < of.ranks; ++r) {
    ranks[r].block.resize(x.extent);
    for (const auto& each : partials_of(holders, r))
      for (std::size_t i = 0; i < x.extent; ++i) {
        auto sum = asked.one(each.begin, i);
        for (auto leaf = each.begin + 1; leaf < each.end; ++leaf)
          sum = plus(sum, asked.one(leaf, i));
        ranks[r].beside[each].push_back(sum);
      }
  }
  auto fault = interpreter{x, ranks, plus}.run();
  return fault.empty() ? wrong_result(asked, ranks) : fault;
}

} // namespace troupe::collective
