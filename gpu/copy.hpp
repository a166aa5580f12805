#pragma once

#include <cassert>
#include <cstddef>
#include <span>
#include <type_traits>

#include "gpu/buffer.hpp"
#include "gpu/device_stream.hpp"
#include "gpu/range.hpp"

namespace troupe::gpu {

/// Queues a copy on `on`. Each side is on the host or on the stream's device;
/// both stay untouched until it is done. Errors name `at`.
void copy_bytes(device_stream& on, const void* from, void* to,
    std::size_t bytes, source_location at = source_location::current());

/// Copies `part` of a buffer to `on`'s device from whichever it lies on,
/// another GPU too, and waits until it is there. Nobody writes to `from`
/// meanwhile.
void copy_across(
    device_stream& on, const buffer& from, range part, std::span<float> to);

template <class T>
void copy(device_stream& on, std::type_identity_t<std::span<const T>> from,
    std::span<T> to, source_location at = source_location::current()) {
  static_assert(std::is_trivially_copyable_v<T>);
  assert(from.size() == to.size() && "a copy has one size");
  copy_bytes(on, from.data(), to.data(), from.size_bytes(), at);
}

} // namespace troupe::gpu
