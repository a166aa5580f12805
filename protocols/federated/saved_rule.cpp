#include "protocols/federated/saved_rule.hpp"

#include <cassert>

namespace troupe::federated {

caf::byte_buffer save(
    const rule& x, const std::optional<virtual_order>& order) {
  auto own = x.save();
  if (!order)
    return own;
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  // Inspectors serve readers and writers alike; nothing is written here.
  bool saved =
      sink.apply(const_cast<virtual_order&>(*order)) && sink.apply(own);
  assert(saved && "an order holds only values that can be saved");
  static_cast<void>(saved);
  return bytes;
}

bool load(const caf::byte_buffer& bytes, rule& x,
    std::optional<virtual_order>& order) {
  if (!order)
    return x.load(bytes);
  caf::binary_deserializer source{nullptr, bytes};
  caf::byte_buffer own;
  return source.apply(*order) && source.apply(own) && source.remaining() == 0 &&
         x.load(own);
}

} // namespace troupe::federated
