#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "runtime/collective/stream_channel.hpp"
#include "runtime/files/descriptor.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace troupe::collective {

/// What a rank shows, and whom it trusts.
using credentials = std::shared_ptr<ssl_ctx_st>;

/// Those of a node (`runtime/cluster/credentials.hpp`): NAME.pem and NAME.key
/// in `directory`, of `name` or of whose they are. Throws what
/// `cluster::tls_from` throws.
credentials credentials_in(
    const std::filesystem::path& directory, const std::string& name = {});

/// Under TLS: both ends have shown a certificate that the other one trusts.
/// What `send` took no byte of has to be sent next.
class tls_channel final : public stream_channel {
public:
  tls_channel(descriptor socket, const credentials& by, bool dialled);
  ~tls_channel() override;

  /// Goes on with the handshake, which has to be through before anything moves;
  /// whether it is. Whoever dialled learns later whether he was refused.
  bool shakes_hands();
  /// What the handshake waits for, as poll(2) has it.
  short waits_for() const noexcept;

  std::size_t send(std::span<const std::byte> from) override;
  std::size_t receive(std::span<std::byte> to) override;

  int socket() const noexcept override { return *socket_; }
  bool broken() const noexcept override { return broken_; }
  bool holds() const noexcept override;
  std::string trouble() const override { return trouble_; }

private:
  void note(int result);

  descriptor socket_;
  credentials by_;
  ssl_st* session_ = nullptr;
  bool broken_ = false;
  std::string trouble_;
};

} // namespace troupe::collective
