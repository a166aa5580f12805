#pragma once

#include <cstdint>
#include <optional>

#include "protocols/pipeline/plan.hpp"
#include "protocols/pipeline/timetable.hpp"

namespace troupe::pipeline {

/// Time that a rank is idle from the first forward to the last work, as the
/// papers have it: p ranks, m micro-batches a step, n steps; F, B and W are one
/// chunk's.
///
///     naive              n m (p - 1) (F + B + W)
///     gpipe, 1f1b        n (p - 1) (F + B + W)
///     interleaved        n (p - 1) (F + B + W): work grows with chunks, this
///                        does not. m is a multiple of p; gpipe's chunks: >= p
///     zb-h1              n (p - 1) (F + B - W), if m >= p, W <= F and W <= B
///     2bw                (p - 1) (F + B + W), if m >= p or n = 1
///
/// None where they do not say, or where transfers or updates take time.
std::optional<ticks> idle_formula(const plan& x, const costs& at) noexcept;

/// The same as a part of the time: (p - 1) / (m + p - 1) for gpipe and 1f1b.
std::optional<double> bubble_formula(const plan& x, const costs& at) noexcept;

} // namespace troupe::pipeline
