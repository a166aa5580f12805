// A product of 8192 x 8192 matrices through Troupe's operators against cuBLAS
// called directly, with equal types, math mode and workspace, in turns on one
// stream; both read the same operands, and their products are compared. The
// floor is 1.1 TFLOP at the tensor cores' rate: 1.1 ms at 990 TFLOP/s.
//
//   bf16   gpu::multiply of operands that are in bf16 already
//   fp32   gpu::multiply
//
// An emulated GPU has no cuBLAS to compare with.

#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "gpu/block.hpp"
#include "gpu/buffer.hpp"
#include "gpu/copy.hpp"
#include "gpu/operators/products.hpp"
#include "gpu/random.hpp"
#include "tests/bench/gpu_bench.hpp"
#ifndef TROUPE_CUDA_EMULATED
#include "gpu/cuda/stream.hpp"
#include "tests/bench/gpu_direct_products.hpp"
#endif

namespace {

using namespace troupe;

struct size {
  std::size_t edge = 8192;
  int rounds = 11;
  int calls = 10; ///< a round
};

/// Uniform in [-1/2, 1/2).
std::vector<float> drawn(std::size_t count) {
  gpu::random_stream random{1, gpu::stream::user};
  std::vector<float> result(count);
  for (auto& value : result)
    value = static_cast<float>(random.next() >> 8) * 0x1p-24f - 0.5f;
  return result;
}

std::vector<gpu::bf16> rounded(const std::vector<float>& values) {
  std::vector<gpu::bf16> result;
  for (auto value : values)
    result.push_back(gpu::to_bf16(value));
  return result;
}

template <class T>
class bench_run {
public:
  bench_run(gpu::device where, const size& big, const std::vector<T>& values)
      : on_(where),
        big_(big),
        a_(values.size(), on_),
        b_(values.size(), on_),
        ours_(values.size(), on_),
        theirs_(values.size(), on_) {
    gpu::copy<T>(on_, values, a_.span());
    gpu::copy<T>(on_, values, b_.span());
    on_.synchronise();
  }

  void run(const char* name) {
    std::vector<double> of_ours, of_theirs;
    round([this] { multiply(); });
    for (int i = 0; i < big_.rounds; ++i) {
      of_ours.push_back(round([this] { multiply(); }));
#ifndef TROUPE_CUDA_EMULATED
      of_theirs.push_back(round([this] {
        direct_.multiply(
            big_.edge, a_.data(), b_.data(), theirs_.span().data());
      }));
#endif
    }
    const auto edge = static_cast<double>(big_.edge);
    const auto tflop = 2.0 * edge * edge * edge / 1e12;
    std::printf("products %s edge=%zu tflop_per_s=%.4g", name, big_.edge,
        tflop / bench::median(of_ours));
    if (!of_theirs.empty()) {
      compare();
      std::printf(" cublas_tflop_per_s=%.4g ratio=%.3f",
          tflop / bench::median(of_theirs),
          bench::median(of_theirs) / bench::median(of_ours));
    }
    std::printf("\n");
    std::fflush(stdout);
  }

private:
  template <class Work>
  double round(Work&& work) {
    const auto all = bench::seconds(on_, [&] {
      for (int i = 0; i < big_.calls; ++i)
        work();
    });
    return all / big_.calls;
  }

  void multiply() {
    const auto n = big_.edge;
    using operand = gpu::basic_matrix<const T>;
    gpu::multiply(on_, operand{a_.span(), n, n}, operand{b_.span(), n, n},
        gpu::matrix{ours_.span(), n, n});
  }

  // A fast wrong product is no product: the first row of both.
  void compare() {
    std::vector<float> ours(big_.edge), theirs(big_.edge);
    gpu::copy<float>(on_, ours_.span().first(big_.edge), ours);
    gpu::copy<float>(on_, theirs_.span().first(big_.edge), theirs);
    on_.synchronise();
    const auto bound = 1e-4 * std::sqrt(double(big_.edge));
    for (std::size_t i = 0; i < big_.edge; ++i)
      if (!(std::abs(double(ours[i]) - double(theirs[i])) <= bound))
        throw std::runtime_error("the two products differ");
  }

  gpu::device_stream on_;
  size big_;
  gpu::block<T> a_, b_;
  gpu::buffer ours_, theirs_;
#ifndef TROUPE_CUDA_EMULATED
  bench::direct_products direct_{
      gpu::cuda::handle(on_), std::is_same_v<T, gpu::bf16>};
#endif
};

void measure(gpu::device where, bool tiny) {
  const auto big = tiny ? size{17, 1, 1} : size{};
  const auto values = drawn(big.edge * big.edge);
  bench_run<gpu::bf16>{where, big, rounded(values)}.run("bf16");
  bench_run<float>{where, big, values}.run("fp32");
}

} // namespace

int main(int argc, char** argv) {
  return bench::run_on_gpu("gpu_products_bench", argc, argv, measure);
}
