#include "protocols/parallel/mesh.hpp"

#include <algorithm>
#include <utility>

namespace troupe::parallel {
namespace {

constexpr std::size_t ahead = 2;     // stretches under way
constexpr step_id longest = 1 << 16; // steps of one
constexpr step_id growth = 4;        // of a stretch, to the one before

template <class What>
void say(decisions& out, What what) {
  out.emplace_back(std::in_place_type<What>, std::move(what));
}

} // namespace

mesh::mesh(mesh_settings how, state_held at, std::uint64_t incarnation)
    : settings_(how),
      epoch_(incarnation << 32),
      made_(at.step),
      ordered_(at.step),
      published_(at.step),
      first_score_(how.scores_first),
      scored_(at.step),
      held_(std::move(at)) {}

void mesh::begin(instant now, decisions& out) {
  broke_ = now;
  stage_ = stage::gathering;
  if (made_ >= settings_.steps && !first_score_)
    return end(ended::how::completed, {}, out);
  gather(now, out);
}

void mesh::sit(seat_id seat, bool local, instant now, decisions& out) {
  seats_[seat].local = local;
  if (stage_ == stage::gathering)
    gather(now, out);
}

void mesh::leave(const std::vector<seat_id>& seats, const std::string& why,
    instant now, decisions& out) {
  const auto at_work = !over() && stage_ != stage::ending;
  bool member = false;
  for (const auto seat : seats) {
    const auto rank = rank_of(seat);
    if (seats_.erase(seat) == 0 || !rank || !at_work)
      continue;
    say(out, lost{seat, *rank, made_, why, epoch_});
    member = true;
  }
  if (at_work && stage_ == stage::gathering)
    gather(now, out);
  else if (member && stage_ != stage::idle)
    regroup(why, now, out);
}

// Whoever is there is asked anew; too few wait for more.
void mesh::regroup(const std::string& why, instant now, decisions& out) {
  if (stage_ == stage::stepping || stage_ == stage::resting)
    broke_ = now;
  why_ = why;
  members_.clear();
  stretches_.clear();
  scoring_ = 0;
  handing_ = false;
  stage_ = stage::gathering;
  gather(now, out);
}

void mesh::gather(instant now, decisions& out) {
  const auto have = static_cast<std::uint32_t>(seats_.size());
  const auto needed = begun_ ? settings_.least : settings_.wanted;
  if (have >= needed) {
    if (waiting_)
      say(out, waits{have, 0});
    waiting_ = false;
    return convene_all(now, out);
  }
  alarm_.reset();
  if (stopping_)
    return finish(out);
  if (begun_ && !settings_.open)
    return fail(why_, out);
  wait(have, needed, now, out);
}

void mesh::wait(
    std::uint32_t have, std::uint32_t needed, instant now, decisions& out) {
  if (!waiting_ || have != waiting_have_)
    say(out, waits{have, needed});
  if (!std::exchange(waiting_, true))
    waiting_since_ = now;
  waiting_have_ = have;
  if (settings_.stands_still)
    alarm_ = waiting_since_ + *settings_.stands_still;
}

void mesh::wait_no_more(instant now, decisions& out) {
  using membership::resort;
  const auto have = static_cast<std::uint32_t>(seats_.size());
  if (settings_.then == resort::interrupt)
    return stop(now, out);
  if (settings_.then == resort::go_on && have >= settings_.least) {
    begun_ = true;
    return gather(now, out);
  }
  const auto needed = begun_ ? settings_.least : settings_.wanted;
  fail(std::to_string(have) + " of " + std::to_string(needed) +
           " ranks are there, and no other has come",
      out);
}

void mesh::convene_all(instant now, decisions& out) {
  stage_ = stage::convening;
  begun_ = true;
  ++epoch_;
  alarm_ = now + settings_.patience;
  members_.clear();
  for (auto& [seat, state] : seats_) {
    if (members_.size() == settings_.wanted)
      break;
    state = {state.local, false, 0, {}, true, {}};
    members_.push_back(seat);
  }
  for (const auto seat : members_)
    say(out,
        order{seat, convene{epoch_, seat, ranks(), seat == members_.front()}});
}

void mesh::hear(const convened& what, instant now, decisions& out) {
  if (stage_ != stage::convening || !is_member(what.epoch, what.seat))
    return;
  auto& of = seats_[what.seat];
  of.has_state = what.has_state && !settings_.sharded;
  of.step = what.step;
  of.at = what.at;
  of.owes = false;
  if (nobody_owes())
    muster_all(now, out);
}

// Who has made most steps is followed; where nobody has any, what was handed
// over last goes to whoever is nearest.
void mesh::muster_all(instant now, decisions& out) {
  stage_ = stage::mustering;
  alarm_ = now + settings_.patience;
  std::optional<std::uint32_t> root;
  for (std::uint32_t rank = 0; rank < ranks(); ++rank) {
    const auto& one = seats_[members_[rank]];
    if (one.has_state && one.step >= held_.step &&
        (!root || one.step > seats_[members_[*root]].step))
      root = rank;
  }
  const auto nobody_has = !root;
  const auto given = !root && held_.parameters;
  go_to(root ? seats_[members_[*root]].step : held_.step, out);
  if (!root)
    root = first_local();
  const auto at = seats_[members_.front()].at;
  for (std::uint32_t rank = 0; rank < ranks(); ++rank) {
    muster one{epoch_, members_[rank], rank, ranks(), at, *root, made_};
    one.from_seed = made_ == 0 && !given && nobody_has;
    if (given && rank == *root)
      one.parameters = held_.parameters, one.blocks = held_.blocks;
    seats_[members_[rank]].owes = true;
    say(out, order{members_[rank], std::move(one)});
  }
}

// Versions behind what it goes back to are made again.
void mesh::go_to(step_id step, decisions& out) {
  if (step > made_)
    say(out, stretch{made_, step, 0, {epoch_}});
  if (step < made_) {
    samples_ = 0;
    loss_ = 0.0;
  }
  made_ = ordered_ = step;
  published_ = std::min(published_, step);
  scored_ = std::min(scored_, step);
}

std::uint32_t mesh::first_local() const {
  for (std::uint32_t rank = 0; rank < ranks(); ++rank)
    if (seats_.at(members_[rank]).local)
      return rank;
  return 0;
}

void mesh::hear(const mustered& what, instant now, decisions& out) {
  if (stage_ != stage::mustering || !is_member(what.epoch, what.seat))
    return;
  seats_[what.seat].owes = false;
  if (!nobody_owes())
    return;
  stage_ = stage::stepping;
  alarm_.reset();
  say(out, formed{epoch_, members_, made_, now - broke_, why_});
  go_on(now, out);
}

void mesh::hear(const advanced& what, instant now, decisions& out) {
  if (stage_ != stage::stepping || !is_member(what.epoch, what.seat))
    return;
  auto& of = seats_[what.seat];
  of.reports.push_back(what);
  of.step = what.last;
  while (!stretches_.empty() && all_have_reported())
    settle_stretch(out);
  go_on(now, out);
}

bool mesh::all_have_reported() const noexcept {
  return std::ranges::all_of(members_,
      [this](seat_id seat) { return !seats_.at(seat).reports.empty(); });
}

void mesh::settle_stretch(decisions& out) {
  stretch all{made_, stretches_.front(), ranks(), {}};
  all.sums.epoch = epoch_;
  for (const auto seat : members_) {
    auto& reports = seats_[seat].reports;
    const auto& one = reports.front();
    all.sums.samples += one.samples;
    all.sums.loss += one.loss;
    all.sums.seconds = std::max(all.sums.seconds, one.seconds);
    all.sums.computing += one.computing / ranks();
    all.sums.bytes += one.bytes;
    all.sums.cpu_seconds += one.cpu_seconds;
    reports.pop_front();
  }
  const auto steps = static_cast<double>(all.last - all.first);
  const auto fitting = all.sums.seconds > 0.0 ? seconds(settings_.stretch) *
                                                    steps / all.sums.seconds
                                              : static_cast<double>(longest);
  pace_ = std::clamp<step_id>(
      static_cast<step_id>(std::min(fitting, double(longest))), 1,
      std::min(longest, pace_ * growth));
  stretches_.pop_front();
  made_ = all.last;
  samples_ += all.sums.samples;
  loss_ += all.sums.loss;
  tries_ = 0;
  say(out, std::move(all));
}

// What comes next where nothing, or not enough, is under way.
void mesh::go_on(instant now, decisions& out) {
  if (stage_ != stage::stepping)
    return;
  if (!stretches_.empty())
    return order_steps(out);
  if (wants_score() || wants_state())
    return rest(now, out);
  if (stopping_ || reached_ || made_ >= settings_.steps)
    return finish(out);
  if (one_more_waits())
    return regroup("one more rank is there", now, out);
  order_steps(out);
}

bool mesh::one_more_waits() const noexcept {
  return ranks() < settings_.wanted && seats_.size() > members_.size();
}

void mesh::order_steps(decisions& out) {
  if (stopping_ || one_more_waits())
    return;
  const auto end = next_boundary();
  while (stretches_.size() < ahead && ordered_ < end) {
    const auto last = std::min(ordered_ + pace_, end);
    for (const auto seat : members_)
      say(out, order{seat, advance{epoch_, seat, ordered_, last}});
    stretches_.push_back(last);
    ordered_ = last;
  }
}

step_id mesh::next_boundary() const noexcept {
  auto result = settings_.steps;
  for (const auto every :
      {settings_.evaluate_every, settings_.checkpoint_every})
    if (every > 0)
      result = std::min(result, (made_ / every + 1) * every);
  return result;
}

bool mesh::due(step_id every) const noexcept {
  return made_ == settings_.steps || (every > 0 && made_ % every == 0);
}

bool mesh::wants_score() const noexcept {
  if (!settings_.scores)
    return false;
  return first_score_ || (made_ > scored_ && due(settings_.evaluate_every));
}

bool mesh::wants_state() const noexcept {
  if (made_ == held_.step)
    return false;
  return stopping_ || reached_ || due(settings_.checkpoint_every);
}

void mesh::rest(instant now, decisions& out) {
  stage_ = stage::resting;
  const auto scores = wants_score();
  if (made_ > published_) {
    say(out, version{made_, (made_ - published_) * settings_.batch,
                 samples_ > 0 ? loss_ / static_cast<double>(samples_) : 0.0,
                 scores});
    published_ = made_;
    samples_ = 0;
    loss_ = 0.0;
  }
  if (scores) {
    asked_ = now;
    scoring_ = ranks();
    sums_ = {made_, {}, 0.0, {}};
    for (const auto seat : members_) {
      seats_[seat].owes = true;
      say(out, order{seat, assess{epoch_, seat, made_}});
    }
  }
  if (wants_state()) {
    handing_ = true;
    for (const auto seat : members_)
      if (settings_.together || seat == members_.front())
        say(out, order{seat, hand_over{epoch_, seat, made_}});
  }
}

void mesh::hear(const assessed& what, instant now, decisions& out) {
  if (stage_ != stage::resting || !is_member(what.epoch, what.seat) ||
      !seats_[what.seat].owes)
    return;
  seats_[what.seat].owes = false;
  sums_.sums.merge(what.sums);
  sums_.cpu_seconds += what.cpu_seconds;
  if (--scoring_ > 0)
    return;
  first_score_ = false;
  scored_ = made_;
  sums_.took = now - asked_;
  score_ = sums_.sums;
  const auto accuracy = score_.accuracy();
  if (accuracy > best_)
    best_ = accuracy, best_step_ = made_;
  reached_ =
      settings_.target_accuracy > 0.0 && accuracy >= settings_.target_accuracy;
  say(out, sums_);
  rise(now, out);
}

void mesh::hear(const handed& what, instant now, decisions& out) {
  if (stage_ != stage::resting || !is_member(what.epoch, what.seat) ||
      !handing_ || !what.parameters)
    return;
  handing_ = false;
  held_ = {what.step, what.parameters, what.blocks};
  if (!storing_) {
    storing_ = true;
    say(out, keep{held_.step});
  }
  rise(now, out);
}

void mesh::rise(instant now, decisions& out) {
  if (scoring_ > 0 || handing_)
    return;
  stage_ = stage::stepping;
  go_on(now, out);
}

void mesh::stored(step_id step, decisions& out) {
  storing_ = held_.step > step;
  if (storing_)
    say(out, keep{held_.step});
  else if (stage_ == stage::ending)
    finish(out);
}

void mesh::hear(const broken& what, instant now, decisions& out) {
  if (over() || stage_ == stage::ending || !is_member(what.epoch, what.seat))
    return;
  if (what.fatal)
    return fail(what.why, out);
  const auto rank = *rank_of(what.seat);
  if (what.blames == rank) {
    say(out, lost{what.seat, rank, what.step, what.why, epoch_});
    seats_.erase(what.seat);
  }
  if (++tries_ > settings_.tries)
    return fail(what.why, out);
  regroup(what.why, now, out);
}

void mesh::stop(instant now, decisions& out) {
  if (over() || stage_ == stage::ending)
    return;
  stopping_ = true;
  if (stage_ == stage::gathering || stage_ == stage::idle)
    finish(out);
  else
    go_on(now, out);
}

// All that was made is kept first.
void mesh::finish(decisions& out) {
  stage_ = stage::ending;
  alarm_.reset();
  if (storing_)
    return;
  if (made_ >= settings_.steps)
    end(ended::how::completed, {}, out);
  else if (reached_)
    end(ended::how::target_reached, {}, out);
  else
    end(ended::how::stopped, {}, out);
}

void mesh::fail(const std::string& why, decisions& out) {
  if (!over())
    end(ended::how::failed, why, out);
}

void mesh::end(ended::how what, const std::string& why, decisions& out) {
  stage_ = stage::over;
  alarm_.reset();
  say(out, ended{what, why});
}

// Whoever owes an answer for so long is no part of it any more.
void mesh::wake(instant now, decisions& out) {
  if (!alarm_ || now < *alarm_ || over())
    return;
  alarm_.reset();
  if (stage_ == stage::gathering)
    return wait_no_more(now, out);
  auto silent = awaited();
  if (silent.size() == seats_.size() && silent.size() <= 1)
    return fail("the only rank does not answer", out);
  if (silent.size() == members_.size())
    silent.erase(silent.begin()); // all wait for one of them: the last, at best
  leave(silent, "it does not answer", now, out);
}

std::vector<seat_id> mesh::awaited() const {
  std::vector<seat_id> result;
  for (const auto seat : members_) {
    const auto& one = seats_.at(seat);
    const auto steps =
        stage_ == stage::stepping && one.reports.empty() && !stretches_.empty();
    const auto hands =
        stage_ == stage::resting && handing_ && seat == members_.front();
    if (one.owes || steps || hands)
      result.push_back(seat);
  }
  return result;
}

bool mesh::nobody_owes() const noexcept {
  return std::ranges::none_of(
      members_, [this](seat_id seat) { return seats_.at(seat).owes; });
}

bool mesh::is_member(epoch_id epoch, seat_id seat) const noexcept {
  return epoch == epoch_ && rank_of(seat).has_value();
}

std::optional<std::uint32_t> mesh::rank_of(seat_id seat) const noexcept {
  const auto at = std::ranges::find(members_, seat);
  if (at == members_.end())
    return std::nullopt;
  return static_cast<std::uint32_t>(at - members_.begin());
}

} // namespace troupe::parallel
