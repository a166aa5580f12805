#include "actors/parallel/executor.hpp"

#include <utility>

#include "actors/clocks.hpp"
#include "actors/computing/guard.hpp"
#include "protocols/errc.hpp"

namespace troupe::parallel {

executor_state::executor_state(executor::pointer self, executor_options options)
    : self_(self), options_(std::move(options)) {}

executor::behavior_type executor_state::make_behavior() {
  return {
      [this](const start_over& what) { begin(what); },
      [this](const muster& what) { attempt(what, [&] { meet(what); }); },
      [this](const advance& what) { attempt(what, [&] { make_steps(what); }); },
      [this](const assess& what) { attempt(what, [&] { score(what); }); },
      [this](const hand_over& what) { attempt(what, [&] { give(what); }); },
  };
}

// What is done for an epoch ends with it.
template <class What, class Work>
void executor_state::attempt(const What& what, Work&& work) {
  if (what.epoch != epoch_)
    return;
  try {
    work();
  } catch (const collective::group_error& e) {
    break_off(e.rank(), e.what(), false);
  } catch (const step_not_finite& e) {
    break_off(nobody, e.what(), true);
  } catch (...) {
    const auto why = guarded(errc::learner_failed, [] { throw; });
    break_off(nobody, text(why), agreement_ != nullptr);
  }
}

void executor_state::break_off(
    std::uint32_t blames, std::string why, bool fatal) {
  broken said{std::exchange(epoch_, 0), seat_, at_ ? at_->step() : 0, blames,
      std::move(why), fatal};
  agreement_.reset();
  group_.reset();
  if (!until_.stop_requested())
    send(self_, options_.reports_to, std::move(said));
}

void executor_state::begin(const start_over& what) {
  agreement_.reset();
  group_.reset();
  epoch_ = what.what.epoch;
  seat_ = what.what.seat;
  until_ = what.until;
  attempt(what.what, [&] {
    convened said{epoch_, seat_, has_state_, at_ ? at_->step() : 0, {}};
    if (what.what.opens)
      said.at = options_.room->open(what.what);
    send(self_, options_.reports_to, std::move(said));
  });
}

void executor_state::meet(const muster& what) {
  if (!at_)
    at_.emplace(options_.how, options_.what, options_.where);
  group_ = options_.room->meet(what, until_);
  agreement_ = make_agreement(options_.how, *group_);
  agreement_->begin(*at_, what);
  has_state_ = true;
  send(self_, options_.reports_to, mustered{epoch_, seat_});
}

void executor_state::make_steps(const advance& what) {
  advanced sums{epoch_, seat_, what.last};
  const auto since = wall_seconds();
  const auto sent = group_->bytes_sent();
  while (at_->step() < what.last) {
    const auto one = agreement_->make(*at_);
    at_->completed(at_->step() + 1);
    sums.samples += one.samples;
    sums.loss += one.loss;
    sums.computing += one.computing;
  }
  sums.seconds = wall_seconds() - since;
  sums.bytes = group_->bytes_sent() - sent;
  sums.cpu_seconds = cpu_since_last();
  send(self_, options_.reports_to, std::move(sums));
}

// Each its part of the test set, one behind the other.
void executor_state::score(const assess& what) {
  const auto part =
      gpu::range_of(group_->rank(), group_->ranks(), options_.test.size());
  const auto sums = at_->replica().evaluate(agreement_->parameters(*at_),
      options_.test.slice(part.first, part.size), until_);
  send(self_, options_.reports_to,
      assessed{epoch_, seat_, what.step, sums, cpu_since_last()});
}

void executor_state::give(const hand_over& what) {
  auto kept = agreement_->save(*at_);
  if (group_->rank() == 0)
    send(self_, options_.reports_to,
        handed{epoch_, seat_, what.step, std::move(kept.parameters),
            std::move(kept.blocks)});
}

double executor_state::cpu_since_last() {
  const auto now = thread_seconds();
  return now - std::exchange(cpu_seen_, now);
}

} // namespace troupe::parallel
