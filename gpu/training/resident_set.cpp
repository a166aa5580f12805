#include "gpu/training/resident_set.hpp"

#include <utility>

#include "gpu/copy.hpp"

namespace troupe::training {

resident_set::resident_set(shared_dataset set, gpu::device_stream& on)
    : set_(std::move(set)) {
  if (const auto* bytes =
          std::get_if<std::vector<std::uint8_t>>(&set_->features))
    work_.bytes = bring(*bytes, bytes_, on);
  else
    work_.floats =
        bring(std::get<std::vector<float>>(set_->features), floats_, on);
  work_.labels = bring(set_->labels, labels_, on);
  on.synchronise();
}

template <class T>
const T* resident_set::bring(
    const std::vector<T>& values, gpu::block<T>& to, gpu::device_stream& on) {
  if (!on.on_gpu())
    return values.data();
  to = gpu::block<T>{values.size(), on};
  gpu::copy<T>(on, values, to.span());
  return to.data();
}

} // namespace troupe::training
