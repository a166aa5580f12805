#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/collective/channel.hpp"

namespace troupe::collective {

/// A channel over a connected socket, which a wire can wait for.
class stream_channel : public channel {
public:
  virtual int socket() const noexcept = 0;
  virtual bool broken() const noexcept = 0;
  /// Bytes that poll(2) does not know of.
  virtual bool holds() const noexcept = 0;
  /// Why it broke, where there is more to say than that it ended.
  virtual std::string trouble() const { return {}; }
};

/// By rank; none where that rank has none.
using streams = std::vector<std::unique_ptr<stream_channel>>;

} // namespace troupe::collective
