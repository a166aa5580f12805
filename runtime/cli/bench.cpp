#include "runtime/cli/command.hpp"
#include "runtime/cli/numbers.hpp"
#include "runtime/cli/ranks.hpp"
#include "runtime/cli/text_table.hpp"
#include "runtime/collective/trial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ostream>
#include <tuple>

namespace troupe::cli {

namespace {

using collective::algorithm;
using collective::channel_group;
using collective::operation_kind;
using clock = std::chrono::steady_clock;

constexpr std::size_t back_to_back = 4096;   // bytes, at most
constexpr std::size_t ideal_from = 64 << 10; // bytes

struct contest {
  operation_kind kind = operation_kind::all_reduce;
  std::optional<algorithm> by;
  std::vector<std::size_t> sizes;
  bool group_memory = true;
  std::size_t most_turns = 0; // 0: as the size has it
};

struct timing {
  double median = 0.0; // seconds
  double least = 0.0;
};

bool parted(operation_kind kind) {
  return kind != operation_kind::all_reduce && kind != operation_kind::reduce &&
         kind != operation_kind::broadcast &&
         kind != operation_kind::transfer && kind != operation_kind::barrier;
}

// What nccl-tests multiplies the algorithm's bandwidth by.
double bus_factor(operation_kind kind, std::uint32_t ranks) {
  const auto others = static_cast<double>(ranks - 1) / ranks;
  if (kind == operation_kind::all_reduce)
    return 2.0 * others;
  return parted(kind) ? others : 1.0;
}

// One operation on two blocks of `count` elements in all.
class round {
public:
  round(channel_group& on, const contest& what, std::size_t bytes)
      : on_(on),
        what_(what),
        n_(on.ranks()),
        part_(bytes / 4 / (parted(what.kind) ? n_ : 1)),
        bytes_(part_ * 4 * (parted(what.kind) ? n_ : 1)),
        memory_(bytes_ / 4 + 16),
        other_(parted(what.kind) ? bytes_ / 4 + 16 : 0) {
    if (what.group_memory && what.kind == operation_kind::all_reduce) {
      block_ = reinterpret_cast<float*>(on.allocate(bytes_ + 64).data());
    } else {
      block_ = memory_.data();
    }
  }

  std::size_t bytes() const { return bytes_; }

  void fill() {
    std::fill(block_, block_ + bytes_ / 4, static_cast<float>(on_.rank() + 1));
  }

  void act() {
    const std::span<float> all{block_, bytes_ / 4};
    const std::span<const float> in{all};
    const std::span<float> other{
        other_.data(), other_.empty() ? 0 : all.size()};
    const auto by = what_.by;
    using gpu::reduction;
    switch (what_.kind) {
    case operation_kind::all_reduce:
      return on_.all_reduce(in, all, reduction::sum, by);
    case operation_kind::reduce:
      return on_.reduce(in, all, 0, reduction::sum, by);
    case operation_kind::broadcast:
      return on_.broadcast(in, all, 0, by);
    case operation_kind::all_gather:
      return on_.all_gather(in.subspan(on_.rank() * part_, part_), all, by);
    case operation_kind::reduce_scatter:
      return on_.reduce_scatter(
          in, all.subspan(on_.rank() * part_, part_), reduction::sum, by);
    case operation_kind::all_to_all:
      return on_.all_to_all(in, other, by);
    case operation_kind::gather:
      return on_.gather(in.subspan(on_.rank() * part_, part_), all, 0, by);
    case operation_kind::scatter:
      return on_.scatter(in, other.subspan(0, part_), 0, by);
    default:
      return on_.barrier(by);
    }
  }

  bool right_sum() const {
    const auto want = static_cast<float>(n_ * (n_ + 1) / 2);
    return std::all_of(
        block_, block_ + bytes_ / 4, [&](float x) { return x == want; });
  }

private:
  channel_group& on_;
  const contest& what_;
  std::size_t n_;
  std::size_t part_;
  std::size_t bytes_;
  std::vector<float> memory_;
  std::vector<float> other_;
  float* block_ = nullptr;
};

std::size_t turns_for(std::size_t bytes) {
  return bytes <= back_to_back  ? 15
         : bytes <= (1u << 20)  ? 40
         : bytes <= (16u << 20) ? 15
                                : 5;
}

// The slowest rank's time; what is longer than a cache line's worth is written
// anew before, as a backward pass does.
timing timed(
    channel_group& on, round& one, std::size_t bytes, std::size_t most) {
  const bool is_short = bytes <= back_to_back;
  const std::size_t times = is_short ? 200 : 1;
  const auto turns =
      most > 0 ? std::min(most, turns_for(bytes)) : turns_for(bytes);
  std::vector<std::int64_t> took;
  for (std::size_t i = 0; i < turns + 2; ++i) {
    if (!is_short || i == 0)
      one.fill();
    on.barrier();
    const auto begin = clock::now();
    for (std::size_t k = 0; k < times; ++k)
      one.act();
    std::int64_t mine = std::chrono::nanoseconds{clock::now() - begin}.count();
    on.all_reduce(std::span<const std::int64_t>{&mine, 1},
        std::span<std::int64_t>{&mine, 1}, gpu::reduction::maximum);
    if (i > 1)
      took.push_back(mine);
  }
  std::sort(took.begin(), took.end());
  const auto each = 1e9 * static_cast<double>(times);
  return {static_cast<double>(took[took.size() / 2]) / each,
      static_cast<double>(took.front()) / each};
}

std::string rate(double bytes, double seconds) {
  return bytes == 0.0 ? "-" : fmt::format("{:.2f}", bytes / seconds / 1e9);
}

void measure(
    channel_group& on, const contest& what, text_table& into, bool& right) {
  for (auto size : what.sizes) {
    round one{on, what, size};
    std::int64_t wrong = 0;
    if (what.kind == operation_kind::all_reduce) {
      one.fill();
      one.act();
      wrong = one.right_sum() ? 0 : 1;
    }
    on.all_reduce(std::span<const std::int64_t>{&wrong, 1},
        std::span<std::int64_t>{&wrong, 1});
    right = right && wrong == 0;
    const auto took = timed(on, one, one.bytes(), what.most_turns);
    std::string over = "-";
    if (what.kind == operation_kind::all_reduce && one.bytes() >= ideal_from &&
        on.ranks() > 1) {
      on.bare(true);
      const auto best = timed(on, one, one.bytes(), what.most_turns);
      on.bare(false);
      over = fmt::format("{:.2f}", best.median / took.median);
    }
    const auto bytes = static_cast<double>(one.bytes());
    into.add({size_text(one.bytes()), fmt::format("{:.2f}", 1e6 * took.median),
        fmt::format("{:.2f}", 1e6 * took.least), rate(bytes, took.median),
        rate(bytes * bus_factor(what.kind, on.ranks()), took.median), over,
        what.kind == operation_kind::all_reduce ? std::to_string(wrong) : "-"});
  }
}

contest contest_of(const arguments& given, std::uint32_t ranks) {
  contest what;
  const auto name = given.operands().front();
  const auto kind = collective::operation_named(name);
  if (!kind || kind == operation_kind::transfer)
    throw usage_error{fmt::format("{} is not one of all_reduce, reduce, "
                                  "broadcast, all_gather, reduce_scatter, "
                                  "all_to_all, gather, scatter, barrier",
        name)};
  what.kind = *kind;
  if (given.has("algorithm")) {
    what.by = collective::algorithm_named(given.value("algorithm"));
    if (!what.by || !collective::defined(what.kind, *what.by))
      throw usage_error{
          fmt::format("{} is not done by {}", name, given.value("algorithm"))};
  }
  what.sizes = what.kind == operation_kind::barrier
                   ? std::vector<std::size_t>{0}
                   : sizes_of(given.value("size", "4..64M"));
  for (auto each : what.sizes)
    if (each % 4 != 0 || (parted(what.kind) && each % (4 * ranks) != 0))
      throw usage_error{
          fmt::format("--size {}: {} bytes are not whole floats{}",
              given.value("size"), each,
              parted(what.kind) ? fmt::format(" for each of {} ranks", ranks)
                                : "")};
  const auto memory = given.value("memory", "group");
  if (memory != "group" && memory != "any")
    throw usage_error{
        fmt::format("--memory {} is neither group nor any", memory)};
  what.group_memory = memory == "group";
  what.most_turns = whole_number(given, "turns", 0, 1, 1000);
  return what;
}

} // namespace

int bench(const arguments& given, console& to) {
  auto wanted = ranks_of(given, 2);
  const auto what = contest_of(given, wanted.ranks);
  wanted.words = {"bench", given.operands().front()};
  for (auto name : {"ranks", "wire", "size", "algorithm", "memory", "turns"})
    if (given.has(name))
      wanted.words.insert(
          wanted.words.end(), {fmt::format("--{}", name), given.value(name)});
  text_table table{0};
  table.add({"size", "time us", "least us", "algbw GB/s", "busbw GB/s",
      "over ideal", "wrong"});
  bool right = true;
  on_ranks(wanted, [&](channel_group& on) {
    text_table unread{0};
    bool well = true;
    const bool first = on.rank() == 0;
    measure(on, what, first ? table : unread, first ? right : well);
  });
  if (wanted.rank > 0)
    return done;
  to.out << fmt::format("{} of floats, {} rank{} over {}, {}, in place\n\n",
                given.operands().front(), wanted.ranks,
                wanted.ranks == 1 ? "" : "s", wanted.wire,
                what.by ? collective::to_string(*what.by)
                        : "the algorithm that suits")
         << table.text();
  return right ? done : failed;
}

} // namespace troupe::cli
