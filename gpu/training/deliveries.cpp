#include "gpu/training/deliveries.hpp"

#include <utility>

namespace troupe::training {

gpu::shared_buffer deliveries::bring(const gpu::shared_buffer& parameters) {
  if (parameters->where() == on_.where())
    return parameters;
  std::erase_if(versions_, [](const auto& x) { return x.first.expired(); });
  auto& here = versions_[parameters];
  if (!here) {
    auto copy = std::make_shared<gpu::buffer>(parameters->size(), on_);
    gpu::copy<float>(on_, parameters->span(), copy->span());
    on_.synchronise();
    here = std::move(copy);
  }
  return here;
}

std::shared_ptr<resident_set> deliveries::bring(const view& data) {
  auto& here = sets_[&data.set()];
  if (!here)
    here = std::make_shared<resident_set>(data.shared_set(), on_);
  return here;
}

} // namespace troupe::training
