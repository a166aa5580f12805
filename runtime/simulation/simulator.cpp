#include "runtime/simulation/simulator.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/computing/guard.hpp"
#include "protocols/errc.hpp"
#include "protocols/federated/why_it_ended.hpp"
#include "protocols/messages.hpp"

namespace troupe::simulation {
namespace {

constexpr std::size_t flush_size = 1024;

const loan nothing;

caf::error diverged(float largest, double weight) {
  return caf::make_error(errc::update_not_finite,
      fmt::format("it diverged: a parameter changed by {:.3g}, and at most "
                  "{:.3g} can be summed exactly at this weight",
          largest, gpu::most_admissible(weight)));
}

publication::finish finish_of(run_outcome how) noexcept {
  if (how == run_outcome::failed)
    return publication::finish::failed;
  return how == run_outcome::completed ? publication::finish::completed
                                       : publication::finish::stopped;
}

} // namespace

simulator::simulator(plan what, workshop& by, record to)
    : plan_(std::move(what)),
      by_(by),
      record_(std::move(to)),
      succession_(plan_.switches),
      account_(plan_.samples.size(), by.parameters()),
      there_(plan_.samples.size(), true),
      stored_(plan_.header.sha256) {
  register_messages(); // errors and saved rules are values of CAF's
  incarnation_ = plan_.header.incarnation;
}

run_report simulator::run(std::stop_token stop) {
  start();
  while (!is_ending())
    if (stop.stop_requested())
      end(run_outcome::interrupted);
    else
      step();
  return finish();
}

void simulator::start() {
  if (plan_.dangers.crashes())
    first_ = durable_state{{0, by_.current(), by_.blocks(), {}, 0, 0},
        plan_.header.rule, succession_, stored_, account_};
  expect_all();
  go_on(nullptr);
}

void simulator::step() {
  const auto due = order_->due();
  const auto* beside = agenda_.first();
  if (beside && (due ? beside->at < *due : starved_))
    return happen();
  const auto turn = order_->next();
  if (!turn)
    return end(run_outcome::failed,
        caf::make_error(errc::starved,
            std::string{"nobody trains, and nobody is waited for"} +
                last_failure_));
  if (turn->lease)
    take_turn(*turn);
  else
    rule_.wake(now(), decisions_);
  carry_out();
  if (facts_.size() >= flush_size)
    flush();
}

run_report simulator::finish() {
  report_.version = press_.version();
  report_.parameters = by_.current();
  report_.updates = rule_.accepted();
  report_.scored = press_.has_score();
  report_.best_version = press_.best_version();
  report_.best_accuracy = press_.best_accuracy();
  report_.training_seconds = seconds(last_publication_.time_since_epoch());
  tell(facts::run_ended{to_string(report_.outcome),
      report_.why ? text(report_.why) : std::string{}, press_.version()});
  flush();
  return std::move(report_);
}

// What a client trains from was taken back meanwhile: it trains anew, to the
// same time.
void simulator::take_turn(const federated::virtual_order::turn& turn) {
  const auto lease = *turn.lease;
  auto one = open_.take(lease);
  if (!states_.holds(one.trained_as, one.client)) {
    tell_lease(facts::requeued{one.trained_as, one.client});
    if (const auto again = order_->again(one.trained_as)) {
      auto anew = leased(*again);
      anew.since = one.since;
      anew.again = one.again;
      anew.result = one.result;
      lend(std::move(anew), lease);
    }
    return;
  }
  order_->end(lease);
  auto counts = false;
  if (one.result == fate::result::is_lost) {
    tell_lease(facts::requeued{one.trained_as, one.client});
    rule_.requeue(lease, now(), decisions_);
  } else if (one.result == fate::result::fails) {
    fail(one, lease,
        caf::make_error(
            errc::learner_failed, std::string{"it failed, as simulated"}));
  } else if (auto what = trained(one, lease)) {
    account_.sent();
    counts = admit(one, *what, lease, turn.took);
    if (one.again > duration{})
      echoes_[agenda_.put(
          {.at = now() + one.again, .what = occasion::kind::echo})] = {
          std::move(one), std::move(*what), lease, incarnation_};
  }
  account_.ended(now(), counts ? duration{} : turn.took);
}

simulator::open_lease simulator::leased(const federated::grant& what) {
  open_lease result{what.lease, what.client, what.work, what.base,
      what.most_steps, nullptr, now(), {}, fate::result::comes};
  auto from = by_.lend();
  from.state = states_.offered(what.lease, what.client);
  if (!from.empty())
    result.from = std::make_unique<loan>(std::move(from));
  return result;
}

// It is there when its turn comes.
void simulator::lend(open_lease one, lease_id rules_id) {
  tell_lease(facts::leased{one.trained_as, one.client, one.base});
  order_->came(one.trained_as);
  open_.insert(rules_id, std::move(one));
}

std::optional<product> simulator::trained(
    const open_lease& one, lease_id rules_id) {
  product result;
  const federated::grant what{.lease = one.trained_as,
      .client = one.client,
      .base = one.base,
      .work = one.work,
      .most_steps = one.most_steps};
  const auto why = guarded(errc::learner_failed,
      [&] { result = by_.train(what, one.from ? *one.from : nothing); });
  if (!why)
    return result;
  fail(one, rules_id, why);
  return std::nullopt;
}

// As `aggregator_state::admit` has it. True: it counts.
bool simulator::admit(const open_lease& one, const product& what,
    lease_id rules_id, duration took) {
  const auto share = rule_.share(rules_id);
  if (share > 0.0 &&
      ledger_.admission_of(what.largest, share) != gpu::admission::added) {
    fail(one, rules_id, diverged(what.largest, share));
    return false;
  }
  if (share > 0.0 && what.too_large) {
    tell_lease(facts::dropped{one.trained_as, one.client, one.base,
        federated::drop_reason::too_large, 0});
    rule_.fail(rules_id, now(), decisions_);
    return false;
  }
  const auto& o = what.outcome;
  const auto how =
      rule_.arrive({rules_id, one.client, one.base, o.samples, o.steps, o.loss,
                       o.square_loss, took, o.partial},
          now(), decisions_);
  return count(one, what, how, rules_id, took);
}

bool simulator::count(const open_lease& one, const product& what,
    const federated::verdict& how, lease_id rules_id, duration took) {
  const auto lease = one.trained_as;
  const auto client = one.client;
  const auto base = one.base;
  if (!how.accepted()) {
    tell_lease(facts::dropped{lease, client, base, how.why, how.staleness});
    return false;
  }
  const auto largest =
      how.mix ? ledger_.mixed(what.largest, base) : what.largest;
  const auto most = std::max({how.weight, how.share, how.drift});
  if (ledger_.admission_of(largest, most) != gpu::admission::added) {
    const auto why = diverged(largest, most);
    last_failure_ =
        fmt::format("; the last one, client {}: {}", client, text(why));
    tell_lease(facts::client_failed{lease, client, text(why), code(why)});
    rule_.retract(rules_id, now(), decisions_);
    return false;
  }
  const auto checksum = by_.add(what, one.from ? *one.from : nothing, how);
  ledger_.give(largest, how.weight, how.share);
  const auto& o = what.outcome;
  tell_lease(facts::accepted{lease, client, base, how.staleness, o.samples,
      o.steps, how.weight, how.share, o.loss, seconds(took), how.mix, false,
      one.work, checksum, how.drift});
  report_.steps += o.steps;
  states_.accepted(client, what.state);
  tally_.add(lease, client, how.weight, o.loss);
  succession_.accepted(took);
  account_.accepted(client, how.staleness);
  return true;
}

void simulator::fail(
    const open_lease& one, lease_id rules_id, const caf::error& why) {
  auto words = text(why);
  last_failure_ =
      fmt::format("; the last one, client {}: {}", one.client, words);
  tell_lease(facts::client_failed{
      one.trained_as, one.client, std::move(words), code(why)});
  rule_.fail(rules_id, now(), decisions_);
}

void simulator::give_up(lease_id rules_id, bool overdue) {
  const auto over = order_->end(rules_id);
  if (!over)
    return;
  account_.ended(now(), now() - open_.take(rules_id).since);
  tell_lease(facts::revoked{over->trained_as, over->client, overdue});
}

// In the order that `decisions` has, but for the version: clients are leased
// from the one before it, which is out.
void simulator::carry_out() {
  const auto todo = std::exchange(decisions_, {});
  for (auto lease : todo.revoked)
    give_up(lease, std::ranges::binary_search(todo.overdue, lease));
  for (const auto& s : todo.skipped) {
    tell(facts::round_skipped{s.round, s.accepted, s.needed});
    tally_.clear();
    succession_.discard();
    ledger_.discard();
    states_.discard();
    by_.discard();
  }
  if (const auto& begun = todo.round_started)
    tell_lease(
        facts::round_started{begun->round, begun->cohort, press_.version()});
  for (const auto& grant : todo.grants) {
    const auto fate = plan_.dangers.of(grant, 4.0 * double(by_.parameters()));
    const auto beside =
        fate.beside + plan_.dangers.slower(plan_.pace, grant, plan_.samples);
    const auto cut = plan_.dangers.cut_off(
        grant.client, now(), order_->takes(grant) + beside);
    const auto what = order_->begin(grant, beside + cut);
    auto one = leased(what);
    one.result = fate.what;
    one.again = fate.again.value_or(duration{});
    account_.lent(now());
    lend(std::move(one), grant.lease);
  }
  if (todo.wake)
    order_->wake_at(*todo.wake);
  if (todo.publish)
    publish(*todo.publish);
  if (todo.end)
    end(*todo.end);
}

void simulator::end(federated::ending how) {
  starved_ = how == federated::ending::starved && plan_.dangers.moves();
  if (starved_) // somebody may come
    return;
  auto why = federated::why_it_failed(
      how, press_.version(), rule_.round(), last_failure_);
  end(why ? run_outcome::failed : run_outcome::completed, std::move(why));
}

// The first reason to end counts.
void simulator::end(run_outcome how, caf::error why) {
  if (is_ending())
    return;
  ending_ = true;
  report_.outcome = how;
  report_.why = std::move(why);
  publication::orders todo;
  press_.end(finish_of(how), now(), todo);
  follow(std::move(todo));
}

void simulator::flush() {
  if (facts_.size() > 0)
    record_.tell(facts_.take());
}

} // namespace troupe::simulation
