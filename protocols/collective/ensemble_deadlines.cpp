#include "protocols/collective/ensemble.hpp"

#include <algorithm>
#include <vector>

// What an ensemble does when time passes.

namespace troupe::collective {

void ensemble::wake(instant now, decisions& out) {
  check_deadline(now, out);
  drop_the_slow(now, out);
  settle(now, out);
}

void ensemble::check_deadline(instant now, decisions& out) {
  if ((phase_ == phase::naming || phase_ == phase::forming) && now >= deadline_)
    return dissolve(trouble::init_timeout,
        phase_ == phase::naming ? ranks_[0] : 0, not_formed(), now, out);
  while (!due_.empty()) {
    const auto found = open_.find(due_.front());
    if (found != open_.end() && now < found->second.by)
      return;
    if (found != open_.end())
      return dissolve(trouble::operation_timeout, found->second.first,
          missing_from(found->first), now, out);
    due_.pop_front();
  }
}

void ensemble::drop_the_slow(instant now, decisions& out) {
  std::vector<member_id> slow;
  for (const auto& [member, seat] : seats_)
    if (seat.holds != 0 && !(live() && seat.holds == epoch_) &&
        now >= seat.release_by)
      slow.push_back(member);
  for (auto member : slow) {
    lose(member, trouble::lost, now, out);
    out.lost.push_back(member);
  }
}

void ensemble::ask_to_wake(instant now, decisions& out) const {
  out.wake.reset();
  auto ask = [&out](instant t) {
    out.wake = out.wake ? std::min(*out.wake, t) : t;
  };
  if (phase_ == phase::naming || phase_ == phase::forming)
    ask(deadline_);
  if (phase_ == phase::gathering && deadline_ > now)
    ask(deadline_);
  if (live())
    for (auto number : due_)
      if (const auto found = open_.find(number); found != open_.end()) {
        ask(found->second.by);
        break;
      }
  for (const auto& [member, seat] : seats_)
    if (seat.holds != 0 && !(live() && seat.holds == epoch_))
      ask(seat.release_by);
}

} // namespace troupe::collective
