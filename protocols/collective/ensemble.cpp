#include "protocols/collective/ensemble.hpp"

#include <algorithm>
#include <cassert>
#include <optional>
#include <tuple>
#include <utility>

namespace troupe::collective {
namespace {

// That a member goes is nobody's failure, and comes to an end by itself.
bool counts_as_futile(trouble why) {
  return why == trouble::init_timeout || why == trouble::mismatch ||
         why == trouble::operation_timeout || why == trouble::failed;
}

} // namespace

ensemble::ensemble(settings common, std::uint64_t incarnation)
    : common_(common), epoch_(first_lease(incarnation)) {
  assert(common.least >= 1 && common.least <= common.size);
}

void ensemble::join(const candidate& who, instant now, decisions& out) {
  if (const auto why = objection(who))
    out.rejected.push_back({who.member, who.incarnation, *why, 0});
  else if (!seated(who))
    seat(who, now, out);
  settle(now, out);
}

bool ensemble::seated(const candidate& who) const {
  const auto known = seats_.find(who.member);
  return known != seats_.end() &&
         known->second.who.incarnation == who.incarnation;
}

std::optional<refusal> ensemble::objection(const candidate& who) const {
  if (phase_ == phase::given_up)
    return refusal::given_up;
  const auto last = gone_.find(who.member);
  const auto known = seats_.find(who.member);
  if ((last != gone_.end() && last->second >= who.incarnation) ||
      (known != seats_.end() &&
          known->second.who.incarnation > who.incarnation))
    return refusal::stale_incarnation;
  return std::nullopt;
}

void ensemble::seat(const candidate& who, instant now, decisions& out) {
  if (seats_.contains(who.member))
    lose(who.member, trouble::restarted, now, out);
  for (const auto& [other, x] : seats_)
    if (x.who.device == who.device) {
      out.rejected.push_back(
          {who.member, who.incarnation, refusal::device_taken, other});
      return;
    }
  if (seats_.empty() && phase_ == phase::gathering)
    deadline_ = now + common_.patience;
  seats_[who.member].who = who;
}

void ensemble::leave(
    member_id member, std::uint64_t incarnation, instant now, decisions& out) {
  const auto found = seats_.find(member);
  if (found != seats_.end() && found->second.who.incarnation == incarnation)
    lose(member, trouble::lost, now, out);
  settle(now, out);
}

void ensemble::named(epoch_id epoch, member_id member,
    const gpu::communicator_id& id, instant now, decisions& out) {
  if (phase_ == phase::naming && epoch == epoch_ && member == ranks_[0]) {
    phase_ = phase::forming;
    deadline_ = now + common_.init_time;
    out.form = formation{epoch_, id, ranks_};
  }
  settle(now, out);
}

void ensemble::formed(
    epoch_id epoch, member_id member, instant now, decisions& out) {
  auto* x = member_of(epoch, member);
  if (x && phase_ == phase::forming) {
    x->formed = true;
    if (std::ranges::all_of(
            ranks_, [this](member_id m) { return seats_.at(m).formed; })) {
      phase_ = phase::running;
      out.opened = epoch_;
    }
  }
  settle(now, out);
}

drop_reason ensemble::declare(epoch_id epoch, member_id member,
    operation_number number, const signature& what, instant now,
    decisions& out) {
  const auto why = reason_to_drop(epoch, member, number);
  if (why == drop_reason::none) {
    auto& x = seats_.at(member);
    x.ahead.insert(number);
    while (x.ahead.erase(x.next) > 0)
      ++x.next;
    agree(number, what, member, now, out);
  }
  settle(now, out);
  return why;
}

drop_reason ensemble::reason_to_drop(
    epoch_id epoch, member_id member, operation_number number) {
  if (epoch < epoch_ || (epoch == epoch_ && !live()))
    return drop_reason::old_epoch;
  const auto* x = member_of(epoch, member);
  if (!x)
    return drop_reason::unknown;
  return number < x->next || x->ahead.contains(number) ? drop_reason::duplicate
                                                       : drop_reason::none;
}

void ensemble::agree(operation_number number, const signature& what,
    member_id member, instant now, decisions& out) {
  const auto [found, fresh] = open_.try_emplace(number);
  auto& x = found->second;
  if (fresh) {
    x = {what, member, now + common_.operation_time, ranks_.size()};
    due_.push_back(number);
  } else if (x.what != what) {
    return dissolve(trouble::mismatch, member,
        "operation " + std::to_string(number) + ": " + name(member) +
            " asks for " + to_string(what) + ", " + name(x.first) + " for " +
            to_string(x.what),
        now, out);
  }
  if (--x.missing > 0)
    return;
  agreed_ = true;
  open_.erase(found);
  while (!due_.empty() && !open_.contains(due_.front()))
    due_.pop_front();
}

void ensemble::fail(epoch_id epoch, member_id member, const std::string& text,
    instant now, decisions& out) {
  let_go(epoch, member, trouble::failed, ": " + text, now, out);
}

void ensemble::released(
    epoch_id epoch, member_id member, instant now, decisions& out) {
  let_go(epoch, member, trouble::left, " let go", now, out);
}

void ensemble::let_go(epoch_id epoch, member_id member, trouble why,
    const std::string& text, instant now, decisions& out) {
  const auto found = seats_.find(member);
  if (epoch != 0 && found != seats_.end() && found->second.holds == epoch) {
    found->second.holds = 0;
    if (epoch == epoch_ && live())
      dissolve(why, member, name(member) + text, now, out);
  }
  settle(now, out);
}

void ensemble::regroup(instant now, decisions& out) {
  if (live())
    dissolve(trouble::regrouping, 0, "to let newcomers in", now, out);
  settle(now, out);
}

bool ensemble::live() const noexcept {
  return phase_ == phase::naming || phase_ == phase::forming ||
         phase_ == phase::running;
}

ensemble::place* ensemble::member_of(epoch_id epoch, member_id member) {
  const auto found = seats_.find(member);
  return live() && epoch == epoch_ && found != seats_.end() &&
                 found->second.holds == epoch
             ? &found->second
             : nullptr;
}

bool ensemble::letting_go() const noexcept {
  return std::ranges::any_of(seats_, [this](const auto& x) {
    return x.second.holds != 0 && !(live() && x.second.holds == epoch_);
  });
}

std::vector<member_id> ensemble::free() const {
  std::vector<member_id> result;
  for (const auto& [member, seat] : seats_)
    if (seat.holds == 0)
      result.push_back(member);
  std::ranges::sort(result, {}, [this](member_id m) {
    return std::tuple{seats_.at(m).who.wish, m};
  });
  return result;
}

void ensemble::settle(instant now, decisions& out) {
  if (phase_ == phase::gathering)
    gather(now, out);
  ask_to_wake(now, out);
}

void ensemble::gather(instant now, decisions& out) {
  auto members = free();
  if (members.size() >= common_.size) {
    members.resize(common_.size);
    return start(std::move(members), now, out);
  }
  // deadline_ is 0 until the first one came.
  if (now < deadline_ || deadline_ == instant{} || letting_go())
    return;
  if (members.size() >= common_.least)
    return start(std::move(members), now, out);
  give_up(too_few(members.size()), out);
}

void ensemble::start(
    std::vector<member_id> members, instant now, decisions& out) {
  phase_ = phase::naming;
  ranks_ = std::move(members);
  ++epoch_;
  agreed_ = false;
  deadline_ = now + common_.init_time;
  for (auto m : ranks_) {
    auto& seat = seats_.at(m);
    seat.holds = epoch_;
    seat.formed = false;
    seat.next = 0;
    seat.ahead.clear();
  }
  out.name = naming{epoch_, ranks_[0]};
}

void ensemble::dissolve(trouble why, member_id culprit, std::string text,
    instant now, decisions& out) {
  dissolution what{epoch_, why, culprit, std::move(text), {}};
  for (auto m : ranks_) {
    const auto found = seats_.find(m);
    if (found == seats_.end() || found->second.holds != epoch_)
      continue;
    found->second.release_by = now + common_.release_time;
    what.members.push_back(m);
  }
  phase_ = phase::gathering;
  deadline_ = now + common_.patience;
  ranks_.clear();
  open_.clear();
  due_.clear();
  futile_ = agreed_ ? 0 : futile_ + (counts_as_futile(why) ? 1 : 0);
  if (futile_ >= common_.attempts)
    give_up(std::to_string(futile_) +
                " epochs in a row came to nothing; the last: " + what.text,
        out);
  out.dissolve = std::move(what);
}

void ensemble::lose(
    member_id member, trouble why, instant now, decisions& out) {
  const auto found = seats_.find(member);
  const bool within = live() && found->second.holds == epoch_;
  const auto text = name(member) +
                    (why == trouble::restarted ? " has restarted" : " is gone");
  gone_[member] = found->second.who.incarnation;
  seats_.erase(found);
  if (within)
    dissolve(why, member, text, now, out);
}

void ensemble::give_up(std::string why, decisions& out) {
  phase_ = phase::given_up;
  out.given_up = std::move(why);
}

} // namespace troupe::collective
