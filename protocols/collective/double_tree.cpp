#include "protocols/collective/ways.hpp"

#include <algorithm>

namespace troupe::collective::ways {
namespace {

// A tree over the places 1 to `size` whose leaves are the odd ones: the last
// bit that is set says how high a place stands.
//
//             4
//         2       6
//       1   3   5   7
class in_order_tree {
public:
  explicit in_order_tree(std::uint32_t size) : size_(size) {}

  std::uint32_t root() const { return 1u << floor_of_log2(size_); }

  std::uint32_t parent(std::uint32_t place) const {
    auto bit = place & (~place + 1);
    auto above = (place ^ bit) | (bit << 1);
    while (above > size_) { // that place is not there; its own parent takes it
      bit <<= 1;
      above = (above ^ bit) | (bit << 1);
    }
    return above;
  }

private:
  std::uint32_t size_;
};

// Rank number `place` of those that are not the root, in the second tree moved
// so that whoever is inner in the first one is a leaf in it.
std::uint32_t rank_at(
    std::uint32_t place, bool second, std::uint32_t ranks, std::uint32_t root) {
  const auto others = ranks - 1;
  if (second)
    place = others % 2 == 0 ? others + 1 - place : place % others + 1;
  return (root + place) % ranks;
}

void climb(schedule& into, bool second, std::uint32_t root, range part) {
  const auto ranks = static_cast<std::uint32_t>(into.ranks.size());
  const in_order_tree tree{ranks - 1};
  // A place sends once the places below it, all of them lower ones, have sent.
  std::vector<std::uint32_t> free(ranks, 0);
  for (std::uint32_t bit = 1; bit < ranks; bit *= 2)
    for (auto place = bit; place < ranks; place += 2 * bit) {
      const auto from = rank_at(place, second, ranks, root);
      const auto round = free[place];
      if (place == tree.root()) {
        move(into, round, from, root, part, verb::add);
        continue;
      }
      const auto above = tree.parent(place);
      free[above] = std::max(free[above], round + 1);
      move(into, round, from, rank_at(above, second, ranks, root), part,
          verb::add);
    }
}

// They were found by height.
schedule by_round(schedule x) {
  for (auto& steps : x.ranks)
    std::stable_sort(steps.begin(), steps.end(),
        [](const step& a, const step& b) { return a.round < b.round; });
  return x;
}

} // namespace

schedule double_tree_reduce(
    std::uint32_t ranks, std::uint32_t root, range part) {
  auto first = blank(ranks, part.end);
  auto second = first;
  if (ranks == 1)
    return first;
  const auto middle = part.begin + part.size() / 2;
  climb(first, false, root, {part.begin, middle});
  climb(second, true, root, {middle, part.end});
  return beside(by_round(std::move(first)), by_round(std::move(second)));
}

} // namespace troupe::collective::ways
