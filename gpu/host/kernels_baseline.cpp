#include "gpu/host/vector_kernels.hpp"

namespace troupe::gpu::host {
namespace {

/// Four floats that any processor's compiler makes the best of.
struct baseline {
  using vec = float __attribute__((vector_size(16)));
  using mask = int __attribute__((vector_size(16)));
  static constexpr std::size_t width = 4;
  static constexpr std::size_t registers = 16;

  static vec load(const float* from) {
    return vec{from[0], from[1], from[2], from[3]};
  }
  static vec load_part(const float* from, std::size_t count) {
    if (count == width)
      return load(from);
    vec result{};
    for (std::size_t i = 0; i < count; ++i)
      result[i] = from[i];
    return result;
  }
  static void store(float* to, vec x) {
    for (std::size_t i = 0; i < width; ++i)
      to[i] = x[i];
  }
  static void store_part(float* to, vec x, std::size_t count) {
    if (count == width)
      return store(to, x);
    for (std::size_t i = 0; i < count; ++i)
      to[i] = x[i];
  }
  static vec all(float x) { return vec{x, x, x, x}; }
  static float sum(vec x) { return (x[0] + x[2]) + (x[1] + x[3]); }
  static vec add(vec a, vec b) { return a + b; }
  static vec multiply(vec a, vec b) { return a * b; }
  static vec multiply_add(vec a, vec b, vec c) { return a * b + c; }
  static vec divide(vec a, vec b) { return a / b; }
  static vec square_root(vec x) {
    for (std::size_t i = 0; i < width; ++i)
      x[i] = __builtin_sqrtf(x[i]);
    return x;
  }
  static vec at_least(vec floor, vec x) { return x < floor ? floor : x; }
  static vec larger(vec a, vec b) { return ((a > b) | (a != a)) ? a : b; }
  static mask above(vec a, vec b) { return a > b; }
  static mask equal(vec a, vec b) { return a == b; }
  static mask both(mask m, mask n) { return m & n; }
  static mask without(mask m, mask n) { return m & ~n; }
  static vec where(mask m, vec x) { return m ? x : vec{}; }
};

} // namespace

extern const kernels baseline_kernels;
constexpr kernels baseline_kernels = make_kernels<baseline>();

} // namespace troupe::gpu::host
