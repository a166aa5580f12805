// Takes the place of gpu/cuda/blas.cpp: products by OpenBLAS, in the order of
// the stream.
#include "gpu/cuda/blas.hpp"

#include <cblas.h>

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "gpu/cuda/stream.hpp"
#include "tests/support/cuda_emulation/machine.hpp"

namespace troupe::gpu::cuda {
namespace {

/// A matrix in fp32; widened from bf16 into `room` where that is how it is
/// held.
const float* widened(const blas::operand& x, std::size_t rows,
    std::size_t columns, precision held, std::vector<float>& room) {
  if (held == precision::fp32)
    return static_cast<const float*>(x.data);
  if (x.transposed)
    std::swap(rows, columns);
  const auto* from = static_cast<const std::uint16_t*>(x.data);
  room.resize(rows * x.stride);
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t i = row * x.stride; i < row * x.stride + columns; ++i)
      room[i] = std::bit_cast<float>(std::uint32_t{from[i]} << 16);
  return room.data();
}

} // namespace

blas::blas(stream& on) : on_(on), workspace_(nullptr, giver{&on}) {}
blas::~blas() = default;
void blas::closer::operator()(void*) const noexcept {}
void blas::giver::operator()(void*) const noexcept {}

std::string blas::name() {
  return "OpenBLAS in emulation";
}

void blas::multiply(std::size_t rows, std::size_t columns, std::size_t inner,
    operand a, operand b, float* c, std::size_t stride, float alpha, float beta,
    precision held) {
  auto order = [](const operand& x) {
    return x.transposed ? CblasTrans : CblasNoTrans;
  };
  auto code = cuda_emulation::submit(on_.handle(), [=] {
    std::vector<float> of_a, of_b;
    cblas_sgemm(CblasRowMajor, order(a), order(b), static_cast<int>(rows),
        static_cast<int>(columns), static_cast<int>(inner), alpha,
        widened(a, rows, inner, held, of_a), static_cast<int>(a.stride),
        widened(b, inner, columns, held, of_b), static_cast<int>(b.stride),
        beta, c, static_cast<int>(stride));
  });
  if (code != cudaSuccess)
    cuda_emulation::die("a product: %s", cudaGetErrorString(code));
  on_.launched();
}

} // namespace troupe::gpu::cuda
