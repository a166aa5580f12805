#include "runtime/collective/trial.hpp"

#include <algorithm>

namespace troupe::collective {
namespace {

using floats = std::vector<float>;

// What rank r has at i: small enough for exact sums.
float value(std::uint64_t salt, std::size_t r, std::size_t i) {
  return static_cast<float>((i * 7 + r * 13 + salt * 5) % 64);
}

class trial {
public:
  trial(group& on, const task& what, std::uint64_t salt)
      : on_(on), x_(what), salt_(salt), n_(on.ranks()), r_(on.rank()) {}

  std::string run(bool in_place) {
    auto from = given();
    auto to = floats(size_of_result(), -1.0f);
    if (in_place)
      place(from, to);
    const std::span<float> out{to};
    const std::span<const float> in =
        in_place ? within(from, to) : std::span<const float>{from};
    act(in, out);
    return check(to);
  }

private:
  bool rooted() const { return r_ == x_.root; }
  std::size_t whole() const { return x_.count * n_; }

  std::size_t size_given() const {
    switch (x_.kind) {
    case operation_kind::reduce_scatter:
    case operation_kind::all_to_all:
      return whole();
    case operation_kind::scatter:
      return rooted() ? whole() : 0;
    case operation_kind::broadcast:
      return rooted() ? x_.count : 0;
    case operation_kind::barrier:
      return 0;
    default:
      return x_.count;
    }
  }
  std::size_t size_of_result() const {
    switch (x_.kind) {
    case operation_kind::all_gather:
    case operation_kind::all_to_all:
      return whole();
    case operation_kind::gather:
      return rooted() ? whole() : 0;
    case operation_kind::reduce:
      return rooted() ? x_.count : 0;
    case operation_kind::barrier:
      return 0;
    default:
      return x_.count;
    }
  }

  floats given() const {
    floats result(size_given());
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] = value(salt_, r_, i);
    return result;
  }

  // The larger one of the two is the one that there is.
  void place(floats& from, floats& to) const {
    if (from.size() == to.size())
      to = from;
    else if (from.size() < to.size())
      std::copy(from.begin(), from.end(),
          to.begin() + static_cast<std::ptrdiff_t>(r_ * x_.count));
  }
  std::span<const float> within(const floats& from, const floats& to) const {
    if (from.size() == to.size())
      return to;
    if (from.size() < to.size())
      return std::span{to}.subspan(r_ * x_.count, from.size());
    return from; // and the result apart from it
  }

  void act(std::span<const float> in, std::span<float> out) {
    using gpu::reduction;
    switch (x_.kind) {
    case operation_kind::transfer:
      return pass_on(in, out);
    case operation_kind::all_reduce:
      return on_.all_reduce(in, out, reduction::sum, x_.how);
    case operation_kind::reduce:
      return on_.reduce(in, out, x_.root, reduction::sum, x_.how);
    case operation_kind::broadcast:
      return on_.broadcast(in, out, x_.root, x_.how);
    case operation_kind::all_gather:
      return on_.all_gather(in, out, x_.how);
    case operation_kind::reduce_scatter:
      return on_.reduce_scatter(in, out, reduction::sum, x_.how);
    case operation_kind::all_to_all:
      return on_.all_to_all(in, out, x_.how);
    case operation_kind::gather:
      return on_.gather(in, out, x_.root, x_.how);
    case operation_kind::scatter:
      return on_.scatter(in, out, x_.root, x_.how);
    default:
      return on_.barrier(x_.how);
    }
  }

  // From every rank to the next one, those of even number first.
  void pass_on(std::span<const float> in, std::span<float> out) {
    const auto next = static_cast<std::uint32_t>((r_ + 1) % n_);
    const auto last = static_cast<std::uint32_t>((r_ + n_ - 1) % n_);
    if (n_ == 1) {
      std::copy(in.begin(), in.end(), out.begin());
      return;
    }
    const floats mine(in.begin(), in.end());
    if (r_ % 2 == 0)
      on_.send(std::span<const float>{mine}, next);
    on_.receive(out, last);
    if (r_ % 2 == 1)
      on_.send(std::span<const float>{mine}, next);
  }

  float sum_at(std::size_t i) const {
    float sum = 0.0f;
    for (std::size_t r = 0; r < n_; ++r)
      sum += value(salt_, r, i);
    return sum;
  }

  float expected(std::size_t i) const {
    const auto part = x_.count == 0 ? 0 : i / x_.count;
    const auto at = x_.count == 0 ? 0 : i % x_.count;
    switch (x_.kind) {
    case operation_kind::broadcast:
      return value(salt_, x_.root, i);
    case operation_kind::transfer:
      return value(salt_, (r_ + n_ - 1) % n_, i);
    case operation_kind::all_gather:
    case operation_kind::gather:
      return value(salt_, part, at);
    case operation_kind::reduce_scatter:
      return sum_at(r_ * x_.count + i);
    case operation_kind::scatter:
      return value(salt_, x_.root, r_ * x_.count + i);
    case operation_kind::all_to_all:
      return value(salt_, part, r_ * x_.count + at);
    default:
      return sum_at(i);
    }
  }

  std::string check(const floats& to) const {
    for (std::size_t i = 0; i < to.size(); ++i)
      if (to[i] != expected(i))
        return "rank " + std::to_string(r_) + " has " + std::to_string(to[i]) +
               " at " + std::to_string(i) + " where " +
               std::to_string(expected(i)) + " is right";
    return {};
  }

  group& on_;
  const task& x_;
  std::uint64_t salt_;
  std::size_t n_;
  std::size_t r_;
};

} // namespace

std::string tried(
    group& on, const task& what, bool in_place, std::uint64_t salt) {
  return trial{on, what, salt}.run(in_place);
}

} // namespace troupe::collective
