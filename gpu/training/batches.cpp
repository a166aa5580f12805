#include "gpu/training/batches.hpp"

#include <algorithm>
#include <numeric>

namespace troupe::training {

batches::batches(
    std::size_t samples, const recipe& how, gpu::random_stream random)
    : order_(samples),
      random_(random),
      batch_(how.batch == 0 ? samples
                            : std::min<std::size_t>(how.batch, samples)) {
  std::iota(order_.begin(), order_.end(), 0u);
  if (samples == 0)
    return;
  const auto a_pass = (samples + batch_ - 1) / batch_;
  left_ = how.steps > 0 ? how.steps : std::uint64_t{how.epochs} * a_pass;
}

std::span<const std::uint32_t> batches::next() {
  if (left_ == 0)
    return {};
  --left_;
  if (at_ == order_.size())
    at_ = 0;
  if (at_ == 0)
    random_.shuffle(order_);
  const auto count = std::min(batch_, order_.size() - at_);
  const auto result = std::span{order_}.subspan(at_, count);
  at_ += count;
  return result;
}

} // namespace troupe::training
