#include "protocols/collective/ways.hpp"

#include <algorithm>

namespace troupe::collective::ways {
namespace {

using parts_list = std::vector<range>;

// Those that lie together become one.
parts_list merged(parts_list all) {
  std::sort(all.begin(), all.end(),
      [](const range& a, const range& b) { return a.begin < b.begin; });
  parts_list result;
  for (const auto& each : all)
    if (each.empty())
      continue;
    else if (!result.empty() && result.back().end == each.begin)
      result.back().end = each.end;
    else
      result.push_back(each);
  return result;
}

// The cube's ranks are members that the caller numbers; each has a list of
// parts in the end.
class cube {
public:
  cube(schedule& into, std::span<const std::uint32_t> members,
      std::span<const parts_list> parts, std::span<const std::uint32_t> bases)
      : into_(into), members_(members), parts_(parts), bases_(bases) {}

  void scatter(std::uint32_t first_round) {
    std::uint32_t step = 1; // members that differ by it differ in this digit
    for (auto base : bases_) {
      for (std::uint32_t m = 0; m < size(); ++m)
        for (std::uint32_t other = 1; other < base; ++other) {
          const auto digit = m / step % base;
          const auto peer = m - digit * step + (digit + other) % base * step;
          for (const auto& each : wanted(peer, step * base))
            move(into_, first_round, members_[m], members_[peer], each,
                base == 2 ? verb::add : verb::join);
        }
      ++first_round;
      step *= base;
    }
  }

private:
  std::uint32_t size() const {
    return static_cast<std::uint32_t>(members_.size());
  }

  // What those have in the end that have the digits of `m` below `place`.
  parts_list wanted(std::uint32_t m, std::uint32_t place) const {
    parts_list all;
    for (auto each = m % place; each < size(); each += place)
      all.insert(all.end(), parts_[each].begin(), parts_[each].end());
    return merged(std::move(all));
  }

  schedule& into_;
  std::span<const std::uint32_t> members_;
  std::span<const parts_list> parts_;
  std::span<const std::uint32_t> bases_;
};

// n ranks as a power of two of members: the first ones stand for two ranks.
struct folding {
  explicit folding(std::uint32_t ranks)
      : size(1u << floor_of_log2(ranks)), twice(ranks - size) {}

  std::uint32_t rank_of(std::uint32_t member) const {
    return member < twice ? 2 * member : member + twice;
  }
  std::vector<std::uint32_t> members() const {
    std::vector<std::uint32_t> all;
    for (std::uint32_t m = 0; m < size; ++m)
      all.push_back(rank_of(m));
    return all;
  }

  std::uint32_t size;
  std::uint32_t twice;
};

// Every member's number with its digits in the other order.
std::uint32_t place_of(
    std::uint32_t member, std::span<const std::uint32_t> bases) {
  std::uint32_t result = 0;
  for (auto base : bases) {
    result = result * base + member % base;
    member /= base;
  }
  return result;
}

} // namespace

std::vector<std::uint32_t> bases_of(std::uint32_t ranks) {
  std::vector<std::uint32_t> result;
  for (std::uint32_t base : {4u, 2u, 3u})
    for (; ranks % base == 0; ranks /= base)
      result.push_back(base);
  for (std::uint32_t base = 5; ranks > 1; base += 2)
    for (; ranks % base == 0; ranks /= base)
      result.push_back(base);
  return result;
}

std::vector<range> cube_parts(
    std::size_t extent, std::span<const std::uint32_t> bases) {
  std::uint32_t ranks = 1;
  for (auto base : bases)
    ranks *= base;
  const auto places = divided(extent, ranks);
  std::vector<range> result;
  for (std::uint32_t r = 0; r < ranks; ++r)
    result.push_back(places[place_of(r, bases)]);
  return result;
}

std::vector<range> halving_parts(std::size_t extent, std::uint32_t ranks) {
  const folding fold{ranks};
  const std::vector<std::uint32_t> bases(floor_of_log2(ranks), 2);
  const auto places = cube_parts(extent, bases);
  std::vector<range> result(ranks);
  for (std::uint32_t m = 0; m < fold.size; ++m)
    result[fold.rank_of(m)] = places[m];
  return result;
}

schedule cube_scatter(std::span<const range> parts, std::size_t extent,
    std::span<const std::uint32_t> bases) {
  const auto n = static_cast<std::uint32_t>(parts.size());
  auto result = blank(n, extent);
  std::vector<std::uint32_t> members;
  std::vector<parts_list> lists;
  for (std::uint32_t r = 0; r < n; ++r) {
    members.push_back(r);
    lists.push_back({parts[r]});
  }
  cube{result, members, lists, bases}.scatter(0);
  return result;
}

schedule halving_scatter(std::span<const range> parts, std::size_t extent) {
  const auto n = static_cast<std::uint32_t>(parts.size());
  const folding fold{n};
  const std::vector<std::uint32_t> bases(floor_of_log2(n), 2);
  auto result = blank(n, extent);
  std::vector<parts_list> lists;
  for (std::uint32_t m = 0; m < fold.size; ++m) {
    const auto rank = fold.rank_of(m);
    lists.push_back({parts[rank]});
    if (m < fold.twice) {
      move(result, 0, rank + 1, rank, {0, extent}, verb::add);
      lists.back().push_back(parts[rank + 1]);
    }
  }
  const std::uint32_t first = fold.twice > 0 ? 1 : 0;
  const auto members = fold.members();
  cube{result, members, lists, bases}.scatter(first);
  const auto last = first + static_cast<std::uint32_t>(bases.size());
  for (std::uint32_t m = 0; m < fold.twice; ++m)
    move(result, last, members[m], members[m] + 1, parts[members[m] + 1],
        verb::copy);
  return result;
}

schedule doubling(std::uint32_t ranks, std::size_t extent) {
  const folding fold{ranks};
  const range all{0, extent};
  auto result = blank(ranks, extent);
  std::uint32_t round = 0;
  for (std::uint32_t m = 0; m < fold.twice; ++m)
    move(result, round, 2 * m + 1, 2 * m, all, verb::add);
  round += fold.twice > 0;
  for (std::uint32_t apart = 1; apart < fold.size; apart *= 2, ++round)
    for (std::uint32_t m = 0; m < fold.size; ++m)
      move(result, round, fold.rank_of(m), fold.rank_of(m ^ apart), all,
          verb::add);
  for (std::uint32_t m = 0; m < fold.twice; ++m)
    move(result, round, 2 * m, 2 * m + 1, all, verb::copy);
  return result;
}

} // namespace troupe::collective::ways
