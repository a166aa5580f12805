#include "gpu/device_stream.hpp"

#include <stdexcept>

namespace troupe::gpu {

device_stream::device_stream(device where) : where_(where) {
  if (where.kind != device_kind::cpu)
    throw std::runtime_error(
        "this build has no operators for " + to_string(where) + "; use cpu");
}

} // namespace troupe::gpu
