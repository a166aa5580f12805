#include "runtime/collective/channel_group.hpp"

#include "runtime/collective/carry_on.hpp"
#include "runtime/collective/spans.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace troupe::collective {
namespace {

using kind_of = operation_kind;

constexpr std::size_t most_ways = 64;
constexpr std::size_t piece = std::size_t{512} << 10;
constexpr std::size_t most_pieces = 32;

void along(std::vector<std::int32_t>& order, node x) {
  if (x.end - x.begin == 1) {
    order.push_back(static_cast<std::int32_t>(x.begin));
    return;
  }
  along(order, {x.begin, cut_of(x)});
  along(order, {cut_of(x), x.end});
  order.push_back(gpu::plus);
}

} // namespace

std::vector<std::int32_t> order_over(std::uint32_t ranks) {
  std::vector<std::int32_t> order;
  along(order, {0, ranks});
  return order;
}

channel_group::channel_group(std::unique_ptr<wire> over,
    std::chrono::milliseconds silence, std::stop_token until)
    : wire_(std::move(over)),
      silence_(silence),
      until_(std::move(until)),
      order_(order_over(ranks())) {}

channel_group::~channel_group() {
  let_go();
}

std::byte* channel_group::scratch(std::size_t bytes) {
  if (bytes > scratch_size_) {
    scratch_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
    scratch_size_ = bytes;
  }
  return scratch_.get();
}

// What suits: few rounds for what is short, every link at work for what is
// long.
task channel_group::planned(operation_kind kind, way by, std::size_t count,
    std::size_t bytes, std::uint32_t root) const {
  const auto n = ranks();
  const bool is_short = bytes <= (std::size_t{64} << 10);
  auto how = algorithm::direct;
  if (kind == kind_of::reduce || kind == kind_of::broadcast)
    how =
        is_short || n < 3 ? algorithm::binomial_tree : algorithm::chunked_ring;
  else if (kind == kind_of::barrier ||
           (kind == kind_of::all_reduce && is_short))
    how = algorithm::doubling;
  task x{kind, by.value_or(how), n, count, root, 1};
  require(defined(kind, x.how), "that operation is not defined by that way");
  require(root < n, "the root is no rank of this group");
  if (x.how == algorithm::direct || x.how == algorithm::chunked_ring ||
      x.how == algorithm::double_tree)
    x.pieces = std::clamp<std::size_t>(bytes / piece, 1, most_pieces);
  return x;
}

schedule channel_group::plan::made() const {
  if (!holders.empty())
    return canonical_schedule(what, holders, parts);
  if (parts.empty())
    return schedule_of(what);
  const auto extent = parts.back().end;
  return what.kind == kind_of::all_gather
             ? gathered(what.how, parts, extent, what.pieces)
             : scattered(what.how, parts, extent, what.pieces);
}

std::uint32_t channel_group::plan::shape() const noexcept {
  std::uint32_t sum = 0;
  for (const auto& each : parts)
    sum = sum * 31 + static_cast<std::uint32_t>(each.end) + 1;
  for (auto each : holders)
    sum = sum * 31 + each + 1;
  return sum;
}

bool channel_group::plan::operator<(const plan& other) const {
  if (what != other.what)
    return what < other.what;
  if (holders != other.holders)
    return holders < other.holders;
  return std::lexicographical_compare(parts.begin(), parts.end(),
      other.parts.begin(), other.parts.end(),
      [](const range& x, const range& y) {
        return std::tie(x.begin, x.end) < std::tie(y.begin, y.end);
      });
}

const itinerary& channel_group::way_of(const plan& x) {
  const auto found = ways_.find(x);
  if (found != ways_.end())
    return found->second;
  auto made = itinerary_of(x.made(), rank());
  if (ways_.size() == most_ways)
    ways_.clear();
  return ways_.emplace(x, std::move(made)).first->second;
}

call channel_group::next(
    const task& x, gpu::element type, gpu::reduction how, std::uint32_t shape) {
  if (ended_)
    throw *ended_;
  call result;
  result.kind = x.kind;
  result.type = type;
  result.how = how;
  result.by = x.how;
  result.number = number_++;
  result.count = x.count;
  result.root = x.root;
  result.peer = shape;
  digest_ = result.digest_after(digest_);
  result.digest = digest_;
  return result;
}

void channel_group::end(const call& what, const loss& why) {
  wire_->tell(why);
  const auto text = why.rank == rank()
                        ? why.why
                        : fmt::format("rank {} is lost to rank {}: {}; in {}",
                              why.rank, rank(), why.why, to_string(what));
  ended_.emplace(why.rank, what.number, text);
  let_go();
  throw *ended_;
}

void channel_group::contradict(const call& what, const loss& why) {
  wire_->tell(why);
  ended_.emplace(why.rank, what.number, why.why);
  let_go();
  throw *ended_;
}

void channel_group::walk(
    const itinerary& along_it, const call& what, workplace where) {
  passage through{
      along_it, *wire_, what, std::move(where), room_, sent_, bare_};
  carry_on(
      what, [&](std::uint32_t& idle, std::vector<wanted>& wants, bool asks) {
        idle = through.advance() ? 0 : idle + 1;
        if (through.conflict())
          contradict(what, *through.conflict());
        if (asks && idle > 0)
          wants = through.wants();
        return through.done();
      });
}

void channel_group::pass(
    const plan& x, gpu::element type, gpu::reduction how, workplace where) {
  const auto& along_it = way_of(x);
  walk(along_it, next(x.what, type, how, x.shape()), std::move(where));
}

} // namespace troupe::collective
