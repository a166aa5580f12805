#include "protocols/collective/bill.hpp"

#include "protocols/collective/ways.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <tuple>
#include <vector>

namespace troupe::collective {
namespace {

using enum operation_kind;

struct form {
  explicit form(const task& what)
      : x(what),
        n(what.ranks),
        E(extent_of(what)),
        k(what.pieces > 1 && (what.how == algorithm::direct ||
                                 what.how == algorithm::chunked_ring ||
                                 what.how == algorithm::double_tree)
                ? what.pieces
                : 1),
        L(ways::floor_of_log2(what.ranks)),
        p(std::size_t{1} << L),
        f(n - p) {}

  std::uint32_t rounds(std::size_t i) const {
    return static_cast<std::uint32_t>(i);
  }
  // Whether parts are of one size, though they are cut at cache lines.
  bool even(std::size_t parts) const {
    const auto cut = divided(E, parts);
    return E % parts == 0 && cut.front().size() == E / parts;
  }
  bool even() const { return E % (n * k) == 0 && even(n); }

  formula scatter() const {
    const auto pairs = n * (n - 1);
    const bill plain{0, k * pairs, (n - 1) * E, E - E / n};
    formula result{plain, even()};
    switch (x.how) {
    case algorithm::direct:
      result.cost.rounds = rounds(k);
      break;
    case algorithm::halving_doubling:
      result.cost = {rounds(L + (f > 0 ? 2 : 0)), p * L + 2 * f,
          (p - 1 + f) * E + f * (E / n), E - E / n};
      result.most_known = f == 0 && even();
      break;
    case algorithm::bcube: {
      const auto bases = ways::bases_of(x.ranks);
      result.cost.rounds = rounds(bases.size());
      result.cost.messages = 0;
      for (auto base : bases)
        result.cost.messages += n * (base - 1);
      break;
    }
    default:
      result.cost.rounds = rounds(n - 2 + k);
      result.cost.messages = n * (n - 2 + k);
    }
    return result;
  }

  formula sum() const {
    formula result{{0, k * (n - 1), (n - 1) * E, E}, x.kind == reduce};
    switch (x.how) {
    case algorithm::direct:
      result.cost.rounds = rounds(k);
      break;
    case algorithm::binomial_tree:
      result.cost.rounds = rounds(L + (f > 0 ? 1 : 0));
      break;
    case algorithm::double_tree:
      result.cost.rounds =
          rounds(k + ways::floor_of_log2(static_cast<std::uint32_t>(n - 1)));
      result.cost.messages *= 2;
      if (n == 2) // both trees are the same edge
        result.cost.messages = k;
      break;
    default:
      result.cost.rounds = rounds(n - 2 + k);
    }
    return result;
  }

  // There and back; pieces follow each other once.
  formula twice(formula one) const {
    one.cost.rounds = rounds(2 * (one.cost.rounds - (k - 1)) + k - 1);
    one.cost.messages *= 2;
    one.cost.elements *= 2;
    one.cost.most *= 2;
    return one;
  }

  formula all() const {
    if (x.how == algorithm::doubling)
      return {{rounds(L + (f > 0 ? 2 : 0)), p * L + 2 * f, (p * L + 2 * f) * E,
                  (L + (f > 0 ? 1 : 0)) * E},
          true};
    if (x.how == algorithm::halving_doubling) {
      // Folded ranks have no part of their own.
      return {{rounds(2 * L + (f > 0 ? 2 : 0)), 2 * (p * L + f),
                  2 * (p - 1 + f) * E, 2 * (E - E / p) + (f > 0 ? E : 0)},
          even(p)};
    }
    auto result =
        defined(reduce_scatter, x.how) ? twice(scatter()) : twice(sum());
    // A piece's way back and the next one's way there share a message if they
    // have the same edge in the same round.
    if (x.how == algorithm::direct)
      result.cost.messages = n * (n - 1) * (k + 1);
    else if (x.how == algorithm::chunked_ring && n == 2)
      result.cost.messages = 2 * (k + 1);
    result.most_known &= defined(reduce_scatter, x.how);
    return result;
  }

  formula ends() const {
    bill result{1, n - 1, (n - 1) * x.count, x.count};
    if (x.how != algorithm::binomial_tree)
      return {result, x.kind == gather};
    result.rounds = rounds(L + (f > 0 ? 1 : 0));
    result.elements = 0;
    for (std::uint32_t r = 0; r < n; ++r)
      if (r != x.root) {
        const auto digit = std::bit_floor(r ^ x.root);
        result.elements += x.count * (1 + static_cast<std::size_t>(
                                              std::popcount(r & (digit - 1))));
      }
    return {result, false};
  }

  const task& x;
  std::size_t n;
  std::size_t E;
  std::size_t k;
  std::size_t L;
  std::size_t p;
  std::size_t f;
};

formula barrier_of(const task& x) {
  auto signs = x;
  signs.kind = x.how == algorithm::direct ? reduce_scatter : all_reduce;
  signs.count = 1;
  signs.pieces = 1;
  auto result = formula_of(signs);
  result.cost.elements = 0;
  result.cost.most = 0;
  return result;
}

} // namespace

bill bill_of(const schedule& x) {
  bill result;
  result.rounds = rounds_of(x);
  for (const auto& steps : x.ranks) {
    std::size_t sent = 0;
    std::set<std::tuple<std::uint32_t, std::uint32_t>> messages;
    for (const auto& each : steps)
      if (each.what == verb::send) {
        sent += each.part.size();
        messages.emplace(each.round, each.peer);
      }
    result.messages += messages.size();
    result.elements += sent;
    result.most = std::max(result.most, sent);
  }
  return result;
}

formula formula_of(const task& x) {
  if (x.ranks == 1)
    return {{}, true};
  const form of{x};
  switch (x.kind) {
  case all_reduce:
    return of.all();
  case reduce_scatter:
  case all_gather:
    return of.scatter();
  case reduce:
  case broadcast:
    return of.sum();
  case gather:
  case scatter:
    return of.ends();
  case all_to_all:
    return {{of.rounds(of.n - 1), of.n * (of.n - 1),
                (of.n - 1) * of.n * x.count, (of.n - 1) * x.count},
        true};
  case barrier:
    return barrier_of(x);
  default:
    return {};
  }
}

double seconds_of(const schedule& x, const prices& at) {
  struct load {
    std::set<std::uint32_t> peers[2];
    std::size_t elements[2] = {};
    std::size_t added = 0;
  };
  std::vector<double> slowest(rounds_of(x));
  for (const auto& steps : x.ranks) {
    std::vector<load> rounds(slowest.size());
    for (const auto& each : steps) {
      auto& to = rounds[each.round];
      const auto way = each.what == verb::send ? 0 : 1;
      to.peers[way].insert(each.peer);
      to.elements[way] += each.part.size();
      if (each.what == verb::add || each.what == verb::join)
        to.added += each.part.size();
    }
    for (std::size_t i = 0; i < rounds.size(); ++i) {
      const auto& to = rounds[i];
      const auto messages = std::max(to.peers[0].size(), to.peers[1].size());
      const auto elements = std::max(to.elements[0], to.elements[1]);
      slowest[i] =
          std::max(slowest[i], at.alpha * static_cast<double>(messages) +
                                   at.beta * static_cast<double>(elements) +
                                   at.gamma * static_cast<double>(to.added));
    }
  }
  double result = 0.0;
  for (auto each : slowest)
    result += each;
  return result;
}

} // namespace troupe::collective
