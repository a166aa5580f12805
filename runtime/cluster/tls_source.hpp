#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "runtime/cluster/tls.hpp"

namespace troupe::cluster {

/// A directory's certificates for as long as a process lives: read again when
/// their files change, so that a revocation or a renewal counts from the next
/// connection on, without a restart. What cannot be read, or will not do,
/// leaves what was: whom to trust and what to show each for itself.
///
/// Thread-safe. Asking costs a look at four files.
class tls_source {
public:
  /// Throws as `tls_from` does.
  explicit tls_source(std::filesystem::path directory,
      const std::string& own_name = {}, files& disk = files::system());

  /// For the next connection.
  shared_tls now();
  /// Whether a peer's certificate (`peer_serial`) has been revoked since: its
  /// connection lives until someone asks, and ends it.
  bool is_revoked(const std::string& serial);
  /// What is wrong with the files as they are now; empty: nothing.
  std::string trouble();
  /// What this node's certificate calls it; for good.
  const std::string& own_name() const noexcept { return own_name_; }

private:
  struct stamp {
    std::int64_t changed = 0; // in ns
    std::uint64_t size = 0;
    std::uint64_t node = 0;
    bool operator==(const stamp&) const = default;
  };
  using stamps = std::vector<stamp>;

  std::filesystem::path own() const { return directory_ / (base_ + ".pem"); }
  stamps look() const;
  void take_trust();
  void take_own();
  void refresh();

  const std::filesystem::path directory_;
  const std::string base_; // of its own files' names
  files& disk_;
  std::mutex mutex_;
  stamps seen_;
  trusted trusted_;
  identity own_;
  const std::string own_name_;
  shared_tls tls_;
  std::set<std::string> revoked_;
  std::string trouble_;
};

} // namespace troupe::cluster
