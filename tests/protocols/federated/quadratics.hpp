#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "protocols/federated/fedavg.hpp"
#include "tests/protocols/federated/trial.hpp"

namespace troupe::federated {

/// A client of one parameter x and the loss h / 2 (x - a)^2, which takes so
/// long to train, whatever the round.
struct quadratic_client {
  std::uint64_t samples = 1;
  double curvature = 1.0;
  double optimum = 1.0;
  duration time = std::chrono::seconds{1};
};

/// Clients that train by ten steps of gradient descent, on a virtual clock: as
/// they are granted, so that a round takes as long as the slowest that is
/// waited for.
class quadratics {
public:
  static constexpr double rate = 0.01;

  explicit quadratics(std::vector<quadratic_client> clients)
      : clients_(std::move(clients)) {}

  /// The loss of all clients, uniformly.
  double loss() const {
    double sum = 0.0;
    for (const auto& one : clients_)
      sum += loss_of(one);
    return sum / static_cast<double>(clients_.size());
  }
  double loss_of(const quadratic_client& one) const {
    const auto off = x_ - one.optimum;
    return one.curvature / 2.0 * off * off;
  }

  /// A round of the rule, which has just granted it; answers with how long it
  /// took.
  duration play(trial<fedavg>& t) {
    const auto opened = t.now;
    std::multimap<instant, grant> open;
    const auto begin = [&] {
      for (const auto& g : t.said.grants)
        open.emplace(t.now + clients_[g.client].time, g);
    };
    begin();
    double sum = 0.0, shares = 0.0;
    while (!open.empty()) {
      const auto [ends, g] = *open.begin();
      open.erase(open.begin());
      const auto& one = clients_[g.client];
      t.now = ends;
      const auto loss = loss_of(one);
      const auto v = t.arrive({.lease = g.lease,
          .client = g.client,
          .base = g.base,
          .samples = one.samples,
          .steps = 10,
          .loss = loss,
          .square_loss = loss * loss,
          .took = one.time});
      if (v.accepted()) {
        const auto kept = std::pow(1.0 - rate * one.curvature, 10);
        sum += v.weight * (1.0 - kept) * (one.optimum - x_);
        shares += v.share;
      }
      if (t.said.publish)
        break;
      begin();
    }
    x_ += sum / shares;
    t.published();
    return t.now - opened;
  }

  /// Until the loss of all is at most `target`, or a thousand rounds are over.
  duration time_to(double target, fedavg rule) {
    x_ = 0.0;
    trial<fedavg> t{std::move(rule)};
    for (client_id i = 0; i < clients_.size(); ++i)
      t.join(i, clients_[i].samples);
    t.begin();
    for (int round = 0; round < 1000 && loss() > target; ++round)
      play(t);
    return loss() > target ? duration::max() : t.now - instant{};
  }

private:
  std::vector<quadratic_client> clients_;
  double x_ = 0.0;
};

} // namespace troupe::federated
