#include "actors/federated/aggregator.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/computing/guard.hpp"
#include "protocols/errc.hpp"
#include "protocols/federated/saved_rule.hpp"

// What becomes of versions: the press's side.

namespace troupe {

void aggregator_state::receive(const published& what) {
  // Of a version that is not made to its end, or not by all shards yet.
  if (!next_ || !ledger_.rounded(what.shard, what.step, what.sum))
    return;
  auto before = std::exchange(last_publication_, now_);
  if (before == instant{})
    before = first_lease_;
  const auto& made = next_->get();
  parameters_ = made.parameters;
  for (std::size_t i = 0; i < made.state.size(); ++i)
    blocks_[i].values = made.state[i];
  know_variate();
  next_.reset();
  tell(facts::published{what.version, plan_.round, tally_.updates(),
      rule_.accepted(), tally_.loss(), seconds(now_ - before), plan_.scale,
      ledger_.sum().weight, ledger_.sum().share, ledger_.sum().checksum,
      virtual_ ? seconds(virtual_->now().time_since_epoch()) : 0.0,
      plan_.variate});
  tally_.clear();
  client_states_.published();
  change_rule_if_due(what.version);
  // What a resumption needs, while no update of the next version is in it.
  states_[what.version] = store{what.version, parameters_, blocks_and_bases(),
      federated::save(rule_, virtual_), facts_.last(), rule_.accepted(), false,
      client_states_.counted(), {}, options_.header.promises_bits,
      configuration_};
  publication::orders todo;
  press_.made(what.version, now_, todo);
  follow(std::move(todo));
}

void aggregator_state::know_variate() {
  for (const auto& each : blocks_)
    if (options_.lends_variate && each.name == "variate")
      variate_ = each.values;
}

void aggregator_state::receive(const scored& what) {
  report_.compute_seconds += what.cpu_seconds;
  publication::orders todo;
  if (what.failed) {
    press_.unscored(what.version, now_, todo);
    follow(std::move(todo));
    if (what.failed != errc::stopped)
      end(run_outcome::failed,
          caf::make_error(errc::evaluation_failed,
              fmt::format("version {} could not be evaluated: {}", what.version,
                  text(what.failed))));
    return;
  }
  last_score_ = what.sums;
  tell(facts::evaluated{what.version, what.sums.samples, what.sums.loss(),
      what.sums.accuracy(), what.seconds});
  press_.scored(what.version, what.sums.accuracy(), now_, todo);
  flush();
  follow(std::move(todo));
}

void aggregator_state::receive(const stored& what) {
  tell(facts::stored{what.version, what.sha256, what.seconds,
      std::exchange(stored_, what.sha256)});
  settle_all(what.version);
  publication::orders todo;
  press_.stored(what.version, from_seconds(what.seconds), now_, todo);
  follow(std::move(todo));
}

void aggregator_state::receive(const storage_failed& what) {
  press_.lose_storage();
  end(run_outcome::failed, caf::make_error(errc::storage_failed, what.why));
}

void aggregator_state::follow(publication::orders what) {
  if (what.score)
    send(self_, crew_->evaluator, evaluate{*what.score, parameters_});
  if (what.call_off) {
    send(self_, crew_->evaluator, interrupt{});
    desk_.stop_parts(now_);
  }
  if (what.store)
    ask_to_store(*what.store);
  std::erase_if(states_,
      [this](const auto& entry) { return !press_.needs(entry.first); });
  if (what.reached)
    end(run_outcome::target_reached);
  if (what.open != publication::opening::none)
    open(what.open);
}

void aggregator_state::ask_to_store(version_id version) {
  auto state = std::move(states_.at(version));
  states_.erase(version);
  state.will_be_scored = press_.awaits_score(version);
  state.residents = met_;
  storing_states_ = state.states;
  flush();
  send(self_, crew_->scribe, std::move(state));
}

// What came while a version was being made is judged behind it: a version's
// facts, and its stored state, end where those of the next begin.
void aggregator_state::open(publication::opening how) {
  if (how == publication::opening::first)
    return gather();
  rule_.published(heard_at(), decisions_);
  carry_out();
  for (auto& one : std::exchange(early_, {}))
    if (!press_.is_open())
      early_.push_back(std::move(one));
    else if (!is_ending())
      admit(one);
}

} // namespace troupe
