#pragma once

#include <cstddef>
#include <stdexcept>

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>

namespace troupe::clocks {

template <class Rule>
caf::byte_buffer save(const Rule& rule) {
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  if (!sink.apply(rule))
    throw std::runtime_error("the rule cannot be saved");
  return bytes;
}

/// False: these bytes are no state of such a rule.
template <class Rule>
bool load(const caf::byte_buffer& bytes, Rule& into) {
  caf::binary_deserializer source{nullptr, bytes};
  return source.apply(into) && source.remaining() == 0;
}

template <class Rule>
Rule reloaded(const Rule& rule) {
  Rule again;
  if (!load(save(rule), again))
    throw std::runtime_error("what was saved is not taken");
  return again;
}

} // namespace troupe::clocks
