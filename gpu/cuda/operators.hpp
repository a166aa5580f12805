#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gpu/device_stream.hpp"
#include "gpu/lanes.hpp"
#include "gpu/operators/activations.hpp"
#include "gpu/operators/convolution.hpp"
#include "gpu/operators/descent.hpp"
#include "gpu/operators/lane_batches.hpp"
#include "gpu/operators/pooling.hpp"
#include "gpu/operators/products.hpp"
#include "gpu/operators/steps.hpp"
#include "gpu/tensor.hpp"

// The operators of gpu/operators/ on a GPU: the same contracts, everything
// queued on `on`. Only those files call these.
namespace troupe::gpu::cuda {

// elementwise.cu
void add_bias(
    device_stream& on, std::span<const float> bias, activation then, matrix x);
void to_bf16(
    device_stream& on, std::span<const float> from, std::span<bf16> to);
void relu(device_stream& on, std::span<const float> in, std::span<float> out);
void relu_backward(
    device_stream& on, std::span<const float> out, std::span<float> gradient);
void scale_and_add(device_stream& on, float a, std::span<const float> x,
    float b, std::span<float> y);
/// Transposes each row of `in`, a `rows` x `columns` matrix.
void transpose_each(device_stream& on, std::size_t rows, std::size_t columns,
    const_matrix in, matrix out);
void max_pool(device_stream& on, const pooling& what, activation then,
    const_matrix in, matrix out);
void max_pool_backward(device_stream& on, const pooling& what, activation then,
    const_matrix in, const_matrix out, const_matrix out_gradient,
    matrix in_gradient);

// loss.cu
/// Without steps, all rows count, times `scale`; without a gradient, only the
/// losses are wanted.
void softmax_cross_entropy(device_stream& on, const_matrix logits,
    std::span<const std::uint8_t> labels, std::span<float> losses, float scale,
    matrix gradient, std::span<const lane_step> steps);
std::size_t count_correct(device_stream& on, const_matrix logits,
    std::span<const std::uint8_t> labels);
void tally(device_stream& on, std::span<const lane_step> steps,
    std::span<const float> losses, std::span<lane_tally> tallies);
void score(device_stream& on, std::span<const lane_step> step,
    const_matrix logits, std::span<const std::uint8_t> labels,
    std::span<lane_score> sums);

// batches.cu
void assign(device_stream& on, std::span<lane_work> works,
    std::span<lane_tally> tallies, std::size_t lane, const lane_work& what);
void next_steps(
    device_stream& on, std::span<lane_work> works, std::span<lane_step> steps);
void gather(device_stream& on, std::span<const lane_work> works,
    std::span<const lane_step> steps, matrix features,
    std::span<std::uint8_t> labels);

// reductions.cu
void sum_columns(
    device_stream& on, const_matrix x, gradient_sink to, std::size_t rows);
void descend(device_stream& on, const descent& how, lanes gradient, bool moving,
    lanes velocity, lanes parameters, const drift& more);
void difference(device_stream& on, std::span<const float> trained,
    std::span<const float> given, std::span<float> delta,
    std::span<std::uint32_t> largest);

// optimisers.cu
void step(device_stream& on, const sgd_step& how,
    std::span<const float> gradient, std::span<float> velocity,
    std::span<float> parameters);
void step(device_stream& on, const adamw_step& how,
    std::span<const float> gradient, std::span<float> first_moment,
    std::span<float> second_moment, std::span<float> parameters);
void sums_of_squares(device_stream& on, std::span<const float> values,
    std::size_t tile, std::span<double> sums);

// linear.cu
void linear_forward(device_stream& on, const_matrix in, const_lanes weight,
    const_lanes bias, activation then, matrix out);
void linear_backward(device_stream& on, const_matrix in, const_lanes weight,
    const_matrix out_gradient, matrix in_gradient, gradient_sink to);

// convolution.cpp
void convolve(device_stream& on, const convolution& what, const_lanes weight,
    const_lanes bias, activation then, const_matrix in, matrix out);
void convolve_backward_input(device_stream& on, const convolution& what,
    const_lanes weight, const_matrix out_gradient, matrix in_gradient);
void convolve_backward_weight(device_stream& on, const convolution& what,
    const_matrix in, const_matrix out_gradient, gradient_sink to);

// lane_convolution.cu: the same by our own kernels, for any lanes
void convolve_lanes(device_stream& on, const convolution& what,
    const_lanes weight, const_lanes bias, activation then, const_matrix in,
    matrix out);
void convolve_lanes_backward_input(device_stream& on, const convolution& what,
    const_lanes weight, const_matrix out_gradient, matrix in_gradient);
void convolve_lanes_backward_weight(device_stream& on, const convolution& what,
    const_matrix in, const_matrix out_gradient, gradient_sink to);

// products.cpp
void multiply(device_stream& on, const_matrix a, const_matrix b, matrix c,
    float alpha, float beta);
void multiply(device_stream& on, bf16_matrix a, bf16_matrix b, matrix c,
    float alpha, float beta);

} // namespace troupe::gpu::cuda
