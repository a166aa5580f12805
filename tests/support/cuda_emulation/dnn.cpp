// Takes the place of gpu/cuda/cudnn.cpp: convolutions by the definition, in the
// order of the stream. Kernels of one pixel it cannot do, so that somebody
// meets a library that cannot.
#include "gpu/cuda/dnn.hpp"

#include <algorithm>

#include "tests/support/cuda_emulation/machine.hpp"

namespace troupe::gpu::cuda {
namespace {

/// Calls product(pixel in, weight, pixel out) for all products of a
/// convolution, with where each begins: a pixel and a place in the window have
/// `in.channels` values, a pixel that comes out `channels`.
template <class Product>
void each_product(
    const convolution& what, std::size_t images, Product product) {
  const auto out = what.out();
  for (std::size_t image = 0; image < images; ++image)
    for (std::size_t y = 0; y < out.height; ++y)
      for (std::size_t x = 0; x < out.width; ++x)
        for (std::size_t i = 0; i < what.kernel; ++i)
          for (std::size_t j = 0; j < what.kernel; ++j) {
            const auto from_y = y + i - what.padding; // wraps below zero
            const auto from_x = x + j - what.padding;
            if (from_y >= what.in.height || from_x >= what.in.width)
              continue;
            product(image * what.in.size() +
                        (from_y * what.in.width + from_x) * what.in.channels,
                (i * what.kernel + j) * what.in.channels,
                image * out.size() + (y * out.width + x) * what.channels);
          }
}

class emulated_plan : public dnn::plan {
public:
  emulated_plan(cudaStream_t on, dnn::pass which, const convolution& what,
      std::size_t images)
      : on_(on), which_(which), what_(what), images_(images) {}

  std::size_t workspace() const noexcept override { return 100; }

  void run(const float* a, const float* b, float* to,
      void* workspace) const override {
    auto code = cuda_emulation::submit(on_, [=, *this] {
      std::fill_n(static_cast<std::byte*>(workspace), 100, std::byte{0xff});
      sum(a, b, to);
    });
    if (code != cudaSuccess)
      cuda_emulation::die("a convolution: %s", cudaGetErrorString(code));
  }

private:
  void sum(const float* a, const float* b, float* to) const {
    const auto depth = what_.weights() / what_.channels;
    const auto size = which_ == dnn::pass::backward_weight ? what_.weights()
                      : which_ == dnn::pass::forward
                          ? images_ * what_.out().size()
                          : images_ * what_.in.size();
    std::fill_n(to, size, 0.0f);
    each_product(what_, images_,
        [&](std::size_t in, std::size_t weight, std::size_t out) {
          for (std::size_t k = 0; k < what_.channels; ++k)
            for (std::size_t c = 0; c < what_.in.channels; ++c) {
              const auto tap = k * depth + weight + c;
              switch (which_) {
              case dnn::pass::forward:
                to[out + k] += a[in + c] * b[tap];
                break;
              case dnn::pass::backward_input:
                to[in + c] += a[tap] * b[out + k];
                break;
              case dnn::pass::backward_weight:
                to[tap] += a[in + c] * b[out + k];
              }
            }
        });
  }

  cudaStream_t on_;
  dnn::pass which_;
  convolution what_;
  std::size_t images_;
};

} // namespace

std::unique_ptr<dnn> dnn::open(cudaStream_t on) {
  return std::unique_ptr<dnn>{new dnn{on}};
}

dnn::dnn(cudaStream_t on) : handle_(on) {}
dnn::~dnn() = default;
void dnn::closer::operator()(void*) const noexcept {}

std::string dnn::name() {
  return "convolutions in emulation";
}

std::unique_ptr<dnn::plan> dnn::make(
    pass which, const convolution& what, std::size_t images) const {
  if (what.kernel == 1)
    return nullptr;
  return std::make_unique<emulated_plan>(
      static_cast<cudaStream_t>(handle_.get()), which, what, images);
}

} // namespace troupe::gpu::cuda
