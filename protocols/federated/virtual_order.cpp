#include "protocols/federated/virtual_order.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace troupe::federated {

void virtual_order::join(client_id client, std::uint64_t samples) {
  if (client >= samples_.size())
    samples_.resize(std::size_t{client} + 1);
  samples_[client] = samples;
}

grant virtual_order::begin(const grant& what) {
  assert(!open_.contains(what.lease));
  const auto samples =
      what.client < samples_.size() ? samples_[what.client] : 0;
  auto granted = what;
  granted.most_steps = pace_.steps_in_time(what, samples, now_);
  granted.send_by = {};
  const record x{granted, next_++, now_, now_ + pace_.of(granted, samples)};
  rules_ids_.emplace(x.trained_as, what.lease);
  order_.insert(place_of(x));
  open_.emplace(what.lease, x);
  return trained(x);
}

grant virtual_order::trained(const record& x) {
  auto result = x.what;
  result.lease = x.trained_as;
  return result;
}

std::optional<grant> virtual_order::again(lease_id trained_as) {
  const auto found = rules_ids_.find(trained_as);
  if (found == rules_ids_.end())
    return std::nullopt;
  auto& x = open_.at(found->second);
  rules_ids_.erase(found);
  x.came = false;
  x.trained_as = next_++;
  rules_ids_.emplace(x.trained_as, x.what.lease);
  return trained(x);
}

bool virtual_order::came(lease_id trained_as) {
  const auto found = rules_ids_.find(trained_as);
  if (found == rules_ids_.end())
    return false;
  return !std::exchange(open_.at(found->second).came, true);
}

std::vector<grant> virtual_order::resume() {
  std::vector<grant> result;
  for (auto& [lease, x] : open_) {
    x.trained_as = next_++;
    rules_ids_.emplace(x.trained_as, lease);
    order_.insert(place_of(x));
    result.push_back(trained(x));
  }
  return result;
}

std::vector<version_id> virtual_order::bases() const {
  std::set<version_id> all;
  for (const auto& [lease, x] : open_)
    all.insert(x.what.base);
  return {all.begin(), all.end()};
}

std::optional<virtual_order::turn> virtual_order::next() {
  const auto* first =
      order_.empty() ? nullptr : &open_.at(std::get<lease_id>(*order_.begin()));
  if (wake_ && (!first || *wake_ < first->until)) {
    now_ = std::max(now_, *wake_);
    wake_.reset();
    return turn{};
  }
  if (!first || !first->came)
    return std::nullopt;
  now_ = std::max(now_, first->until);
  return turn{
      first->what.lease, first->trained_as, first->until - first->since};
}

std::optional<virtual_order::ended> virtual_order::end(lease_id lease) {
  const auto found = open_.find(lease);
  if (found == open_.end())
    return std::nullopt;
  const auto& x = found->second;
  const ended result{x.trained_as, x.what.client, x.what.base, x.came};
  order_.erase(place_of(x));
  rules_ids_.erase(x.trained_as);
  open_.erase(found);
  return result;
}

} // namespace troupe::federated
