#include "tests/support/simulated_world.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

namespace troupe::tests::simulated {
namespace {

using gpu::const_typed_span;
using gpu::element;
using gpu::reduction;
using gpu::cuda::nccl_result;

float widened(std::uint16_t x) {
  return std::bit_cast<float>(std::uint32_t{x} << 16);
}

template <class T>
T combined(T a, T b, reduction how) {
  switch (how) {
  case reduction::product:
    return a * b;
  case reduction::maximum:
    return std::max(a, b);
  case reduction::minimum:
    return std::min(a, b);
  default:
    return a + b;
  }
}

// In the order of ranks.
template <class T, class Held, class Widen, class Narrow>
std::vector<std::byte> reduced(const std::vector<const_typed_span>& in,
    reduction how, Widen widen, Narrow narrow) {
  const auto count = in[0].count;
  std::vector<std::byte> result(count * sizeof(Held));
  for (std::size_t i = 0; i < count; ++i) {
    auto at = [&](std::size_t r) {
      return T{widen(static_cast<const Held*>(in[r].data)[i])};
    };
    T sum = at(0);
    for (std::size_t r = 1; r < in.size(); ++r)
      sum = combined(sum, at(r), how);
    if (how == reduction::average)
      sum = sum / static_cast<T>(in.size());
    const Held held = narrow(sum);
    std::memcpy(result.data() + i * sizeof(Held), &held, sizeof held);
  }
  return result;
}

std::vector<std::byte> reduced(
    const std::vector<const_typed_span>& in, reduction how) {
  const auto same = [](auto x) { return x; };
  switch (in[0].type) {
  case element::i64:
    return reduced<std::int64_t, std::int64_t>(in, how, same, same);
  case element::bf16:
    return reduced<float, std::uint16_t>(in, how, widened, [](float x) {
      return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16);
    });
  default:
    return reduced<float, float>(in, how, same, same);
  }
}

std::size_t bytes(const const_typed_span& x) {
  return x.count * bytes_of(x.type);
}

// memcpy is not to be called with null, not even for nothing.
void move(const void* from, void* to, std::size_t size) {
  if (size > 0)
    std::memmove(to, from, size);
}

bool alike(const item& a, const item& b) {
  return a.kind == b.kind && a.what == b.what && a.in.count == b.in.count &&
         a.in.type == b.in.type && a.how == b.how && a.root == b.root;
}

std::vector<std::byte> joined(const std::vector<const_typed_span>& in) {
  std::vector<std::byte> result;
  for (const auto& x : in) {
    const auto* first = static_cast<const std::byte*>(x.data);
    result.insert(result.end(), first, first + bytes(x));
  }
  return result;
}

void execute(world& w) {
  std::vector<const_typed_span> in;
  for (const auto* e : w.ends)
    in.push_back(e->queue.front().in);
  const auto what = w.ends[0]->queue.front();
  const auto root = static_cast<std::size_t>(what.root);
  std::vector<std::byte> out;
  if (what.what == call::broadcast)
    out = joined({in[root]});
  else if (what.what == call::all_gather)
    out = joined(in);
  else
    out = reduced(in, what.how);
  for (auto* e : w.ends) {
    const auto rank = static_cast<std::size_t>(e->rank);
    const auto part = out.size() / w.ends.size();
    void* to = e->queue.front().out;
    if (what.what == call::reduce_scatter)
      move(out.data() + rank * part, to, part);
    else if (what.what != call::reduce || rank == root)
      move(out.data(), to, out.size());
    e->queue.pop_front();
  }
  ++w.operations;
}

bool works(const end* e) {
  return e != nullptr && e->joined && !e->silent &&
         e->error == nccl_result::success;
}

bool run_collective(world& w) {
  for (const auto* e : w.ends)
    if (!works(e) || e->queue.empty() ||
        e->queue.front().kind != item::collective ||
        !alike(e->queue.front(), w.ends[0]->queue.front()))
      return false;
  execute(w);
  return true;
}

half* counterpart(end& of, int peer, const const_typed_span& what) {
  if (!works(&of) || of.queue.empty() || of.queue.front().kind != item::group)
    return nullptr;
  for (auto& h : of.queue.front().halves)
    if (!h.sends && !h.done && h.peer == peer)
      return h.to.count == what.count && h.to.type == what.type ? &h : nullptr;
  return nullptr;
}

bool run_pairs(world& w) {
  bool moved = false;
  for (auto* e : w.ends) {
    if (!works(e) || e->queue.empty() || e->queue.front().kind != item::group)
      continue;
    for (auto& h : e->queue.front().halves) {
      auto* other =
          h.sends ? w.ends.at(static_cast<std::size_t>(h.peer)) : nullptr;
      if (h.done || other == nullptr)
        continue;
      if (auto* to = counterpart(*other, e->rank, h.from)) {
        move(h.from.data, to->to.data, bytes(h.from));
        h.done = to->done = moved = true;
        ++w.operations;
      }
    }
  }
  return moved;
}

bool run_heads(world& w, std::vector<callback>& told) {
  bool moved = false;
  for (auto* e : w.ends) {
    if (!works(e) || e->queue.empty())
      continue;
    auto& head = e->queue.front();
    const bool passed = head.kind == item::group &&
                        std::ranges::all_of(head.halves, &half::done);
    if (head.kind != item::notice && !passed)
      continue;
    if (head.kind == item::notice)
      told.push_back(std::move(head.then));
    e->queue.pop_front();
    moved = true;
  }
  return moved;
}

} // namespace

void advance(world& w, std::vector<callback>& told) {
  while (run_heads(w, told) || run_collective(w) || run_pairs(w)) {
  }
}

} // namespace troupe::tests::simulated
