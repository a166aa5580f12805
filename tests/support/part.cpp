#include "tests/support/part.hpp"

#include <utility>

namespace troupe::tests {
namespace {

using collective::operation_kind;
using collective::signature;

constexpr float untouched = -777.0f;

float value(std::uint32_t rank, std::uint64_t i, std::uint64_t salt) {
  return float((rank * 7919ull + i * 31 + salt * 101) % 997);
}

std::vector<float> values(
    std::uint32_t rank, std::uint64_t count, std::uint64_t salt) {
  std::vector<float> x(count);
  for (std::uint64_t i = 0; i < count; ++i)
    x[i] = value(rank, i, salt);
  return x;
}

std::vector<float> sums(
    std::uint32_t size, std::uint64_t count, std::uint64_t salt) {
  std::vector<float> x(count);
  for (std::uint32_t r = 0; r < size; ++r)
    for (std::uint64_t i = 0; i < count; ++i)
      x[i] += value(r, i, salt);
  return x;
}

std::vector<float> slice(
    const std::vector<float>& x, std::uint64_t part, std::uint64_t count) {
  const auto first = x.begin() + std::ptrdiff_t(part * count);
  return {first, first + std::ptrdiff_t(count)};
}

} // namespace

part part_of(const signature& what, std::uint32_t rank, std::uint32_t size,
    std::uint64_t salt) {
  const auto count = what.count, all = what.count * size;
  std::vector<float> in = values(rank, count, salt);
  std::vector<float> out(count, untouched);
  std::vector<float> then = out;
  switch (what.kind) {
  case operation_kind::all_reduce:
    then = sums(size, count, salt);
    break;
  case operation_kind::reduce:
    if (rank == what.root)
      then = sums(size, count, salt);
    break;
  case operation_kind::broadcast:
    out = in;
    then = values(what.root, count, salt);
    break;
  case operation_kind::all_gather:
  case operation_kind::gather:
    out.assign(all, untouched);
    then = out;
    if (what.kind == operation_kind::all_gather || rank == what.root) {
      then.clear();
      for (std::uint32_t r = 0; r < size; ++r)
        for (auto x : values(r, count, salt))
          then.push_back(x);
    }
    break;
  case operation_kind::reduce_scatter:
    in = values(rank, all, salt);
    then = slice(sums(size, all, salt), rank, count);
    break;
  case operation_kind::all_to_all:
    in = values(rank, all, salt);
    out.assign(all, untouched);
    then.clear();
    for (std::uint32_t r = 0; r < size; ++r)
      for (auto x : slice(values(r, all, salt), rank, count))
        then.push_back(x);
    break;
  case operation_kind::scatter:
    in = values(rank, all, salt);
    then = slice(values(what.root, all, salt), rank, count);
    break;
  case operation_kind::transfer:
    if (rank == what.peer)
      then = values(what.root, count, salt);
    break;
  case operation_kind::barrier:
    break;
  }
  return {std::make_shared<std::vector<float>>(std::move(in)),
      std::make_shared<std::vector<float>>(std::move(out)), std::move(then)};
}

collective::perform part::order(
    const collective::order& what, const collective::user& reply_to) const {
  auto both = std::make_shared<decltype(std::pair{in, out})>(in, out);
  return {what, std::span{*in}, std::span{*out}, both, reply_to};
}

std::vector<signature> every_kind(std::uint32_t size, std::uint64_t count) {
  const auto last = size - 1;
  const auto f32 = gpu::element::f32;
  const auto sum = gpu::reduction::sum;
  std::vector<signature> all{
      {operation_kind::all_reduce, f32, sum, count, 0, 0},
      {operation_kind::reduce, f32, sum, count, last, 0},
      {operation_kind::broadcast, f32, sum, count, size / 2, 0},
      {operation_kind::all_gather, f32, sum, count, 0, 0},
      {operation_kind::reduce_scatter, f32, sum, count, 0, 0},
      {operation_kind::all_to_all, f32, sum, count, 0, 0},
      {operation_kind::gather, f32, sum, count, size / 2, 0},
      {operation_kind::scatter, f32, sum, count, last, 0},
      {operation_kind::barrier, f32, sum, 0, 0, 0}};
  if (size > 1)
    all.push_back({operation_kind::transfer, f32, sum, count, 0, last});
  return all;
}

} // namespace troupe::tests
