#pragma once

#include "gpu/host/accumulate.hpp"
#include "gpu/host/add_rows.hpp"
#include "gpu/host/dots.hpp"
#include "gpu/host/pool.hpp"
#include "gpu/host/steps.hpp"
#include "gpu/host/tile.hpp"

// The host's inner loops are templates, written once. For every instruction set
// one source file, compiled for it, instantiates them with its `Vector`: a type
// with the constants and static functions
//   width, registers                      floats a vector, vectors a processor
//   vec load(p), load_part(p, count)      what is not loaded is 0
//   store(p, x), store_part(p, x, count)
//   vec all(x), float sum(x)              sum: in a fixed order
//   vec add(a, b), multiply(a, b), multiply_add(a, b, c)
//   vec divide(a, b), square_root(x)      those of IEEE 754
//   vec larger(a, b), at_least(floor, x)  NaN stays; at_least: that of x
//   mask above(a, b), equal(a, b), both(m, n), without(m, n)
//   vec where(m, x)                       0 elsewhere
// All of it stays inside that file's translation unit, so that no other file
// comes to run instructions that its processor may lack.
namespace troupe::gpu::host {
namespace {

template <class Vector>
constexpr kernels make_kernels() {
  return {.width = Vector::width,
      .most_tile_rows = {most_tile_rows<Vector, 1>, most_tile_rows<Vector, 2>},
      .most_dots_rows = most_dots_rows<Vector>,
      .tile = &any_tile<Vector>,
      .dots = &any_dots<Vector>,
      .add_rows = &add_rows<Vector>,
      .max_pool = &max_pool<Vector>,
      .max_pool_backward = &max_pool_backward<Vector>,
      .accumulate = &accumulate,
      .sum_rows = &sum_rows,
      .sgd = &sgd<Vector>,
      .adamw = &adamw<Vector>};
}

} // namespace
} // namespace troupe::gpu::host
