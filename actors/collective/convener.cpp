#include "actors/collective/convener.hpp"

#include <algorithm>
#include <utility>

namespace troupe::collective {

convener_state::convener_state(
    convener::pointer self, settings common, std::uint64_t incarnation)
    : self_(self), rule_(common, incarnation) {
  self_->set_down_handler([this](const caf::down_msg& what) { on_down(what); });
}

convener::behavior_type convener_state::make_behavior() {
  return {
      [this](const enlist& what) { take(what); },
      [this](const epoch_named& what) {
        see([&](instant now, decisions& out) {
          rule_.named(what.epoch, what.member, what.id, now, out);
        });
      },
      [this](const formed& what) {
        see([&](instant now, decisions& out) {
          rule_.formed(what.epoch, what.member, now, out);
        });
      },
      [this](const declared& what) {
        see([&](instant now, decisions& out) {
          rule_.declare(what.what.epoch, what.member, what.what.number,
              what.what.what, now, out);
        });
      },
      [this](const broke& what) {
        see([&](instant now, decisions& out) {
          rule_.fail(what.epoch, what.member, what.text, now, out);
        });
      },
      [this](const released& what) {
        see([&](instant now, decisions& out) {
          rule_.released(what.epoch, what.member, now, out);
        });
      },
      [this](wake_up what) {
        if (timer_.rang(self_, what.turn))
          see([&](instant now, decisions& out) { rule_.wake(now, out); });
      },
  };
}

template <class Event>
void convener_state::see(Event&& event) {
  decisions said;
  event(clock_now(self_), said);
  carry_out(said);
}

// What is decided on a newcomer's account may be for the newcomer.
void convener_state::take(const enlist& what) {
  see([&](instant now, decisions& out) {
    rule_.join(what.who, now, out);
    for (const auto& x : out.rejected)
      reject(what.from, x);
    if (!out.rejected.empty())
      return;
    auto& known = issuers_[what.who.member];
    if (known.handle != what.from)
      watch(self_, what.from);
    known = {what.who.incarnation, what.from};
  });
}

void convener_state::on_down(const caf::down_msg& what) {
  const auto found = std::ranges::find_if(issuers_,
      [&](const auto& x) { return x.second.handle.address() == what.source; });
  if (found == issuers_.end())
    return;
  const auto [member, gone] = *found;
  issuers_.erase(found);
  see([&, m = member, was = gone.incarnation](
          instant now, decisions& out) { rule_.leave(m, was, now, out); });
}

void convener_state::carry_out(const decisions& said) {
  if (said.dissolve)
    for (auto m : said.dissolve->members)
      send(self_, issuers_.at(m).handle,
          dissolve_epoch{
              said.dissolve->epoch, said.dissolve->why, said.dissolve->text});
  for (auto m : said.lost)
    dismiss(m, refusal::stale_incarnation,
        "it did not let go of its last epoch in time");
  if (said.name)
    send(self_, issuers_.at(said.name->member).handle,
        name_epoch{said.name->epoch});
  if (said.form)
    form(*said.form);
  if (said.given_up)
    while (!issuers_.empty())
      dismiss(issuers_.begin()->first, refusal::given_up, *said.given_up);
  timer_.set(self_, said.wake);
}

void convener_state::reject(const issuer& whom, const rejection& what) {
  const auto member = "member " + std::to_string(what.member);
  std::string text = member + ": ";
  if (what.why == refusal::device_taken)
    text += "its device is the one of member " + std::to_string(what.other) +
            "; every member needs a GPU of its own";
  else if (what.why == refusal::given_up)
    text += "the ensemble has given up";
  else
    text += "a later start of it is known";
  send(self_, whom, rejected{what.incarnation, what.why, text});
}

void convener_state::dismiss(
    member_id member, refusal why, const std::string& text) {
  const auto found = issuers_.find(member);
  if (found == issuers_.end())
    return;
  send(self_, found->second.handle,
      rejected{found->second.incarnation, why, text});
  issuers_.erase(found);
}

void convener_state::form(const formation& what) {
  const auto size = static_cast<std::uint32_t>(what.members.size());
  for (std::uint32_t rank = 0; rank < size; ++rank)
    send(self_, issuers_.at(what.members[rank]).handle,
        form_epoch{what.epoch, rank, size, what.id});
}

} // namespace troupe::collective
