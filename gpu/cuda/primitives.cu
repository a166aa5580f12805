#include "gpu/cuda/primitives.hpp"

#include <cassert>
#include <cstddef>

#include <thrust/copy.h>
#include <thrust/functional.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/transform_iterator.h>
#include <thrust/iterator/zip_iterator.h>
#include <thrust/scan.h>
#include <thrust/sort.h>
#include <thrust/transform_reduce.h>
#include <thrust/tuple.h>

#include "gpu/block.hpp"
#include "gpu/cuda/grid.cuh"
#include "gpu/cuda/thrust.cuh"

// What Thrust 1.17 (Debian's) and 3 (of CUDA 13) have in common.
namespace troupe::gpu::cuda::primitives {
namespace {

struct itself {
  __device__ double operator()(float x) const { return x; }
};
struct square {
  __device__ double operator()(float x) const { return double(x) * double(x); }
};
struct bits_of_magnitude {
  __device__ int operator()(float x) const { return magnitude(x); }
};

struct is_above {
  int border;
  __device__ bool operator()(float x) const { return magnitude(x) > border; }
};
struct is_on {
  int border;
  __device__ std::uint32_t operator()(float x) const {
    return magnitude(x) == border ? 1 : 0;
  }
};
/// Of a value and how many before it are on the border.
struct is_above_or_first {
  int border;
  std::uint32_t equals;
  template <class Pair>
  __device__ bool operator()(const Pair& of) const {
    const auto here = magnitude(thrust::get<0>(of));
    return here > border || (here == border && thrust::get<1>(of) < equals);
  }
};

template <class... Iterators>
auto zipped(Iterators... all) {
  return thrust::make_zip_iterator(thrust::make_tuple(all...));
}

template <class T>
std::ptrdiff_t size_of(std::span<T> values) {
  return static_cast<std::ptrdiff_t>(values.size());
}

template <class Of>
double sum_all(device_stream& on, std::span<const float> x, Of of) {
  return answer_of_thrust(on, [=](const auto& policy) {
    return thrust::transform_reduce(
        policy, x.data(), x.data() + x.size(), of, 0.0, thrust::plus<double>{});
  });
}

} // namespace

double sum(device_stream& on, std::span<const float> x) {
  return sum_all(on, x, itself{});
}

double sum_of_squares(device_stream& on, std::span<const float> x) {
  return sum_all(on, x, square{});
}

std::int32_t largest_magnitude(device_stream& on, std::span<const float> x) {
  return answer_of_thrust(on, [=](const auto& policy) {
    return thrust::transform_reduce(policy, x.data(), x.data() + x.size(),
        bits_of_magnitude{}, 0, thrust::maximum<int>{});
  });
}

void sort(device_stream& on, std::span<std::uint32_t> keys,
    std::span<std::uint32_t> values) {
  assert(keys.size() == values.size());
  queue_thrust(on, [=](const auto& policy) {
    thrust::stable_sort_by_key(
        policy, keys.data(), keys.data() + keys.size(), values.data());
  });
}

void select(device_stream& on, std::span<const float> values,
    std::int32_t border, std::span<std::uint32_t> places,
    std::span<float> kept) {
  assert(places.size() == kept.size());
  [[maybe_unused]] const auto found =
      answer_of_thrust(on, [=](const auto& policy) {
        const auto from =
            zipped(thrust::counting_iterator<std::uint32_t>{0}, values.data());
        const auto to = zipped(places.data(), kept.data());
        return thrust::copy_if(policy, from, from + size_of(values),
                   values.data(), to, is_above{border}) -
               to;
      });
  assert(found == size_of(kept) && "there is room for as many as there are");
}

void select_first(device_stream& on, std::span<const std::uint32_t> names,
    std::span<const float> values, std::int32_t border, std::uint32_t equals,
    std::span<std::uint32_t> kept_names, std::span<float> kept) {
  assert(names.size() == values.size() && kept_names.size() == kept.size());
  auto ranks = block<std::uint32_t>(values.size(), on);
  [[maybe_unused]] const auto found =
      answer_of_thrust(on, [=, rank = ranks.data()](const auto& policy) {
        const auto size = size_of(values);
        const auto on_it =
            thrust::make_transform_iterator(values.data(), is_on{border});
        thrust::exclusive_scan(policy, on_it, on_it + size, rank);
        const auto from = zipped(names.data(), values.data());
        const auto to = zipped(kept_names.data(), kept.data());
        return thrust::copy_if(policy, from, from + size,
                   zipped(values.data(), rank), to,
                   is_above_or_first{border, equals}) -
               to;
      });
  assert(found == size_of(kept) && "there is room for as many as there are");
}

} // namespace troupe::gpu::cuda::primitives
