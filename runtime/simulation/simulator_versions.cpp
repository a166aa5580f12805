#include "runtime/simulation/simulator.hpp"

#include <utility>

#include "protocols/federated/saved_rule.hpp"

// What becomes of versions: the press's side.

namespace troupe::simulation {

void simulator::publish(const federated::publication& what) {
  press_.ask();
  ledger_.round();
  const auto [sum, step] = by_.publish(what);
  ledger_.rounded(0, step, sum);
  const auto before = std::exchange(last_publication_, now());
  tell(facts::published{what.version, what.round, tally_.updates(),
      rule_.accepted(), tally_.loss(), seconds(now() - before), what.scale,
      sum.weight, sum.share, sum.checksum, seconds(now().time_since_epoch()),
      what.variate});
  tally_.clear();
  states_.published();
  change_rule(what.version);
  if (stores()) // while no update of the next version is in it
    kept_[what.version] = store{what.version, by_.current(), blocks_and_bases(),
        federated::save(rule_, order_), facts_.last(), rule_.accepted(), false,
        states_.counted(), {}, true, configuration_};
  publication::orders todo;
  press_.made(what.version, now(), todo);
  follow(std::move(todo));
}

// As `aggregator_state::change_rule_if_due` has it; nobody asks from outside.
void simulator::change_rule(version_id behind) {
  const auto due = succession_.behind(behind);
  if (!due || is_ending())
    return;
  std::map<client_id, std::uint64_t> there;
  for (client_id i = 0; i < there_.size(); ++i)
    if (there_[i])
      there.emplace(i, plan_.samples[i]);
  tell(federated::change_rule({rule_, report_.rule, configuration_},
      plan_.make_successor, *due, behind, there, now(), decisions_));
  carry_out();
}

named_blocks simulator::blocks_and_bases() {
  auto result = by_.blocks();
  std::map<version_id, tensor> bases;
  open_.for_each([&](lease_id, const open_lease& one) {
    if (one.from && one.from->parameters)
      bases.emplace(one.base, one.from->parameters);
  });
  for (auto& [version, values] : bases)
    result.push_back({base_block(version), std::move(values)});
  return result;
}

// A score is there before anything else happens.
void simulator::follow(publication::orders what) {
  if (what.store)
    make_durable(*what.store);
  if (what.score)
    score(*what.score);
  std::erase_if(
      kept_, [this](const auto& entry) { return !press_.needs(entry.first); });
  if (what.reached)
    end(run_outcome::target_reached);
  if (what.open == publication::opening::none || is_ending())
    return;
  if (what.open == publication::opening::first) {
    rule_.begin(incarnation_, now(), decisions_);
    resume_leases();
  } else {
    rule_.published(now(), decisions_);
  }
  carry_out();
}

void simulator::score(version_id version) {
  const auto sums = by_.score();
  report_.final = sums;
  account_.scored(sums.accuracy(), now());
  tell(facts::evaluated{
      version, sums.samples, sums.loss(), sums.accuracy(), 0.0});
  publication::orders todo;
  press_.scored(version, sums.accuracy(), now(), todo);
  follow(std::move(todo));
}

void simulator::make_durable(version_id version) {
  publication::orders todo;
  if (stores()) {
    auto state = std::move(kept_.extract(version).mapped());
    state.will_be_scored = press_.awaits_score(version);
    flush();
    auto sha256 = record_.keep ? record_.keep(state) : std::string{};
    tell(facts::stored{version, sha256, 0.0, std::exchange(stored_, sha256)});
    if (plan_.dangers.crashes())
      durable_ = durable_state{std::move(state), report_.rule, succession_,
          std::move(sha256), account_};
    in_vain_ = 0;
  }
  press_.stored(version, {}, now(), todo);
  follow(std::move(todo));
}

} // namespace troupe::simulation
