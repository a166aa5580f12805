#pragma once

#include <functional>
#include <memory>

#include "runtime/cluster/channel.hpp"
#include "runtime/cluster/shared_region.hpp"

namespace troupe::cluster {

/// A channel between two processes of one host: bytes go through memory that
/// both share, and the connection wakes the end that sleeps and tells it when
/// the other one is gone.
class memory_channel final : public channel {
public:
  enum class side { makes, opens };

  /// `bell` is a channel to the same process; `post` leads to its I/O thread.
  memory_channel(std::unique_ptr<channel> bell,
      std::function<void(std::function<void()>)> post, shared_region region,
      side which);
  ~memory_channel() override;

  void send(std::span<const std::byte> from, done then) override;
  void receive(std::span<std::byte> to, done then) override;
  void close() override;
  monitoring::wire over() const noexcept override {
    return monitoring::wire::memory;
  }

private:
  struct line;
  std::shared_ptr<line> line_;
};

} // namespace troupe::cluster
