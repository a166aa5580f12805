#include "protocols/collective/ways.hpp"

#include <algorithm>
#include <bit>

namespace troupe::collective::ways {
namespace {

std::uint32_t ranks_of(std::span<const range> parts) {
  return static_cast<std::uint32_t>(parts.size());
}

// Those of a block of ranks that lie together.
range span_of(
    std::span<const range> parts, std::uint32_t first, std::uint32_t end) {
  return {parts[first].begin, parts[end - 1].end};
}

// Of the ranks [begin, end), the one that has what all of them have.
std::uint32_t holder(
    std::uint32_t begin, std::uint32_t end, std::uint32_t root) {
  return begin <= root && root < end ? root : begin;
}

// Blocks of 1, 2, 4... ranks that lie side by side become one; whoever holds
// the left or the right one of two hands it to the holder of both. These are
// the nodes of the canonical tree over the ranks.
template <class Hand>
void pair_up(std::uint32_t ranks, std::uint32_t root, Hand&& hand) {
  std::uint32_t round = 0;
  for (std::uint32_t half = 1; half < ranks; half *= 2, ++round)
    for (std::uint32_t a = 0; a + half < ranks; a += 2 * half) {
      const auto middle = a + half;
      const auto end = std::min(ranks, a + 2 * half);
      const auto left = holder(a, middle, root);
      const auto right = holder(middle, end, root);
      if (holder(a, end, root) == left)
        hand(round, right, left, middle, end);
      else
        hand(round, left, right, a, middle);
    }
}

} // namespace

std::uint32_t floor_of_log2(std::uint32_t x) noexcept {
  return static_cast<std::uint32_t>(std::bit_width(x)) - 1;
}

schedule direct_scatter(std::span<const range> parts, std::size_t extent) {
  const auto n = ranks_of(parts);
  auto result = blank(n, extent);
  for (std::uint32_t apart = 1; apart < n; ++apart)
    for (std::uint32_t r = 0; r < n; ++r) {
      const auto owner = (r + apart) % n;
      move(result, 0, r, owner, parts[owner], verb::join);
    }
  return result;
}

schedule ring_scatter(std::span<const range> parts, std::size_t extent) {
  const auto n = ranks_of(parts);
  auto result = blank(n, extent);
  for (std::uint32_t round = 0; round + 1 < n; ++round)
    for (std::uint32_t r = 0; r < n; ++r)
      move(result, round, r, (r + 1) % n, parts[(r + 2 * n - round - 1) % n],
          verb::add);
  return result;
}

schedule direct_reduce(std::uint32_t ranks, std::uint32_t root, range part) {
  auto result = blank(ranks, part.end);
  for (std::uint32_t r = 0; r < ranks; ++r)
    if (r != root)
      move(result, 0, r, root, part, verb::join);
  return result;
}

schedule chain_reduce(std::uint32_t ranks, std::uint32_t root, range part) {
  auto result = blank(ranks, part.end);
  for (std::uint32_t round = 0; round + 1 < ranks; ++round)
    move(result, round, (root + 1 + round) % ranks, (root + 2 + round) % ranks,
        part, verb::add);
  return result;
}

schedule binomial_reduce(std::uint32_t ranks, std::uint32_t root, range part) {
  auto result = blank(ranks, part.end);
  pair_up(ranks, root,
      [&](auto round, auto from, auto to, std::uint32_t, std::uint32_t) {
        move(result, round, from, to, part, verb::add);
      });
  return result;
}

schedule direct_gather(std::span<const range> parts, std::uint32_t root) {
  auto result = blank(ranks_of(parts), parts.back().end);
  for (std::uint32_t r = 0; r < ranks_of(parts); ++r)
    if (r != root)
      move(result, 0, r, root, parts[r], verb::copy);
  return result;
}

schedule binomial_gather(std::span<const range> parts, std::uint32_t root) {
  auto result = blank(ranks_of(parts), parts.back().end);
  pair_up(ranks_of(parts), root,
      [&](auto round, auto from, auto to, auto first, auto end) {
        move(result, round, from, to, span_of(parts, first, end), verb::copy);
      });
  return result;
}

schedule direct_exchange(std::uint32_t ranks, std::size_t count) {
  auto result = blank(ranks, ranks * count);
  result.apart = true;
  const auto part = [count](std::uint32_t r) {
    return range{r * count, (r + 1) * count};
  };
  if (count > 0)
    for (std::uint32_t apart = 1; apart < ranks; ++apart)
      for (std::uint32_t r = 0; r < ranks; ++r) {
        const auto peer = (r + apart) % ranks;
        const auto from = (r + ranks - apart) % ranks;
        result.ranks[r].push_back(
            {apart - 1, verb::send, peer, part(peer), {}});
        result.ranks[r].push_back(
            {apart - 1, verb::copy, from, part(from), {}});
      }
  return result;
}

} // namespace troupe::collective::ways
