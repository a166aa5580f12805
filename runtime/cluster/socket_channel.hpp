#pragma once

#include <functional>
#include <memory>

#include "runtime/cluster/channel.hpp"
#include "runtime/cluster/stream.hpp"

namespace troupe::cluster {

/// A channel over one TCP connection, plain or under TLS, whose handshake is
/// done. What has gathered is sent, and received, in one go.
class socket_channel final : public channel {
public:
  explicit socket_channel(stream over);
  ~socket_channel() override;

  void send(std::span<const std::byte> from, done then) override;
  void receive(std::span<std::byte> to, done then) override;
  void close() override;
  monitoring::wire over() const noexcept override;

private:
  struct line;
  std::shared_ptr<line> line_; // outlives this by what is under way
};

/// What has a thread of this executor run what it is given, later.
std::function<void(std::function<void()>)> post_to(
    stream::executor_type executor);

} // namespace troupe::cluster
