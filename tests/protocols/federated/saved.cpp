#include "tests/protocols/federated/saved.hpp"

#include <cstring>
#include <stdexcept>

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>

namespace troupe::federated {
namespace {

template <class Rule>
saved to_bytes(const Rule& r) {
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  if (!sink.apply(r))
    throw std::runtime_error("the rule cannot be saved");
  saved result(bytes.size());
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

template <class Rule>
void from_bytes(Rule& r, const saved& bytes) {
  caf::binary_deserializer source{nullptr, bytes.data(), bytes.size()};
  if (!source.apply(r) || source.remaining() > 0)
    throw std::runtime_error("these bytes make no rule");
}

} // namespace

saved save(const fedasync& r) {
  return to_bytes(r);
}
saved save(const fedavg& r) {
  return to_bytes(r);
}
saved save(const fedbuff& r) {
  return to_bytes(r);
}
void restore(fedasync& r, const saved& bytes) {
  from_bytes(r, bytes);
}
void restore(fedavg& r, const saved& bytes) {
  from_bytes(r, bytes);
}
void restore(fedbuff& r, const saved& bytes) {
  from_bytes(r, bytes);
}

} // namespace troupe::federated
