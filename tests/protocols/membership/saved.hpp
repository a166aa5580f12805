#pragma once

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>

namespace troupe::membership {

/// Loads what `from` saves into `into`. False: it is not taken.
template <class From, class Into>
bool copy_saved(const From& from, Into& into) {
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  if (!sink.apply(from))
    return false;
  caf::binary_deserializer source{nullptr, bytes};
  return source.apply(into) && source.remaining() == 0;
}

} // namespace troupe::membership
