#include "actors/collective/issuer.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "actors/collective/collective_call.hpp"

namespace troupe::collective {
namespace {

/// The text of what `work` throws; empty if it throws nothing.
template <class Work>
std::string complaint(Work&& work) {
  try {
    work();
    return {};
  } catch (const std::exception& e) {
    return e.what();
  }
}

} // namespace

issuer_state::issuer_state(issuer::pointer self, issuer_options options)
    : self_(self), options_(std::move(options)), rule_(options_.common) {
  self_->set_down_handler([this](const caf::down_msg&) {
    broke(rule_.epoch(), "the convener is gone");
  });
}

// The stream may still be at what is about to go.
issuer_state::~issuer_state() {
  group_.reset();
  static_cast<void>(complaint([this] {
    if (on_)
      on_->synchronise();
  }));
}

issuer::behavior_type issuer_state::make_behavior() {
  watch(self_, options_.reports_to);
  enlist_again();
  return {
      [this](perform& what) { take(what); },
      [this](const rejected& what) { take(what); },
      [this](const name_epoch& what) { take(what); },
      [this](const form_epoch& what) { take(what); },
      [this](const dissolve_epoch& what) {
        see([this, what](instant now, steps& out) {
          rule_.dissolve(what.epoch, what.why, what.text, now, out);
        });
      },
      [this](issue_done what) {
        see([this, what](instant now, steps& out) {
          rule_.completed(what.epoch, what.number, now, out);
        });
      },
      [this](let_go what) {
        if (what.epoch == 0)
          look_back();
        else
          aborted_.erase(what.epoch);
      },
      [this](look what) {
        if (looks_.rang(self_, what.turn))
          on_look();
      },
      [this](wake_up what) {
        if (timer_.rang(self_, what.turn))
          on_wake();
      },
  };
}

void issuer_state::enlist_again() {
  send(self_, options_.reports_to, enlist{options_.who, self_});
}

const gpu::cuda::nccl_api& issuer_state::nccl() const {
  return options_.through != nullptr ? *options_.through : gpu::cuda::nccl();
}

// ---- messages

void issuer_state::take(perform& what) {
  see([this, &what](instant now, steps& out) {
    const auto wanted = what.what;
    if (rule_.submit(wanted, now, out)) {
      parts_.emplace(wanted.number, std::move(what));
      return;
    }
    // The one of this number that was accepted, if any, is answered later.
    const auto no = std::ranges::find_if(out.answers, [](const auto& a) {
      return a.how == outcome::old_epoch || a.how == outcome::duplicate;
    });
    send(self_, what.reply_to,
        performed{no->epoch, no->number, no->how, no->why, no->text});
    out.answers.erase(no);
  });
}

void issuer_state::take(const rejected& what) {
  if (what.incarnation != options_.who.incarnation)
    return;
  send(self_, options_.tells, turned_away{what.why, what.text});
  broke(rule_.epoch(), what.text);
  knocks_ = what.why == refusal::device_taken;
  if (knocks_)
    look_in(options_.ask_again);
}

void issuer_state::take(const name_epoch& what) {
  epoch_named answer{what.epoch, options_.who.member, {}};
  const auto text =
      complaint([&] { answer.id = gpu::communicator::make_id(nccl()); });
  if (text.empty())
    send(self_, options_.reports_to, std::move(answer));
  else
    send(self_, options_.reports_to,
        troupe::collective::broke{what.epoch, options_.who.member, text});
}

void issuer_state::take(const form_epoch& what) {
  see([this, what](instant now, steps& out) {
    rule_.form(what.epoch, now, out);
    if (out.form)
      asked_ = what;
  });
}

void issuer_state::on_look() {
  using state = gpu::communicator::state;
  if (std::exchange(knocks_, false))
    enlist_again();
  if (!group_)
    return;
  const auto epoch = rule_.epoch();
  const auto now = group_->poll();
  look_in(now == state::in_progress ? options_.look_busy : options_.look_idle);
  if (now == state::failed)
    return broke(epoch, group_->why());
  if (now != state::ready)
    return;
  if (calling_) {
    const auto done = *std::exchange(calling_, std::nullopt);
    if (auto text = complaint([&] { through_with(done); }); !text.empty())
      return broke(epoch, text);
    see([this, done](instant t, steps& out) {
      rule_.issued(done.epoch, done.number, t, out);
    });
  } else if (!rule_.open()) {
    see([this, epoch](instant t, steps& out) { rule_.formed(epoch, t, out); });
  }
}

void issuer_state::on_wake() {
  see([this](instant now, steps& out) { rule_.wake(now, out); });
}

void issuer_state::broke(epoch_id epoch, std::string text) {
  see([this, epoch, text = std::move(text)](
          instant now, steps& out) { rule_.broke(epoch, text, now, out); });
}

// ---- carrying out steps

// What a step brings about is seen after it, not within.
void issuer_state::see(event what) {
  while (what) {
    steps said;
    what(clock_now(self_), said);
    carry_out(said);
    what = std::exchange(next_, nullptr);
  }
}

void issuer_state::carry_out(steps& said) {
  if (said.drop)
    close(*said.drop);
  for (const auto& x : said.answers)
    answer(x);
  for (const auto& x : said.reports)
    tell(x);
  if (said.form)
    form(*said.form);
  if (said.opened)
    send(self_, options_.tells,
        epoch_opened{*said.opened, asked_.rank, asked_.size});
  for (const auto& x : said.declared)
    send(self_, options_.reports_to, declared{options_.who.member, x});
  if (said.issue)
    issue(*said.issue);
  timer_.set(self_, said.wake);
}

// The stream lets go of memory in its own time, aborted or not; and memory is
// not to be freed on the driver's thread, which calls back. A device that has
// failed works on nothing any more, and does not call back either.
void issuer_state::close(const closing& what) {
  calling_.reset();
  if (group_) {
    auto& owners = aborted_[what.epoch];
    for (const auto& [number, part] : parts_)
      owners.push_back(part.owner);
    group_->abort();
    const auto failed = complaint([&] {
      group_->notify(*on_, [to = issuer{self_}, epoch = what.epoch] {
        send_anonymously(to, let_go{epoch});
      });
    });
    group_.reset();
    if (!failed.empty())
      aborted_.clear();
    else if (!std::exchange(looks_back_, true))
      delay(self_, options_.look_back, let_go{});
  }
  send(self_, options_.tells, epoch_closed{what.epoch, what.why, what.text});
}

// Whether the device's word may still come, for what it was aborted with.
void issuer_state::look_back() {
  looks_back_ = false;
  if (aborted_.empty())
    return;
  if (!complaint([&] { on_->notify([] {}); }).empty())
    return aborted_.clear();
  looks_back_ = true;
  delay(self_, options_.look_back, let_go{});
}

void issuer_state::answer(const troupe::collective::answer& what) {
  auto part = parts_.extract(what.number);
  if (part)
    send(self_, part.mapped().reply_to,
        performed{what.epoch, what.number, what.how, what.why, what.text});
}

void issuer_state::tell(const report& what) {
  const auto& to = options_.reports_to;
  const auto member = options_.who.member;
  switch (what.what) {
  case report::kind::formed:
    return send(self_, to, formed{what.epoch, member});
  case report::kind::failed:
    return send(
        self_, to, troupe::collective::broke{what.epoch, member, what.text});
  case report::kind::released:
    return send(self_, to, released{what.epoch, member});
  }
}

void issuer_state::form(epoch_id epoch) {
  const auto text = complaint([&] {
    if (!on_)
      on_.emplace(options_.where);
    group_.emplace(
        gpu::communicator::start({asked_.id, static_cast<int>(asked_.rank),
                                     static_cast<int>(asked_.size),
                                     options_.where, options_.common.init_time},
            nccl()));
  });
  if (text.empty())
    return look_in(options_.look_busy);
  follow([this, epoch, text](
             instant now, steps& out) { rule_.broke(epoch, text, now, out); });
}

void issuer_state::issue(const order& what) {
  using state = gpu::communicator::state;
  const auto& part = parts_.at(what.number);
  auto text = complaint([&] {
    call(*group_, *on_, part);
    if (group_->poll() == state::ready)
      through_with(what);
    else
      calling_ = what;
  });
  if (!text.empty())
    return follow([this, what, text](instant now, steps& out) {
      rule_.broke(what.epoch, text, now, out);
    });
  if (calling_)
    return look_in(options_.look_busy);
  follow([this, what](instant now, steps& out) {
    rule_.issued(what.epoch, what.number, now, out);
  });
}

// Only now may anything follow on the stream.
void issuer_state::through_with(const order& what) {
  group_->notify(*on_, [to = issuer{self_}, what] {
    send_anonymously(to, issue_done{what.epoch, what.number});
  });
}

void issuer_state::look_in(duration time) {
  looks_.set(self_, clock_now(self_) + time);
}

} // namespace troupe::collective
