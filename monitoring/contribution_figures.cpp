#include "monitoring/contribution_figures.hpp"

#include <algorithm>
#include <cstddef>

namespace troupe::monitoring {

contribution_figures::contribution_figures(figure_register& to)
    : contributors_(to.gauge("contributors",
          "Clients of which an update has counted in this process.")),
      fairness_(to.gauge("contribution_fairness",
          "Jain's index of accepted updates over all clients: 1 is even.")) {}

void contribution_figures::hear(const facts::run_started& what) {
  counts_.assign(static_cast<std::size_t>(what->clients), 0);
  clients_ = what->clients;
  some_ = sum_ = 0;
  squares_ = 0.0;
}

void contribution_figures::hear(const facts::client_joined& f) {
  of(f.client);
}

void contribution_figures::hear(const facts::accepted& f) {
  auto& count = of(f.client);
  some_ += count == 0;
  ++sum_;
  squares_ += 2.0 * count + 1.0; // (n + 1)^2 - n^2
  ++count;
}

void contribution_figures::flush() {
  if (sum_ == 0)
    return;
  contributors_.set(number(some_));
  fairness_.set(number(sum_) * number(sum_) / (number(clients_) * squares_));
}

std::uint32_t& contribution_figures::of(client_id client) {
  clients_ = std::max<std::uint64_t>(clients_, std::uint64_t{client} + 1);
  if (client >= counts_.size())
    counts_.resize(std::size_t{client} + 1);
  return counts_[client];
}

} // namespace troupe::monitoring
