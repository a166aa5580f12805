#include "actors/computing/accelerator.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "actors/clocks.hpp"
#include "actors/computing/guard.hpp"
#include "gpu/aggregation/norms.hpp"
#include "gpu/copy.hpp"
#include "gpu/training/control_variate.hpp"
#include "protocols/errc.hpp"

namespace troupe {
namespace {

// The device works on one stretch while the next one waits for it.
constexpr std::size_t most_under_way = 2;
// Stop tokens are looked at, and lanes filled, between stretches. They begin
// short, since tasks come in bursts and the first one should not run alone.
constexpr std::size_t fewest_steps = 1;
constexpr std::size_t most_steps = 32;
// Whoever is to stop waits for what is under way.
constexpr double longest_stretch = 0.1; // seconds
// Parts of a test set in a stretch: enough to hide the way there and back.
constexpr std::size_t most_scores = 4;
// A driver whose device has failed may never call back.
constexpr duration patience = std::chrono::seconds{1};

} // namespace

accelerator_state::accelerator_state(
    accelerator::pointer self, accelerator_options options)
    : self_(self), options_(std::move(options)), lanes_(options_.lanes) {
  assert(!lanes_.empty() && "a device without lanes never works");
}

accelerator::behavior_type accelerator_state::make_behavior() {
  return {
      [this](train_task& task) { take(task); },
      [this](evaluate_task& task) { score(task); },
      [this](device_reached what) { reach(what.ticket); },
  };
}

void accelerator_state::take(train_task& task) {
  assert(task.lane < lanes_.size());
  auto which = std::size_t{task.lane};
  auto turn = task.turn;
  if (turn < lanes_[which].turn)
    return;
  lanes_[which].waiting.try_emplace(turn, std::move(task));
  if (!ready())
    return;
  enter_next(which);
  go_on();
}

void accelerator_state::score(evaluate_task& task) {
  scores_.push_back(std::move(task));
  if (ready())
    go_on();
}

void accelerator_state::reach(std::uint64_t ticket) {
  if (ticket == 0) {
    look_after();
    return;
  }
  if (broken_)
    return;
  share_cpu();
  while (!under_way_.empty() && under_way_.front().ticket <= ticket) {
    auto done = std::move(under_way_.front());
    under_way_.pop_front();
    arrive(done);
  }
  drop_stopped();
  go_on();
}

// Time has passed since a stretch was queued. If it is done by now, fine; if
// not it is long, or the device has failed and nobody will say so by itself.
void accelerator_state::look_after() {
  auto expected = std::exchange(watched_, 0);
  if (broken_ || under_way_.empty())
    return;
  if (under_way_.front().ticket <= expected)
    examine();
  watched_ = under_way_.front().ticket;
  delay(self_, patience, device_reached{0});
}

// The context and all memory belong to this thread, so they are made here.
bool accelerator_state::ready() {
  if (broken_)
    return false;
  if (cohort_) {
    share_cpu();
    return true;
  }
  cpu_seen_ = thread_seconds();
  auto why = guarded(errc::device_failed, [this] {
    cohort_ = std::make_unique<training::cohort>(options_.what, options_.where,
        options_.lanes, options_.how, options_.products);
  });
  if (why)
    give_up(why);
  return !broken_;
}

// Training and scoring take turns. Lanes at work never wait for others to fill.
void accelerator_state::go_on() {
  while (!broken_ && under_way_.size() < most_under_way) {
    auto scores_next = at_work_ == 0 || !scored_last_;
    if (!scores_.empty() && scores_next)
      queue_scores();
    else if (at_work_ > 0)
      advance();
    else
      break;
  }
  if (under_way_.empty())
    steps_ = fewest_steps;
}

void accelerator_state::enter_next(std::size_t which) {
  auto& to = lanes_[which];
  while (!to.task && !broken_ && !to.waiting.empty() &&
         to.waiting.begin()->first == to.turn) {
    auto task = std::move(to.waiting.extract(to.waiting.begin()).mapped());
    ++to.turn;
    if (task.stop.stop_requested()) {
      refuse(task, caf::make_error(errc::stopped));
      continue;
    }
    auto why = guarded(errc::learner_failed, [&] {
      task.work.correction = training::correction(task.work.how,
          task.state.value(), task.variate.value(), task.parameters->size());
      cohort_->enter(which, task.parameters, task.work);
    });
    if (why) {
      refuse(task, std::move(why));
      examine();
      continue;
    }
    to.task = std::move(task);
    to.through = false;
    to.begun = wall_seconds();
    to.cpu_then = cpu_share_;
    ++taken_;
    ++at_work_;
  }
}

// Lanes whose time is over send what they have.
void accelerator_state::cut_short() {
  const auto now = wall_seconds();
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const auto& one = lanes_[i];
    if (!one.task || one.through)
      continue;
    const auto most = one.task->work.within.seconds;
    if ((one.task->send_by > 0.0 && now >= one.task->send_by) ||
        (most > 0.0 && now - one.begun >= most))
      cohort_->cut(i);
  }
}

void accelerator_state::advance() {
  scored_last_ = false;
  stretch next;
  auto why = guarded(errc::device_failed, [&] {
    cut_short();
    for (auto which : cohort_->advance(steps_))
      if (auto& one = lanes_[which]; one.task && !one.through)
        next.through.push_back({which, one.task->lease});
  });
  if (why == errc::out_of_memory) {
    drop_youngest(why);
    return;
  }
  if (why) {
    give_up(why);
    return;
  }
  for (const auto& each : next.through)
    lanes_[each.lane].through = true;
  at_work_ -= next.through.size();
  if (!slow_)
    steps_ = std::min(2 * steps_, most_steps);
  set_off(std::move(next));
}

void accelerator_state::queue_scores() {
  scored_last_ = true;
  stretch next;
  while (!scores_.empty() && next.scores.size() < most_scores) {
    scoring one{std::move(scores_.front()), cpu_share_};
    scores_.pop_front();
    caf::error why = caf::make_error(errc::stopped);
    if (!one.task.stop.stop_requested())
      why = guarded(errc::evaluation_failed,
          [&] { cohort_->score(one.task.parameters, one.task.data); });
    if (why) {
      send(self_, one.task.reply_to,
          evaluated_part{one.task.part, {}, 0.0, std::move(why)});
      continue;
    }
    send(self_, one.task.reply_to, part_begun{one.task.part, false});
    next.scores.push_back(std::move(one));
  }
  if (next.scores.empty())
    return;
  scoring_ += next.scores.size();
  set_off(std::move(next));
}

void accelerator_state::set_off(stretch what) {
  what.ticket = ++tickets_;
  auto why = guarded(errc::device_failed, [&] {
    cohort_->stream().notify([me = accelerator{self_}, ticket = what.ticket] {
      send_anonymously(me, device_reached{ticket});
    });
  });
  if (why) {
    give_up(why);
    return;
  }
  what.begun = wall_seconds();
  under_way_.push_back(std::move(what));
  if (watched_ == 0) {
    watched_ = tickets_;
    delay(self_, patience, device_reached{0});
  }
}

void accelerator_state::arrive(stretch& what) {
  auto now = wall_seconds();
  slow_ = now - std::max(what.begun, arrived_) > longest_stretch;
  arrived_ = now;
  if (slow_)
    steps_ = std::max(steps_ / 2, fewest_steps);
  for (const auto& each : what.through) {
    const auto& task = lanes_[each.lane].task;
    // It may have left since, and another client may be in its place.
    if (task && task->lease == each.lease)
      finish(each.lane);
  }
  for (const auto& each : what.scores)
    answer(each);
  for (const auto& each : what.through)
    enter_next(each.lane);
}

void accelerator_state::finish(std::size_t which) {
  auto& of = lanes_[which];
  if (of.task->stop.stop_requested()) {
    drop(which, caf::make_error(errc::stopped));
    return;
  }
  const auto& task = *of.task;
  trained result;
  auto why = guarded(errc::learner_failed, [&] {
    auto made = cohort_->take(which);
    result = {task.lease, task.work.version, made.sums,
        wall_seconds() - of.begun, cpu_share_ - of.cpu_then,
        std::move(made.delta), made.largest};
    result.too_large =
        options_.max_norm > 0.0 && is_too_large(*result.delta.here);
    if (task.work.how.keeps_variates())
      result.state = tensor{next_variate(task, result)};
  });
  if (why) {
    drop(which, std::move(why));
    examine();
    return;
  }
  send(self_, task.reply_to,
      update{client_id(task.work.client), std::move(result)});
  of.task.reset();
  --taken_;
}

// Its stretch is done, so that nobody else has to be waited for.
gpu::device_stream& accelerator_state::measuring(const gpu::buffer& delta) {
  if (!measuring_)
    measuring_.emplace(delta.where());
  return *measuring_;
}

bool accelerator_state::is_too_large(const gpu::buffer& delta) {
  const auto one = delta.span();
  return !(
      gpu::norms(measuring(delta), {&one, 1}).front() <= options_.max_norm);
}

gpu::shared_buffer accelerator_state::next_variate(
    const train_task& task, const trained& result) {
  const auto& delta = *result.delta.here;
  gpu::buffer here{delta.size()};
  gpu::copy<float>(measuring(delta), delta.span(), here.span());
  measuring(delta).synchronise();
  return training::next_variate(task.work.how, task.work.version,
      task.state.value(), task.work.correction, here.span(),
      result.outcome.steps);
}

void accelerator_state::drop(std::size_t which, caf::error why) {
  auto& from = lanes_[which];
  if (cohort_->busy(which))
    if (auto broken =
            guarded(errc::device_failed, [&] { cohort_->leave(which); }))
      give_up(broken);
  refuse(*from.task, std::move(why));
  from.task.reset();
  --taken_;
  if (!from.through)
    --at_work_;
}

void accelerator_state::drop_stopped() {
  for (std::size_t i = 0; i < lanes_.size() && taken_ > 0; ++i)
    if (lanes_[i].task && lanes_[i].task->stop.stop_requested()) {
      drop(i, caf::make_error(errc::stopped));
      enter_next(i);
    }
}

// Whoever came last asked for more than there is.
void accelerator_state::drop_youngest(const caf::error& why) {
  std::size_t youngest = lanes_.size();
  for (std::size_t i = 0; i < lanes_.size(); ++i)
    if (lanes_[i].task && !lanes_[i].through &&
        (youngest == lanes_.size() ||
            lanes_[i].begun >= lanes_[youngest].begun))
      youngest = i;
  drop(youngest, why);
  enter_next(youngest);
}

void accelerator_state::answer(const scoring& one) {
  --scoring_;
  evaluated_part result{one.task.part, {}, cpu_share_ - one.cpu_then, {}};
  result.failed = guarded(
      errc::evaluation_failed, [&] { result.sums = cohort_->take_score(); });
  send(self_, one.task.reply_to, std::move(result));
}

void accelerator_state::refuse(const train_task& task, caf::error why) {
  send(self_, task.reply_to,
      failure{client_id(task.work.client), task.lease, std::move(why)});
}

// A device that has failed once fails whatever it is asked from then on.
void accelerator_state::examine() {
  auto why =
      guarded(errc::device_failed, [this] { cohort_->stream().notify([] {}); });
  if (why)
    give_up(why);
}

void accelerator_state::give_up(const caf::error& why) {
  if (std::exchange(broken_, true))
    return;
  self_->quit(caf::make_error(errc::device_failed,
      fmt::format("{}: {}", gpu::to_string(options_.where), text(why))));
}

// Everybody here has an equal part in the time that passes.
void accelerator_state::share_cpu() {
  auto heads = taken_ + scoring_;
  if (heads == 0)
    return;
  auto now = thread_seconds();
  cpu_share_ += (now - std::exchange(cpu_seen_, now)) / double(heads);
}

} // namespace troupe
