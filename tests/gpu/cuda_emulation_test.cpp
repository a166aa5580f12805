// The emulation's device side: whether tests of kernels may be believed.
#include <cuda_runtime.h>

#include <cuda_bf16.h>
#include <mma.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gpu/cuda_fixture.hpp"

namespace {

constexpr unsigned threads = 256;

class cuda_emulation_test : public cuda_fixture {};

__global__ void sum_kernel(const int* __restrict__ in, int* __restrict__ out) {
  __shared__ int part[threads];
  auto i = threadIdx.x;
  part[i] = in[blockIdx.x * blockDim.x + i];
  for (auto half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (i < half)
      part[i] += part[i + half];
  }
  if (i == 0)
    out[blockIdx.x] = part[0];
}

TEST_F(cuda_emulation_test, reduces_over_barriers) {
  constexpr unsigned grid = 37;
  std::vector<int> in(grid * threads);
  std::iota(in.begin(), in.end(), -1000);
  auto* sums = device<int>(grid);

  ASSERT_EQ(launch(on, sum_kernel, grid, threads, device(in), sums), 0);

  auto result = host(sums, grid);
  for (unsigned i = 0; i < grid; ++i)
    EXPECT_EQ(result[i], std::accumulate(in.begin() + i * threads,
                             in.begin() + (i + 1) * threads, 0));
}

__global__ void place_kernel(unsigned* __restrict__ out) {
  auto block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  auto thread =
      threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  auto all = blockDim.x * blockDim.y * blockDim.z;
  out[block * all + thread] = blockIdx.z * 100 + threadIdx.z;
}

TEST_F(cuda_emulation_test, runs_every_thread_of_three_dimensions) {
  dim3 grid{3, 5, 2}, block{4, 2, 8};
  auto* out = device<unsigned>(30 * 64);

  ASSERT_EQ(launch(on, place_kernel, grid, block, out), 0);

  auto result = host(out, 30 * 64);
  for (unsigned i = 0; i < 30 * 64; ++i)
    EXPECT_EQ(result[i], i / 64 / 15 * 100 + i % 64 / 8) << i;
}

// Each block tells in which place it ran.
__global__ void turn_kernel(unsigned* turn, unsigned* turns) {
  if (threadIdx.x == 0)
    turns[blockIdx.x] = atomicAdd(turn, 1u);
}

TEST_F(cuda_emulation_test, runs_blocks_in_an_order_of_its_own) {
  constexpr unsigned grid = 100;
  auto* turn = device(std::vector<unsigned>{0});
  auto* turns = device<unsigned>(grid);

  ASSERT_EQ(launch(on, turn_kernel, grid, 32, turn, turns), 0);

  auto result = host(turns, grid);
  EXPECT_FALSE(std::ranges::is_sorted(result));
  std::ranges::sort(result);
  for (unsigned i = 0; i < grid; ++i)
    EXPECT_EQ(result[i], i);
}

__global__ void neighbour_kernel(int* out) {
  __shared__ int part[threads];
  part[threadIdx.x] = -1;
  __syncthreads();
  part[threadIdx.x] = static_cast<int>(threadIdx.x);
  // Here a barrier is missing.
  out[threadIdx.x] = part[(threadIdx.x + 1) % threads] +
                     part[(threadIdx.x + threads - 1) % threads];
}

TEST_F(cuda_emulation_test, shows_that_a_barrier_is_missing) {
  auto* out = device<int>(threads);

  ASSERT_EQ(launch(on, neighbour_kernel, 1, threads, out), 0);

  auto result = host(out, threads);
  auto wrong = 0;
  for (int i = 1; i + 1 < static_cast<int>(threads); ++i)
    wrong += result[static_cast<unsigned>(i)] != 2 * i;
  EXPECT_GT(wrong, 50);
}

__global__ void votes_kernel(int* out) {
  auto i = static_cast<int>(threadIdx.x);
  auto* mine = out + i * 5;
  mine[0] = __syncthreads_count(i % 3 == 0);
  mine[1] = __syncthreads_or(i == 77);
  mine[2] = __syncthreads_or(i == 1000);
  mine[3] = __syncthreads_and(i >= 0);
  mine[4] = __syncthreads_and(i != 5);
}

TEST_F(cuda_emulation_test, counts_the_votes_of_a_block) {
  auto* out = device<int>(threads * 5);

  ASSERT_EQ(launch(on, votes_kernel, 1, threads, out), 0);

  auto result = host(out, threads * 5);
  for (unsigned i = 0; i < threads; ++i)
    EXPECT_EQ((std::vector<int>(
                  result.begin() + i * 5, result.begin() + (i + 1) * 5)),
        (std::vector<int>{86, 1, 0, 1, 0}));
}

__global__ void warp_kernel(double* sums, int* others, unsigned* ballots) {
  auto i = threadIdx.x;
  double x = i;
  for (auto delta = 16u; delta > 0; delta /= 2)
    x += __shfl_down_sync(~0u, x, delta);
  if (i % 32 == 0)
    sums[i / 32] = x;
  auto y = static_cast<int>(i);
  others[i * 5] = __shfl_sync(~0u, y, 3);
  others[i * 5 + 1] = __shfl_xor_sync(~0u, y, 5);
  others[i * 5 + 2] = __shfl_up_sync(~0u, y, 1);
  others[i * 5 + 3] = __shfl_down_sync(~0u, y, 1, 8);
  others[i * 5 + 4] = __shfl_sync(~0u, y, 9, 8);
  ballots[i] = __ballot_sync(~0u, i % 4 == 1);
  __syncwarp();
  ballots[i] ^= static_cast<unsigned>(__any_sync(~0u, i == 40)) << 2;
  ballots[i] ^= static_cast<unsigned>(__all_sync(~0u, i != 40)) << 3;
}

TEST_F(cuda_emulation_test, shuffles_within_warps) {
  auto* sums = device<double>(threads / 32);
  auto* others = device<int>(threads * 5);
  auto* ballots = device<unsigned>(threads);

  ASSERT_EQ(launch(on, warp_kernel, 1, threads, sums, others, ballots), 0);

  auto sum = host(sums, threads / 32);
  for (unsigned i = 0; i < threads / 32; ++i)
    EXPECT_EQ(sum[i], 31.0 * 16 + 32 * 32 * i);
  auto other = host(others, threads * 5);
  auto ballot = host(ballots, threads);
  for (int i = 0; i < static_cast<int>(threads); ++i) {
    auto* of = other.data() + i * 5;
    EXPECT_EQ(of[0], i / 32 * 32 + 3);
    EXPECT_EQ(of[1], i ^ 5);
    EXPECT_EQ(of[2], i % 32 == 0 ? i : i - 1);
    EXPECT_EQ(of[3], i % 8 == 7 ? i : i + 1);
    EXPECT_EQ(of[4], i / 8 * 8 + 1);
    EXPECT_EQ(ballot[static_cast<unsigned>(i)],
        0x22222222u ^ (i / 32 == 1 ? 4u : 8u));
  }
}

__global__ void atomics_kernel(
    unsigned long long* sum, int* extremes, unsigned* bits, unsigned* tickets) {
  auto i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  atomicAdd(sum, static_cast<unsigned long long>(i));
  atomicMin(&extremes[0], 500 - i);
  atomicMax(&extremes[1], i - 500);
  atomicOr(bits, 1u << (i % 32));
  unsigned seen = 0;
  for (unsigned old = tickets[0];
       (seen = atomicCAS(tickets, old, old + 2)) != old;)
    old = seen;
  atomicExch(&tickets[1], 7u);
}

TEST_F(cuda_emulation_test, has_atomics) {
  auto* sum = device(std::vector<unsigned long long>{0});
  auto* extremes = device(std::vector<int>{0, 0});
  auto* bits = device(std::vector<unsigned>{0});
  auto* tickets = device(std::vector<unsigned>{0, 0});

  ASSERT_EQ(
      launch(on, atomics_kernel, 10, 100, sum, extremes, bits, tickets), 0);

  EXPECT_EQ(host(sum, 1)[0], 999u * 500);
  EXPECT_EQ(host(extremes, 2), (std::vector<int>{-499, 499}));
  EXPECT_EQ(host(bits, 1)[0], ~0u);
  EXPECT_EQ(host(tickets, 2), (std::vector<unsigned>{2000, 7}));
}

namespace wmma = nvcuda::wmma;
constexpr unsigned tile = 16, inner = 48;

template <class LayoutA, class LayoutB>
__global__ void product_kernel(const __nv_bfloat16* a, unsigned a_stride,
    const __nv_bfloat16* b, unsigned b_stride, float* c) {
  constexpr auto step_a = std::is_same_v<LayoutA, wmma::row_major>;
  constexpr auto step_b = std::is_same_v<LayoutB, wmma::row_major>;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, __nv_bfloat16, LayoutA> x;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, __nv_bfloat16, LayoutB> y;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
  wmma::fill_fragment(sum, 0.0f);
  for (unsigned k = 0; k < inner; k += tile) {
    wmma::load_matrix_sync(x, a + (step_a ? k : k * a_stride), a_stride);
    wmma::load_matrix_sync(y, b + (step_b ? k * b_stride : k), b_stride);
    wmma::mma_sync(sum, x, y, sum);
  }
  for (auto& one : sum.x)
    one *= 2.0f;
  auto* mine = c + threadIdx.x / 32 * 2 * tile * tile;
  wmma::store_matrix_sync(mine, sum, tile, wmma::mem_row_major);
  wmma::store_matrix_sync(mine + tile * tile, sum, tile, wmma::mem_col_major);
}

struct product_test : cuda_emulation_test {
  std::vector<__nv_bfloat16> values(std::uint32_t seed) {
    std::mt19937 random{seed};
    std::vector<__nv_bfloat16> result(tile * inner);
    for (auto& one : result)
      one = __float2bfloat16_rn(
          std::uniform_real_distribution<float>{-1, 1}(random));
    return result;
  }

  template <class LayoutA, class LayoutB>
  void expect_products() {
    constexpr auto a_rows = std::is_same_v<LayoutA, wmma::row_major>;
    constexpr auto b_rows = std::is_same_v<LayoutB, wmma::row_major>;
    auto a = values(1), b = values(2);
    auto* c = device<float>(4 * tile * tile);

    ASSERT_EQ(launch(on, product_kernel<LayoutA, LayoutB>, 1, 64, device(a),
                  a_rows ? inner : tile, device(b), b_rows ? tile : inner, c),
        0);

    auto result = host(c, 4 * tile * tile);
    for (unsigned i = 0; i < tile; ++i)
      for (unsigned j = 0; j < tile; ++j) {
        auto sum = 0.0;
        for (unsigned k = 0; k < inner; ++k)
          sum += double{__bfloat162float(
                     a[a_rows ? i * inner + k : k * tile + i])} *
                 __bfloat162float(b[b_rows ? k * tile + j : j * inner + k]);
        for (unsigned warp = 0; warp < 2; ++warp) {
          auto* of = result.data() + warp * 2 * tile * tile;
          EXPECT_NEAR(of[i * tile + j], 2 * sum, 1e-5) << i << ' ' << j;
          EXPECT_EQ(of[i * tile + j], of[tile * tile + j * tile + i]);
        }
      }
  }
};

TEST_F(product_test, multiplies_tiles_of_rows) {
  expect_products<wmma::row_major, wmma::row_major>();
}

TEST_F(product_test, multiplies_tiles_of_columns) {
  expect_products<wmma::col_major, wmma::col_major>();
}

TEST_F(product_test, multiplies_rows_by_columns) {
  expect_products<wmma::row_major, wmma::col_major>();
}

// 64 x 64 x 64 with tiles in shared memory, one thread an element.
__global__ void gemm_kernel(const float* __restrict__ a,
    const float* __restrict__ b, float* __restrict__ c, unsigned n) {
  __shared__ float of_a[tile][tile], of_b[tile][tile];
  auto row = blockIdx.y * tile + threadIdx.y;
  auto column = blockIdx.x * tile + threadIdx.x;
  auto sum = 0.0f;
  for (unsigned k = 0; k < n; k += tile) {
    of_a[threadIdx.y][threadIdx.x] = a[row * n + k + threadIdx.x];
    of_b[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + column];
    __syncthreads();
    for (unsigned i = 0; i < tile; ++i)
      sum += of_a[threadIdx.y][i] * of_b[i][threadIdx.x];
    __syncthreads();
  }
  c[row * n + column] = sum;
}

TEST_F(cuda_emulation_test, multiplies_in_shared_memory) {
  constexpr unsigned n = 64;
  std::vector<float> a(n * n), b(n * n);
  std::iota(a.begin(), a.end(), 0.0f);
  for (unsigned i = 0; i < n; ++i)
    b[i * n + (i + 1) % n] = 2.0f; // shifts columns
  auto* c = device<float>(n * n);

  ASSERT_EQ(launch(on, gemm_kernel, dim3(4, 4), dim3(tile, tile), device(a),
                device(b), c, n),
      0);

  auto result = host(c, n * n);
  for (unsigned i = 0; i < n * n; ++i)
    ASSERT_EQ(result[i], 2 * a[i / n * n + (i % n + n - 1) % n]);
}

} // namespace
