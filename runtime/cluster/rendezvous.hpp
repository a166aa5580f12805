#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runtime/cluster/certificate_watch.hpp"
#include "runtime/cluster/dialler.hpp"
#include "runtime/cluster/lending.hpp"
#include "runtime/cluster/line.hpp"
#include "runtime/cluster/node_watch.hpp"
#include "runtime/cluster/tls_source.hpp"

namespace troupe::cluster {

/// A session that has begun.
struct session {
  std::uint64_t number = 0;
  std::shared_ptr<line> at;
  welcome told;
  std::string own_host; ///< of this end of it: the coordinator's peers reach it
};

/// Where a node meets its coordinator, again and again: it dials with back-off
/// and jitter, says who it is and how it computes, and hears whether it is
/// welcome.
class rendezvous {
public:
  /// To people.
  using voice = std::function<void(const std::string&)>;
  /// False: the node leaves.
  using pause = std::function<bool(clock::duration)>;
  static constexpr clock::duration shortest_pause =
      std::chrono::milliseconds{100};

  rendezvous(const join_options& how, std::shared_ptr<node_watch> watch,
      asio::io_context& on, voice say);

  /// Waits for an answer as long as `rest` allows; none: the node leaves before
  /// there is one. Throws `refused`. Where the run computes by other kernels of
  /// this machine's, the process begins again with those.
  std::optional<session> meet(const pause& rest);

  /// As its certificate, if it has one.
  const std::string& name() const noexcept { return name_; }
  void is_called(const std::string& name) { name_ = name; }
  dial_options dialling() const;

private:
  std::optional<session> try_once(std::string& why);
  void meet_halfway(const lower& what) const;
  void watch_certificate(const std::shared_ptr<line>& at, connection& over);

  const join_options& how_;
  std::string name_;
  std::shared_ptr<node_watch> watch_;
  asio::io_context& on_;
  voice say_;
  std::unique_ptr<tls_source> tls_;
  std::unique_ptr<certificate_watch> certificates_;
};

} // namespace troupe::cluster
