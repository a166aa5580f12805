// Canonical sums in a hall: where every rank sees all partial sums, each adds
// its part of them along the tree, from where they lie to where it is wanted.
#include "runtime/collective/channel_group.hpp"

#include "runtime/collective/hall.hpp"
#include "runtime/collective/reading.hpp"
#include "runtime/collective/spans.hpp"

#include <algorithm>
#include <array>

namespace troupe::collective {
namespace {

constexpr std::uint64_t nowhere = ~std::uint64_t{0};
// Places of partial sums that go on a card.
constexpr std::size_t most_terms =
    sizeof(hall::card::brings) / (sizeof(std::uint64_t));
using places = std::array<std::uint64_t, most_terms>;

// In postfix, of terms in the order of their leaves.
void along(
    std::span<const node> terms, node x, std::vector<std::int32_t>& order) {
  const auto at = std::ranges::find(terms, x);
  if (at != terms.end()) {
    order.push_back(static_cast<std::int32_t>(at - terms.begin()));
    return;
  }
  const auto cut = cut_of(x);
  along(terms, {x.begin, cut}, order);
  along(terms, {cut, x.end}, order);
  order.push_back(gpu::plus);
}

} // namespace

// False: it has to go by channels.
bool channel_group::sum_where_they_lie(const plan& x, const call& what,
    const canonical_terms& partials, gpu::typed_span to) {
  auto* place = wire_->shared();
  if (!place || ranks() == 1 || x.what.how != algorithm::direct)
    return false;
  std::vector<std::vector<node>> of(ranks());
  for (std::uint32_t r = 0; r < ranks(); ++r) {
    of[r] = partials_of(x.holders, r);
    if (of[r].size() > most_terms)
      return false;
  }
  const bool everywhere = x.what.kind == operation_kind::all_reduce;
  auto here = everywhere ? place_of(to.data, bytes_of(to)) : 0;
  places brought{};
  for (std::size_t i = 0; i < of[rank()].size(); ++i) {
    const auto& term = partials.at(of[rank()][i]);
    brought[i] = place_of(term.data, bytes_of(term));
    if (brought[i] == nowhere)
      here = nowhere;
  }
  gather_cards(what, here, std::as_bytes(std::span{brought}));
  const auto parity = turn_ & 1;
  for (std::uint32_t r = 0; r < ranks(); ++r)
    if (place->of(r).cards[parity].at == nowhere)
      return false;

  const auto part = x.parts[rank()];
  const auto offset = part.begin * gpu::bytes_of(to.type);
  std::vector<std::pair<node, const std::byte*>> terms;
  std::vector<void*> targets;
  for (std::uint32_t r = 0; r < ranks(); ++r) {
    const auto& card = place->of(r).cards[parity];
    places their{};
    std::ranges::copy(
        card.brings, std::as_writable_bytes(std::span{their}).begin());
    for (std::size_t i = 0; i < of[r].size(); ++i)
      terms.emplace_back(of[r][i], place_at(their[i], r) + offset);
    if (everywhere)
      targets.push_back(
          (r == rank() ? bytes_at(to) : place_at(card.at, r)) + offset);
  }
  if (!everywhere)
    targets.push_back(to.data);
  std::ranges::sort(terms);
  std::vector<node> nodes;
  std::vector<const void*> values;
  for (const auto& [node, at] : terms) {
    nodes.push_back(node);
    values.push_back(at);
  }
  std::vector<std::int32_t> order;
  along(nodes, {0, static_cast<std::uint32_t>(x.holders.size())}, order);
  if (const reading others{*this, what}; !part.empty())
    gpu::combine_in_order(
        gpu::reduction::sum, to.type, values, order, targets, part.size());
  gather_cards(what, nowhere, {});
  for (const auto& each : way_of(x).stops)
    if (each.what.what == verb::send)
      sent_ += each.what.part.size() * gpu::bytes_of(to.type);
  return true;
}

} // namespace troupe::collective
