#include "actors/federated/aggregator.hpp"

#include <algorithm>
#include <utility>

#include "gpu/aggregation/delta.hpp"

// In which order the rule hears of results: as they come, or as a virtual clock
// has them.

namespace troupe {

// While a version is made updates wait; failures do not, but in virtual order.
void aggregator_state::hear(lease_end what) {
  if (virtual_) {
    wait_for_turn(std::move(what));
  } else if (auto* failed = std::get_if<failure>(&what)) {
    fail(*failed, failed->lease);
    carry_out();
  } else if (auto& one = std::get<returned>(what); press_.is_open()) {
    admit(one);
  } else {
    early_.push_back(std::move(one));
  }
}

// What its lease has been given up for meanwhile counts for nobody.
void aggregator_state::wait_for_turn(lease_end what) {
  auto* one = std::get_if<returned>(&what);
  const auto lease = one ? one->lease : std::get<failure>(what).lease;
  if (virtual_->came(lease))
    waiting_.emplace(lease, std::move(what));
  else if (one)
    tell(facts::dropped{lease, one->what.client, one->what.result.base,
        federated::drop_reason::late, 0});
}

// What the rule hears of in virtual order, as far as it has come.
void aggregator_state::take_turns() {
  while (virtual_ && press_.is_open() && !is_ending()) {
    const auto turn = virtual_->next();
    if (!turn)
      return;
    if (!turn->lease) {
      rule_.wake(heard_at(), decisions_);
      carry_out();
      continue;
    }
    auto what = std::move(waiting_.extract(turn->trained_as).mapped());
    if (auto* failed = std::get_if<failure>(&what)) {
      virtual_->end(*turn->lease);
      fail(*failed, *turn->lease);
      carry_out();
    } else {
      auto& one = std::get<returned>(what);
      one.lease = *turn->lease;
      one.took = turn->took;
      admit(one);
    }
  }
}

// Its training was lost, through no fault of its client.
void aggregator_state::requeue(
    client_id client, lease_id trained_as, const gpu::shared_buffer& base) {
  tell(facts::requeued{trained_as, client});
  if (!virtual_)
    rule_.requeue(trained_as, now_, decisions_);
  else if (const auto grant = virtual_->again(trained_as))
    desk_.wait(*grant, base);
}

// In virtual order its result may be here, and wait for a turn that will not
// come.
void aggregator_state::give_up(lease_id lease, bool overdue) {
  const auto over = virtual_ ? virtual_->end(lease) : std::nullopt;
  if (over) {
    lease = over->trained_as;
    waiting_.erase(lease);
  }
  auto client = desk_.revoke(lease, now_);
  if (over)
    client = over->client;
  if (client)
    tell(facts::revoked{lease, *client, overdue});
}

// A base may be mixed in, though the ledger has not seen it.
void aggregator_state::know_bases() {
  for (const auto& [version, values] : bases_)
    ledger_.begins_beyond(
        version, gpu::largest_difference(values->span(), parameters_->span()));
}

// Leases that were open as the state was stored; the rule knows them.
void aggregator_state::resume_leases() {
  if (!virtual_)
    return;
  for (const auto& grant : virtual_->resume()) {
    const auto rules_id = virtual_->rules_id(grant.lease);
    if (rule_.share(rules_id) > 0.0)
      desk_.wait(grant, bases_.at(grant.base));
    else
      virtual_->end(rules_id);
  }
}

// The version that leases start from now; and what no lease starts from goes.
void aggregator_state::keep_base() {
  if (!bases_.emplace(press_.version(), parameters_).second)
    return;
  const auto used = virtual_->bases();
  std::erase_if(bases_, [&](const auto& entry) {
    return entry.first != press_.version() &&
           !std::ranges::binary_search(used, entry.first);
  });
}

// What a version is stored with.
named_blocks aggregator_state::blocks_and_bases() const {
  auto result = blocks_;
  if (virtual_)
    for (auto version : virtual_->bases())
      result.push_back({base_block(version), bases_.at(version)});
  return result;
}

} // namespace troupe
