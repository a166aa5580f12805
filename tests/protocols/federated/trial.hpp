#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "protocols/federated/decisions.hpp"

namespace troupe::federated {

/// A rule under test, with what it said to the last event in `said`.
template <class Rule>
class trial {
public:
  explicit trial(Rule r) : rule(std::move(r)) {}
  /// Clients 0 to n - 1 with one sample each, begun.
  trial(Rule r, client_id clients) : rule(std::move(r)) {
    for (client_id i = 0; i < clients; ++i)
      join(i);
    begin();
  }

  void join(client_id client, std::uint64_t samples = 1) {
    said.clear();
    rule.join(client, samples, now, said);
  }
  void leave(client_id client) {
    said.clear();
    rule.leave(client, now, said);
  }
  void begin(std::uint64_t incarnation = 0) {
    said.clear();
    rule.begin(incarnation, now, said);
  }
  verdict arrive(const arrival& update) {
    said.clear();
    return rule.arrive(update, now, said);
  }
  verdict arrive(const grant& g) {
    return arrive(arrival{g.lease, g.client, g.base});
  }
  void fail(const grant& g) {
    said.clear();
    rule.fail(g.lease, now, said);
  }
  void requeue(const grant& g) {
    said.clear();
    rule.requeue(g.lease, now, said);
  }
  void retract(const grant& g) {
    said.clear();
    rule.retract(g.lease, now, said);
  }
  void published() {
    said.clear();
    rule.published(now, said);
  }
  void wake() {
    said.clear();
    rule.wake(now, said);
  }

  Rule rule;
  decisions said;
  instant now{};
};

inline std::vector<client_id> clients_of(const std::vector<grant>& grants) {
  std::vector<client_id> clients;
  for (const auto& g : grants)
    clients.push_back(g.client);
  std::ranges::sort(clients);
  return clients;
}

} // namespace troupe::federated
