#pragma once

#include <stdexcept>

namespace troupe::gpu {

/// Training left something that is no finite number; the text says what. Fails
/// the client whose training it was, and nothing else.
class not_finite : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace troupe::gpu
