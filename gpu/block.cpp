#include "gpu/block.hpp"

#include <new>

#include "gpu/cuda/presence.hpp"
#include "gpu/cuda/runtime.hpp"

namespace troupe::gpu {
namespace {

constexpr std::align_val_t alignment{64};

} // namespace

raw_block::raw_block(std::size_t bytes, const device_stream& on, kind what)
    : kind_(what), home_(on.cuda()) {
  if (bytes == 0)
    return;
  if (!home_)
    data_ = ::operator new(bytes, alignment);
  else if constexpr (cuda::present)
    data_ = what == kind::device ? cuda::take(*home_, bytes)
                                 : cuda::take_page_locked(bytes);
}

raw_block::~raw_block() {
  if (data_ == nullptr)
    return;
  if (!home_)
    ::operator delete(data_, alignment);
  else if constexpr (cuda::present) {
    if (kind_ == kind::device)
      cuda::give(*home_, data_);
    else
      cuda::give_page_locked(data_);
  }
}

void raw_block::swap(raw_block& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(kind_, other.kind_);
  std::swap(home_, other.home_);
}

} // namespace troupe::gpu
