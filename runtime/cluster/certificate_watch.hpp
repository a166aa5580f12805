#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "runtime/cluster/line.hpp"

namespace troupe::cluster {

/// A peer's certificate, for as long as its session lives.
struct shown_certificate {
  std::string serial;               ///< for `tls_source::is_revoked`
  std::chrono::sys_seconds until{}; ///< it expires
};

/// What the peer has shown; nothing in the clear. Belongs to the stream's
/// thread.
shown_certificate shown_by(stream& of);

/// Looks every second whether certificates that were good when their sessions
/// began are so still. One I/O thread's.
class certificate_watch {
public:
  /// Whether a serial has been revoked.
  using revocations = std::function<bool(const std::string& serial)>;
  /// Hears once what is wrong: "is revoked", "has expired".
  using verdict = std::function<void(line& with, const std::string& fault)>;

  certificate_watch(asio::io_context& on, revocations revoked, verdict found);

  /// From now on, until the session is over. None in the clear.
  void add(const std::shared_ptr<line>& with, shown_certificate of);
  void stop() { timer_.cancel(); }

private:
  struct session {
    std::weak_ptr<line> with;
    shown_certificate of;
  };

  void look_later();
  void look();
  std::string fault_of(const shown_certificate& one) const;

  revocations revoked_;
  verdict found_;
  std::vector<session> sessions_;
  asio::steady_timer timer_;
};

} // namespace troupe::cluster
