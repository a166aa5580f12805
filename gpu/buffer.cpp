#include "gpu/buffer.hpp"

#include "gpu/cuda/presence.hpp"
#include "gpu/cuda/runtime.hpp"
#include "gpu/large_allocator.hpp"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace troupe::gpu {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kept = 0; // let it see every block come and go
#else
constexpr std::size_t kept = 8;
#endif
constexpr std::size_t smallest = std::size_t{1} << 14;

// Keeps the last few large blocks that were freed. A run takes and frees blocks
// of one size all the time, and the kernel's handing out of zeroed pages costs
// several times what copying the parameters does.
class block_cache {
public:
  block_cache() { free_.reserve(kept); }

  float* take(std::size_t size) {
    if (size >= smallest) {
      std::lock_guard lock{guard_};
      auto found = std::find_if(free_.begin(), free_.end(),
          [size](const auto& entry) { return entry.second == size; });
      if (found != free_.end()) {
        auto* block = found->first;
        free_.erase(found);
        return block;
      }
    }
    return large_allocator<float>{}.allocate(size);
  }

  void give(float* block, std::size_t size) noexcept {
    if (size >= smallest && kept > 0) {
      std::lock_guard lock{guard_};
      if (free_.size() == kept) {
        std::swap(block, free_.front().first);
        std::swap(size, free_.front().second);
        std::rotate(free_.begin(), free_.begin() + 1, free_.end());
      } else {
        free_.emplace_back(block, size);
        return;
      }
    }
    large_allocator<float>{}.deallocate(block, size);
  }

private:
  std::mutex guard_;
  std::vector<std::pair<float*, std::size_t>> free_; // the oldest first
};

// Never destroyed: buffers may outlive every static object.
block_cache& cache() {
  static auto* one = new block_cache;
  return *one;
}

} // namespace

// A fresh block of a GPU's is waited for, so that any stream may use it.
buffer::buffer(std::size_t size, device where) : size_(size), where_(where) {
  if (size == 0)
    return;
  if (where.kind == device_kind::cpu) {
    data_ = cache().take(size);
  } else if constexpr (cuda::present) {
    home_ = cuda::home(where.index);
    data_ = static_cast<float*>(cuda::take(*home_, bytes()));
    cuda::synchronise(*home_, source_location::current());
  } else {
    require(where); // throws
  }
}

buffer::buffer(std::size_t size, const device_stream& on)
    : size_(size), where_(on.where()), home_(on.cuda()) {
  if (size == 0)
    return;
  if (!on.on_gpu())
    data_ = cache().take(size);
  else if constexpr (cuda::present)
    data_ = static_cast<float*>(cuda::take(*home_, bytes()));
}

buffer::~buffer() {
  if (data_ == nullptr)
    return;
  if (!home_)
    cache().give(data_, size_);
  else if constexpr (cuda::present)
    cuda::give(*home_, data_);
}

void buffer::swap(buffer& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(where_, other.where_);
  std::swap(home_, other.home_);
}

} // namespace troupe::gpu
