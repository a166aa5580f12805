#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "monitoring/endpoint.hpp"
#include "protocols/facts.hpp"

namespace troupe::monitoring {

/// Where figures of a run are served: here, and at its nodes that serve their
/// own and are there now. Any thread may ask.
class targets {
public:
  void hear(const facts::node_joined& f);
  void hear(const facts::node_serves& f);
  void hear(const facts::node_left& f);

  /// In the words of Prometheus' HTTP service discovery, for whoever knows this
  /// process by the name `asked`:
  ///
  ///     [{"targets":["10.0.0.1:9464"],"labels":{"role":"coordinator"}},
  ///      {"targets":["10.0.0.2:9464"],"labels":{"role":"node",
  ///                                             "node":"alpha"}}]
  ///
  /// A node that serves at every address of its machine is named by the one
  /// that it has joined from; one that serves at loopback is named if that is
  /// this machine's.
  std::string text(const endpoint& here, std::string_view asked) const;

private:
  struct node {
    std::string joined_from{};
    std::string serves_at{};
  };

  mutable std::mutex guard_;
  std::map<std::string, node> nodes_; ///< by name
};

} // namespace troupe::monitoring
