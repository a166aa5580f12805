#include "gpu/buffer.hpp"

#include "gpu/large_allocator.hpp"

#include <stdexcept>

namespace troupe::gpu {

buffer::buffer(std::size_t size, device where) : size_(size), where_(where) {
  if (where.kind != device_kind::cpu)
    throw std::runtime_error("this build has no memory on " + to_string(where));
  if (size > 0)
    data_ = large_allocator<float>{}.allocate(size);
}

buffer::~buffer() {
  if (data_ != nullptr)
    large_allocator<float>{}.deallocate(data_, size_);
}

void buffer::swap(buffer& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(where_, other.where_);
}

} // namespace troupe::gpu
