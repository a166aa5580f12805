#include "gpu/host/kernel_templates.hpp"

namespace troupe::gpu::host {
namespace {

/// Four floats that any processor's compiler makes the best of.
struct baseline {
  using vec = float __attribute__((vector_size(16)));
  static constexpr std::size_t width = 4;
  static constexpr std::size_t registers = 16;

  static vec load(const float* from) {
    return vec{from[0], from[1], from[2], from[3]};
  }
  static vec load_part(const float* from, std::size_t count) {
    vec result{};
    for (std::size_t i = 0; i < count; ++i)
      result[i] = from[i];
    return result;
  }
  static void store(float* to, vec x) { store_part(to, x, width); }
  static void store_part(float* to, vec x, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      to[i] = x[i];
  }
  static vec broadcast(const float* from) {
    return vec{*from, *from, *from, *from};
  }
  static vec multiply_add(vec a, vec b, vec c) { return a * b + c; }
  static vec at_least(float floor, vec x) {
    for (std::size_t i = 0; i < width; ++i)
      x[i] = x[i] < floor ? floor : x[i];
    return x;
  }
};

} // namespace

extern const kernels baseline_kernels;
constexpr kernels baseline_kernels = make_kernels<baseline>();

} // namespace troupe::gpu::host
