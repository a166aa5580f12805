#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace troupe::gpu {

/// What one lane does in one step that all lanes take together. A batch may
/// come in several parts; the last one completes it.
struct lane_step {
  std::uint32_t rows = 0;      ///< samples of this part; 0: the lane rests
  std::uint32_t first = 0;     ///< of them, in the lane's order of samples
  std::uint32_t completes = 0; ///< the part is its batch's last
  std::uint32_t moving = 0;    ///< there is a velocity from an earlier step
  float scale = 0.0f;          ///< 1 / samples of the whole batch
  float rate = 0.0f;           ///< learning rate
  float alpha = 1.0f;          ///< of the part's `gradient_sink`
  float beta = 0.0f;           ///< the same
};

/// Equal parts of equal blocks, one block a lane: `size` values each, `stride`
/// apart. Several small models of one shape live so in one allocation and take
/// their steps in one launch. A span is one lane.
template <class T>
struct basic_lanes {
  T* data = nullptr;
  std::size_t size = 0;
  std::size_t count = 1;
  std::size_t stride = 0;
  /// Of each lane, on the lanes' device; operators leave out those that rest,
  /// and rows beyond `rows`. Null: every lane has all rows.
  const lane_step* steps = nullptr;

  basic_lanes() = default;
  basic_lanes(std::span<T> one) : data(one.data()), size(one.size()) {}
  template <class Range>
  requires(std::is_convertible_v<Range&&, std::span<T>>)
      basic_lanes(Range&& one)
      : basic_lanes(std::span<T>{one}) {}
  basic_lanes(std::span<T> all, std::size_t lanes, const lane_step* now)
      : data(all.data()),
        size(all.size() / lanes),
        count(lanes),
        stride(size),
        steps(now) {}
  /// Lanes that are only read may look at ones that can be written.
  template <class U>
  requires(std::is_same_v<T, const U>) basic_lanes(const basic_lanes<U>& other)
      : data(other.data),
        size(other.size),
        count(other.count),
        stride(other.stride),
        steps(other.steps) {}

  /// The values [first, first + values) of every lane.
  basic_lanes part(std::size_t first, std::size_t values) const {
    assert(first + values <= size);
    auto result = *this;
    result.data += first;
    result.size = values;
    return result;
  }
  std::span<T> operator[](std::size_t lane) const {
    assert(lane < count);
    return {data + lane * stride, size};
  }
  /// Of one lane.
  std::span<T> span() const {
    assert(count == 1);
    return {data, size};
  }
  /// Rows that a lane has of `all` in this step; readable on the host alone.
  std::size_t rows(std::size_t lane, std::size_t all) const {
    return steps == nullptr ? all : steps[lane].rows;
  }
};

using lanes = basic_lanes<float>;
using const_lanes = basic_lanes<const float>;

/// Where an operator leaves a gradient, lane by lane:
/// destination = alpha * gradient + beta * destination. With alpha = 1 and
/// beta = 0 that is the gradient itself; with alpha = -rate and beta = 1 and
/// the parameters for destination it is a step of gradient descent. Where the
/// destination has steps, each lane's own alpha and beta count.
struct gradient_sink {
  lanes destination;
  float alpha = 1.0f;
  float beta = 0.0f;

  gradient_sink part(std::size_t offset, std::size_t count) const {
    return {destination.part(offset, count), alpha, beta};
  }
  /// That of one lane; on the host alone.
  gradient_sink lane(std::size_t which) const {
    if (destination.steps == nullptr)
      return {destination[which], alpha, beta};
    const auto& now = destination.steps[which];
    return {destination[which], now.alpha, now.beta};
  }
};

} // namespace troupe::gpu
