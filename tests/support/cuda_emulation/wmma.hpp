#pragma once

#include <cstdint>
#include <source_location>
#include <type_traits>

#include "tests/support/cuda_emulation/bf16.hpp"
#include "tests/support/cuda_emulation/block.hpp"
#include "tests/support/cuda_emulation/errors.hpp"

/// Tensor cores: products of 16 x 16 tiles in bf16 with sums in fp32. The lanes
/// of a warp hold a tile together, 8 elements each, as on a GPU; which ones is
/// nobody's business there, and row by row here.
namespace nvcuda::wmma {

using troupe::cuda_emulation::meet_in_warp;
using place = std::source_location;

struct matrix_a;
struct matrix_b;
struct accumulator;
struct row_major;
struct col_major;
enum layout_t { mem_row_major, mem_col_major };

template <class Use, int M, int N, int K, class T, class Layout = void>
struct fragment {
  static_assert(M == 16 && N == 16 && K == 16);
  static_assert(std::is_same_v<Use, accumulator>
                    ? std::is_same_v<T, float> && std::is_void_v<Layout>
                    : std::is_same_v<T, __nv_bfloat16>);
  static constexpr int num_elements = 8;
  T x[num_elements];
};

template <class T>
inline constexpr auto layout_of = mem_row_major;
template <>
inline constexpr auto layout_of<col_major> = mem_col_major;

/// Element `i` of the calling lane, where `stride` lies between rows (columns).
inline std::size_t offset(int i, unsigned stride, layout_t layout) {
  auto lane = troupe::cuda_emulation::thread_in_block() % 32;
  auto row = lane / 2, column = lane % 2 * 8 + static_cast<unsigned>(i);
  return layout == mem_row_major ? std::size_t{row} * stride + column
                                 : std::size_t{column} * stride + row;
}

/// All lanes bring the same matrix, aligned as tensor cores want it.
template <class T>
void check_matrix(const T* matrix, unsigned stride, place at) {
  auto address = reinterpret_cast<std::uintptr_t>(matrix);
  if (meet_in_warp(address, ~0u, at)[0] != address)
    troupe::cuda_emulation::die("%s:%u: a warp's lanes bring several matrices",
        at.file_name(), at.line());
  if (address % 32 != 0 || stride * sizeof(T) % 16 != 0)
    troupe::cuda_emulation::die(
        "%s:%u: a matrix at %p with stride %u; it begins at a multiple of 32 "
        "bytes, its rows at one of 16",
        at.file_name(), at.line(), static_cast<const void*>(matrix), stride);
}

template <class Fragment, class T>
void fill_fragment(Fragment& to, const T& value) {
  for (auto& one : to.x)
    one = value;
}

template <class Use, class T, class Layout>
void load_matrix_sync(fragment<Use, 16, 16, 16, T, Layout>& to, const T* from,
    unsigned stride, place at = place::current()) {
  static_assert(!std::is_same_v<Use, accumulator>, "say its layout");
  check_matrix(from, stride, at);
  for (int i = 0; i < to.num_elements; ++i)
    to.x[i] = from[offset(i, stride, layout_of<Layout>)];
}

template <class T>
void load_matrix_sync(fragment<accumulator, 16, 16, 16, T>& to, const T* from,
    unsigned stride, layout_t layout, place at = place::current()) {
  check_matrix(from, stride, at);
  for (int i = 0; i < to.num_elements; ++i)
    to.x[i] = from[offset(i, stride, layout)];
}

template <class T>
void store_matrix_sync(T* to, const fragment<accumulator, 16, 16, 16, T>& from,
    unsigned stride, layout_t layout, place at = place::current()) {
  check_matrix(to, stride, at);
  for (int i = 0; i < from.num_elements; ++i)
    to[offset(i, stride, layout)] = from.x[i];
}

/// d = a b + c. Each product is exact, sums are rounded one by one in the order
/// of the inner index; a GPU's may differ in the last bits.
template <class A, class B>
void mma_sync(fragment<accumulator, 16, 16, 16, float>& d,
    const fragment<matrix_a, 16, 16, 16, __nv_bfloat16, A>& a,
    const fragment<matrix_b, 16, 16, 16, __nv_bfloat16, B>& b,
    const fragment<accumulator, 16, 16, 16, float>& c,
    place at = place::current()) {
  struct held {
    const __nv_bfloat16 *a, *b;
  };
  const held mine{a.x, b.x};
  const auto& all =
      meet_in_warp(reinterpret_cast<std::uintptr_t>(&mine), ~0u, at);
  const auto of = [&](auto lane) {
    return reinterpret_cast<const held*>(all[lane]);
  };
  const auto row = troupe::cuda_emulation::thread_in_block() % 32 / 2;
  const auto half = troupe::cuda_emulation::thread_in_block() % 2;
  auto result = c;
  for (unsigned k = 0; k < 16; ++k) {
    const auto of_a = __bfloat162float(of(row * 2 + k / 8)->a[k % 8]);
    const auto* of_b = of(k * 2 + half)->b;
    for (unsigned i = 0; i < 8; ++i)
      result.x[i] += of_a * __bfloat162float(of_b[i]);
  }
  meet_in_warp(0, ~0u, at); // until all have read what others hold
  d = result;
}

} // namespace nvcuda::wmma
