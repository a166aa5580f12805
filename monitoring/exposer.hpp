#pragma once

#include <memory>
#include <string>

#include "monitoring/endpoint.hpp"
#include "monitoring/scrape.hpp"

namespace troupe::monitoring {

class targets;

/// Serves collectables over HTTP at /metrics, and where else some are served at
/// /sd, on a thread of its own, from construction to destruction. Keeps what it
/// serves alive; destroy it before anything that a collectable looks at.
///
/// GET and HEAD, one request a connection, compressed for whoever takes gzip.
/// A visitor who asks nothing or reads nothing is shown out after some seconds;
/// nobody waits for him meanwhile, and of too many the oldest goes first.
class exposer {
public:
  using collectables = monitoring::collectables;

  /// Throws std::runtime_error that names host, port, cause and way out when
  /// it cannot listen there.
  exposer(const endpoint& where, collectables what,
      std::shared_ptr<const targets> all = nullptr);
  ~exposer();

  /// Where it listens: the real port, also if 0 was asked for.
  const endpoint& where() const noexcept { return where_; }
  std::string url() const; ///< http://HOST:PORT/metrics

private:
  class server;

  endpoint where_;
  std::unique_ptr<server> server_;
};

} // namespace troupe::monitoring
