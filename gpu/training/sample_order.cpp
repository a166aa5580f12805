#include "gpu/training/sample_order.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace troupe::training {

sample_order::sample_order(std::uint64_t seed, std::uint32_t samples)
    : seed_(seed), samples_(samples) {}

void sample_order::take(std::uint64_t first, std::span<std::uint32_t> to) {
  assert((samples_ > 0 || to.empty()) && "no order of nothing");
  while (!to.empty()) {
    const auto now = pass(first / samples_).subspan(first % samples_);
    const auto count = std::min(now.size(), to.size());
    std::ranges::copy(now.first(count), to.begin());
    first += count;
    to = to.subspan(count);
  }
}

std::span<const std::uint32_t> sample_order::pass(std::uint64_t number) {
  if (number != number_) {
    order_.resize(samples_);
    std::iota(order_.begin(), order_.end(), 0u);
    gpu::random_stream{seed_, gpu::stream::order, number}.shuffle(order_);
    number_ = number;
  }
  return order_;
}

} // namespace troupe::training
