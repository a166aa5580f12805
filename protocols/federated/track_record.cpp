#include "protocols/federated/track_record.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::federated {
namespace {

double number(double x) {
  return std::isfinite(x) ? x : 0.0;
}

} // namespace

const experience& track_record::of(client_id client) const noexcept {
  static const experience none;
  return client < clients_.size() ? clients_[client] : none;
}

void track_record::begin(std::span<const client_id> cohort) {
  open_.clear();
  for (auto client : cohort)
    open_.emplace(client, std::nullopt);
}

void track_record::heard(const arrival& x) {
  const auto square = x.square_loss > 0.0 ? x.square_loss : x.loss * x.loss;
  open_[x.client] = news{x.took, number(x.loss),
      number(static_cast<double>(x.samples) * std::sqrt(square))};
}

void track_record::gave_up(client_id client, duration time) {
  open_[client] = news{.took = time};
}

void track_record::retract(client_id client) {
  open_[client].reset();
}

double track_record::close(std::uint64_t round) {
  if (!open_.empty() && open_.rbegin()->first >= clients_.size())
    clients_.resize(std::size_t{open_.rbegin()->first} + 1);
  double utility = 0.0;
  for (const auto& [client, told] : open_) {
    auto& x = clients_[client];
    x.leased_in = round;
    if (!told)
      continue;
    ++x.times;
    x.total += told->took;
    if (!told->loss)
      continue;
    x.loss = *told->loss;
    utility += x.utility = told->utility;
  }
  open_.clear();
  return utility;
}

} // namespace troupe::federated
