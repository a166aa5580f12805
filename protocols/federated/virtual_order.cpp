#include "protocols/federated/virtual_order.hpp"

#include <algorithm>
#include <cassert>
#include <functional>
#include <set>
#include <utility>

namespace troupe::federated {

namespace {

// More than a century: behind it nothing takes time any more.
constexpr instant end_of_time{duration{4'000'000'000'000'000'000}};

} // namespace

void virtual_order::join(client_id client, std::uint64_t samples) {
  if (client >= samples_.size())
    samples_.resize(std::size_t{client} + 1);
  samples_[client] = samples;
}

grant virtual_order::begin(const grant& what, duration beside) {
  assert(!open_.find(what.lease));
  const auto room = end_of_time - std::min(now_, end_of_time);
  const record x{within_its_time(what), next_++, now_,
      now_ + std::min(takes(what) + beside, room)};
  rules_ids_.insert(x.trained_as, what.lease);
  queue(x);
  open_.insert(what.lease, x);
  return trained(x);
}

duration virtual_order::takes(const grant& what) const {
  return pace_.of(within_its_time(what), samples_of(what.client));
}

grant virtual_order::within_its_time(const grant& what) const {
  auto result = what;
  result.most_steps = pace_.steps_in_time(what, samples_of(what.client), now_);
  result.send_by = {};
  return result;
}

std::uint64_t virtual_order::samples_of(client_id client) const {
  return client < samples_.size() ? samples_[client] : 0;
}

grant virtual_order::trained(const record& x) {
  auto result = x.what;
  result.lease = x.trained_as;
  return result;
}

// Where most are over, the others move together.
void virtual_order::queue(const record& x) {
  if (order_.size() > 2 * open_.size() + 64) {
    std::erase_if(order_, [this](const place& at) {
      return !open_.find(std::get<lease_id>(at));
    });
    std::ranges::make_heap(order_, std::greater{});
  }
  order_.push_back(place_of(x));
  std::ranges::push_heap(order_, std::greater{});
}

// Of those that are open; null: none is.
virtual_order::record* virtual_order::first() {
  while (!order_.empty()) {
    if (auto* x = open_.find(std::get<lease_id>(order_.front())))
      return x;
    std::ranges::pop_heap(order_, std::greater{});
    order_.pop_back();
  }
  return nullptr;
}

std::optional<grant> virtual_order::again(lease_id trained_as) {
  if (!rules_ids_.find(trained_as))
    return std::nullopt;
  auto& x = *open_.find(rules_ids_.take(trained_as));
  x.came = false;
  x.trained_as = next_++;
  rules_ids_.insert(x.trained_as, x.what.lease);
  return trained(x);
}

bool virtual_order::came(lease_id trained_as) {
  const auto* rules_id = rules_ids_.find(trained_as);
  return rules_id && !std::exchange(open_.find(*rules_id)->came, true);
}

std::vector<grant> virtual_order::resume() {
  std::vector<record*> all;
  open_.for_each([&](lease_id, record& x) { all.push_back(&x); });
  std::ranges::sort(all, {}, [](const record* x) { return x->what.lease; });
  std::vector<grant> result;
  for (auto* x : all) {
    x->trained_as = next_++;
    rules_ids_.insert(x->trained_as, x->what.lease);
    queue(*x);
    result.push_back(trained(*x));
  }
  return result;
}

std::vector<version_id> virtual_order::bases() const {
  std::set<version_id> all;
  open_.for_each([&](lease_id, const record& x) { all.insert(x.what.base); });
  return {all.begin(), all.end()};
}

std::optional<instant> virtual_order::due() {
  const auto* x = first();
  if (wake_ && (!x || *wake_ < x->until))
    return std::max(now_, *wake_);
  return x ? std::optional{std::max(now_, x->until)} : std::nullopt;
}

std::optional<virtual_order::turn> virtual_order::next() {
  const auto* x = first();
  if (wake_ && (!x || *wake_ < x->until)) {
    now_ = std::max(now_, *wake_);
    wake_.reset();
    return turn{};
  }
  if (!x || !x->came)
    return std::nullopt;
  now_ = std::max(now_, x->until);
  return turn{x->what.lease, x->trained_as, x->until - x->since};
}

std::optional<virtual_order::ended> virtual_order::end(lease_id lease) {
  if (!open_.find(lease))
    return std::nullopt;
  const auto x = open_.take(lease);
  rules_ids_.take(x.trained_as);
  return ended{x.trained_as, x.what.client, x.what.base, x.came};
}

} // namespace troupe::federated
