#pragma once

#include <memory>
#include <string>
#include <vector>

#include "monitoring/endpoint.hpp"

namespace prometheus {
class Collectable;
class Exposer;
} // namespace prometheus

namespace troupe::monitoring {

/// Serves collectables over HTTP at /metrics, on threads of its own, from
/// construction to destruction. Keeps what it serves alive; destroy it before
/// anything that a collectable looks at.
class exposer {
public:
  using collectables = std::vector<std::shared_ptr<prometheus::Collectable>>;

  /// Throws std::runtime_error that names host, port, cause and way out when
  /// it cannot listen there.
  exposer(const endpoint& where, collectables what);
  ~exposer();

  /// Where it listens: the real port, also if 0 was asked for.
  const endpoint& where() const noexcept { return where_; }
  std::string url() const; ///< http://HOST:PORT/metrics

private:
  endpoint where_;
  endpoint bound_; ///< the same, its host an address
  collectables what_;
  std::unique_ptr<prometheus::Exposer> server_;
};

} // namespace troupe::monitoring
