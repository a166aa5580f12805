#pragma once

#include <cassert>
#include <cstdint>

#include "gpu/cuda/tile.cuh"
#include "gpu/operators/convolution.hpp"

// A convolution's images as a matrix that is never stored: a row for each pixel
// of the other side, a column for each place of the window there and channel.
namespace troupe::gpu::cuda {

/// Divides by a number that is known only when a kernel is launched, which the
/// compiler could not make fast: one multiplication in place of a division,
///   p / d = p * ceil(2^(31 + l) / d) / 2^(31 + l)   with 2^l >= d,
/// exact for every p below 2^31.
class divisor {
public:
  explicit divisor(std::size_t by) : by_(static_cast<unsigned>(by)) {
    assert(by > 0 && by < std::size_t{1} << 31);
    unsigned log = 0;
    while (std::size_t{1} << log < by)
      ++log;
    if (log == 0)
      return;
    shift_ = log - 1;
    factor_ =
        static_cast<unsigned>(((std::uint64_t{1} << (31 + log)) + by - 1) / by);
  }
  /// The quotient; leaves the rest in `p`.
  __device__ unsigned divide(unsigned& p) const {
    const auto quotient = by_ == 1 ? p : __umulhi(p, factor_) >> shift_;
    p -= quotient * by_;
    return quotient;
  }

private:
  unsigned by_;
  unsigned factor_ = 0;
  unsigned shift_ = 0;
};

/// Windows of `kernel` x `kernel` over images of `over`, one for each pixel of
/// `to`, with `padding` zeroes around the images.
class window_matrix {
public:
  window_matrix(const extents& over, const extents& to, std::size_t kernel,
      std::size_t padding)
      : height_(static_cast<int>(over.height)),
        width_(static_cast<int>(over.width)),
        channels_(static_cast<int>(over.channels)),
        padding_(static_cast<int>(padding)),
        depth_(static_cast<unsigned>(kernel * kernel * over.channels)),
        by_pixels_(to.height * to.width),
        by_width_(to.width),
        by_kernel_(kernel),
        by_channels_(over.channels) {}

  /// Columns of the matrix.
  __host__ __device__ unsigned depth() const { return depth_; }

  struct place {
    int y;
    int x;
    int offset;
  };
  /// Where the window of a pixel starts, of all images' `pixels`.
  __device__ place pixel(unsigned which, unsigned pixels) const {
    if (which >= pixels)
      return nowhere();
    const auto image = static_cast<int>(by_pixels_.divide(which));
    const auto y = static_cast<int>(by_width_.divide(which)) - padding_;
    const auto x = static_cast<int>(which) - padding_;
    return {y, x, ((image * height_ + y) * width_ + x) * channels_};
  }
  /// A column's place in its window.
  __device__ place tap(unsigned which) const {
    if (which >= depth_)
      return nowhere();
    auto at = by_channels_.divide(which);
    const auto channel = static_cast<int>(which);
    const auto y = static_cast<int>(by_kernel_.divide(at));
    const auto x = static_cast<int>(at);
    return {y, x, (y * width_ + x) * channels_ + channel};
  }
  template <unsigned V>
  __device__ void load(const float* __restrict__ images, const place& pixel,
      const place& tap, float (&into)[V]) const {
    const auto there =
        static_cast<unsigned>(pixel.y + tap.y) <
            static_cast<unsigned>(height_) &&
        static_cast<unsigned>(pixel.x + tap.x) < static_cast<unsigned>(width_);
    read(images + (there ? pixel.offset + tap.offset : 0), there, into);
  }

private:
  __device__ static place nowhere() { return {-(1 << 28), 0, 0}; }

  int height_;
  int width_;
  int channels_;
  int padding_;
  unsigned depth_;
  divisor by_pixels_;
  divisor by_width_;
  divisor by_kernel_;
  divisor by_channels_;
};

/// The matrix as an operand whose rows are pixels.
struct window_source {
  const window_matrix& of;
  const float* __restrict__ images;
  unsigned pixels;

  __device__ window_matrix::place row(unsigned which) const {
    return of.pixel(which, pixels);
  }
  __device__ window_matrix::place at(unsigned k) const { return of.tap(k); }
  template <unsigned V>
  __device__ void load(const window_matrix::place& row,
      const window_matrix::place& at, float (&into)[V]) const {
    of.load(images, row, at, into);
  }
};

/// The same, transposed.
struct tap_source {
  const window_matrix& of;
  const float* __restrict__ images;
  unsigned pixels;

  __device__ window_matrix::place row(unsigned which) const {
    return of.tap(which);
  }
  __device__ window_matrix::place at(unsigned k) const {
    return of.pixel(k, pixels);
  }
  template <unsigned V>
  __device__ void load(const window_matrix::place& row,
      const window_matrix::place& at, float (&into)[V]) const {
    of.load(images, at, row, into);
  }
};

} // namespace troupe::gpu::cuda
