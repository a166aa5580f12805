#pragma once

#include <memory>
#include <string>

#include "runtime/cluster/channel.hpp"
#include "runtime/cluster/stream.hpp"

namespace troupe::cluster {

/// A channel over UCX: RDMA fabrics, and TCP and shared memory too. The library
/// is opened when it is first needed. Nothing is encrypted, and UCX believes
/// what the process at the other end says.
///
///     make ──► reach ──► send, receive ──► watch ──► send, receive
///
/// Bytes go through UCP's streams, each channel's in a worker of its own, which
/// its event file wakes. Nothing moves while nothing is asked for, so that what
/// the other end sends waits there. No thread is made but UCX's own.
class ucx_channel : public channel {
public:
  /// Whether this build knows UCX, and this machine has it and any of these
  /// transports, named as in UCX_TLS. None: those that UCX_TLS leaves.
  static bool available(const std::string& transports);
  /// Null if it is not.
  static std::unique_ptr<ucx_channel> make(
      stream::executor_type on, const std::string& transports);

  /// By which the other end reaches this one; no text.
  virtual std::string address() const = 0;
  /// Once, before all else. False if UCX knows no way there; whether bytes get
  /// there is seen when they are sent.
  virtual bool reach(const std::string& address) = 0;
  /// A channel to the same process: when it ends, this one does. UCX alone
  /// tells late that a peer is gone, and over shared memory never.
  virtual void watch(std::unique_ptr<channel> bell) = 0;

  monitoring::wire over() const noexcept final { return monitoring::wire::ucx; }
};

} // namespace troupe::cluster
