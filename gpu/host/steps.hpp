#pragma once

#include <cstddef>

#include "gpu/host/kernels.hpp"

// Part of the host kernels: see vector_kernels.hpp. Without multiply_add, which
// not every set has, all of them compute the same bits.
namespace troupe::gpu::host {
namespace {

/// Calls visit(i, load, store) for each vector: whole ones, and what is left.
template <class Vector, class Visit>
void each_vector(std::size_t count, Visit visit) {
  using vec = typename Vector::vec;
  std::size_t i = 0;
  for (; i + Vector::width <= count; i += Vector::width)
    visit([i](const float* from) { return Vector::load(from + i); },
        [i](float* to, vec x) { Vector::store(to + i, x); });
  if (const auto left = count - i; left > 0)
    visit([=](const float* from) { return Vector::load_part(from + i, left); },
        [=](float* to, vec x) { Vector::store_part(to + i, x, left); });
}

template <class Vector>
void sgd(const sgd_job& job) {
  using V = Vector;
  const auto scale = V::all(job.how.scale);
  const auto decay = V::all(job.how.weight_decay);
  const auto momentum = V::all(job.how.momentum);
  const auto rate = V::all(-job.how.rate);
  each_vector<V>(job.count, [&](auto load, auto store) {
    const auto w = load(job.parameters);
    const auto g =
        V::add(V::multiply(scale, load(job.gradient)), V::multiply(decay, w));
    auto along = g;
    if (job.velocity != nullptr) {
      const auto v = V::add(V::multiply(momentum, load(job.velocity)), g);
      store(job.velocity, v);
      along = job.how.nesterov ? V::add(g, V::multiply(momentum, v)) : v;
    }
    store(job.parameters, V::add(w, V::multiply(rate, along)));
  });
}

template <class Vector>
void adamw(const adamw_job& job) {
  using V = Vector;
  const auto rate = V::all(-job.how.rate);
  const auto scale = V::all(job.how.scale);
  const auto keep = V::all(job.how.keep);
  const auto beta1 = V::all(job.how.beta1);
  const auto rest1 = V::all(job.how.rest1);
  const auto beta2 = V::all(job.how.beta2);
  const auto rest2 = V::all(job.how.rest2);
  const auto root = V::all(job.how.root);
  const auto epsilon = V::all(job.how.epsilon);
  each_vector<V>(job.count, [&](auto load, auto store) {
    const auto g = V::multiply(scale, load(job.gradient));
    const auto m = V::add(
        V::multiply(beta1, load(job.first_moment)), V::multiply(rest1, g));
    const auto v = V::add(V::multiply(beta2, load(job.second_moment)),
        V::multiply(rest2, V::multiply(g, g)));
    const auto spread = V::add(V::multiply(root, V::square_root(v)), epsilon);
    const auto w = V::multiply(keep, load(job.parameters));
    store(job.first_moment, m);
    store(job.second_moment, v);
    store(job.parameters, V::add(w, V::divide(V::multiply(rate, m), spread)));
  });
}

} // namespace
} // namespace troupe::gpu::host
