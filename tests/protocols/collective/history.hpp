#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gpu/random.hpp"
#include "protocols/collective/ensemble.hpp"
#include "protocols/collective/sequence.hpp"
#include "tests/protocols/collective/fabric.hpp"

namespace troupe::collective {

/// How much goes wrong.
struct trials {
  std::uint32_t members = 3;
  std::uint32_t spares = 0;
  std::uint32_t least = 2;
  std::uint32_t operations = 6;      ///< asked for in every epoch
  std::uint32_t mishaps = 6;         ///< before everything goes well
  std::uint32_t repeated = 10;       ///< percent of messages
  std::uint32_t wrong_signature = 1; ///< percent of orders
  std::uint32_t forgotten = 1;       ///< percent of orders
};

/// One random life of an ensemble and its members over a network that delays,
/// reorders and repeats, on devices that take their time: members die, freeze,
/// come back and report errors, and users ask for the wrong thing or for
/// nothing. Then everything goes well. It holds them to these laws; the first
/// breach is kept as a sentence.
///
/// - A member has at most one communicator, and is in no epoch before it has
///   let go of the last one.
/// - A communicator is given the orders of its own epoch only, by number from
///   0, each once, as they were asked for.
/// - Every order is answered once, within operation_time; done means that all
///   members have done it.
/// - An epoch has between `least` and `size` members on different devices, and
///   a number that is new; two signatures for one number end it by name.
/// - When nothing goes wrong any more, an epoch does all its operations, or the
///   ensemble has given up for a reason.
template <class Ensemble, class Sequence>
class history {
public:
  history(std::uint64_t seed, trials how)
      : random_(seed, gpu::stream::user), how_(how), ensemble_(common()) {
    machines_.resize(how.members + how.spares);
    for (member_id m = 0; m < machines_.size(); ++m)
      later(0, 50, [this, m] { boot(m); });
  }

  std::string run() {
    for (std::uint32_t i = 0; i < how_.mishaps; ++i)
      later(i * 300, i * 300 + 300, [this] { mishap(); });
    later(how_.mishaps * 300 + 300, how_.mishaps * 300 + 301, [this] {
      calm_ = true;
      for (member_id m = 0; m < machines_.size(); ++m)
        if (!machines_[m].alive && !machines_[m].gone_for_good)
          boot(m);
      decisions said;
      ensemble_.regroup(now(), said);
      carry_out(said);
    });
    const instant end{ms(how_.mishaps * 300 + 60'000)};
    while (breach_.empty() && !good_ && !time_.empty() && time_.next() <= end)
      time_.step();
    if (breach_.empty() && !good_ && !gave_up_)
      breach_ = "nothing goes wrong and yet nothing is done";
    return breach_;
  }

  bool gave_up() const noexcept { return gave_up_; }
  std::uint64_t epochs() const noexcept { return epochs_; }
  std::uint64_t done() const noexcept { return done_; }

private:
  using key = std::pair<epoch_id, operation_number>;
  struct machine {
    bool alive = false;
    bool gone_for_good = false;
    std::uint64_t incarnation = 0;
    Sequence part;
    std::uint64_t timer = 0;
    instant frozen_until{};
    std::optional<epoch_id> communicator;
    operation_number next = 0;       // that the communicator expects
    std::map<key, instant> accepted; // without an answer yet
    std::map<key, signature> asked;
    std::map<epoch_id, std::uint32_t> done;
  };

  settings common() const {
    settings s;
    s.size = how_.members;
    s.least = how_.least;
    s.patience = ms(400);
    s.init_time = ms(300);
    s.operation_time = ms(250);
    s.release_time = ms(150);
    s.attempts = 1000;
    return s;
  }

  void fault(const std::string& what) {
    if (breach_.empty())
      breach_ = what;
  }
  bool happens(std::uint32_t percent) { return random_.below(100) < percent; }
  void later(
      std::uint32_t least, std::uint32_t most, std::function<void()> what) {
    time_.at(
        now() + ms(least + random_.below(most - least + 1)), std::move(what));
  }
  instant now() const { return time_.now(); }

  // ---- the network

  template <class What>
  void tell_ensemble(member_id m, What what) {
    deliver([this, what] {
      decisions said;
      what(said);
      carry_out(said);
    });
    static_cast<void>(m);
  }

  template <class What>
  void tell_member(member_id m, What what) {
    deliver([this, m, to = known_[m], what] { act(m, to, what); });
  }

  template <class What>
  void deliver(What what) {
    later(1, 20, what);
    if (!calm_ && happens(how_.repeated))
      later(1, 200, what);
  }

  /// A member's own event; a frozen one gets to it later.
  template <class What>
  void act(member_id m, std::uint64_t to, What what) {
    auto& x = machines_[m];
    if (!x.alive || x.incarnation != to)
      return;
    if (x.frozen_until > now())
      return time_.at(
          x.frozen_until, [this, m, to, what] { act(m, to, what); });
    steps said;
    what(x, said);
    carry_out(m, said);
  }

  // ---- life and death

  void boot(member_id m) {
    auto& x = machines_[m];
    const auto incarnation = x.incarnation + 1;
    x = machine{};
    x.incarnation = incarnation;
    x.alive = true;
    x.part = Sequence{common()};
    knock({m, incarnation, 0, device(m)});
  }

  void knock(const candidate& who) {
    tell_ensemble(who.member, [this, who](decisions& out) {
      ensemble_.join(who, now(), out);
      if (out.rejected.empty())
        known_[who.member] = who.incarnation;
    });
  }

  void knock_again(const rejection& what) {
    const auto m = what.member;
    if (m < machines_.size() && what.why == refusal::device_taken)
      later(100, 200, [this, m, was = what.incarnation] {
        if (machines_[m].alive && machines_[m].incarnation == was)
          knock({m, was, 0, device(m)});
      });
  }

  static std::string device(member_id m) { return "GPU-" + std::to_string(m); }

  void die(member_id m) {
    auto& x = machines_[m];
    if (!x.alive)
      return;
    x.alive = false;
    fabric_.leave(m, x.incarnation);
    later(20, 100, [this, m, was = x.incarnation] {
      tell_ensemble(m, [this, m, was](decisions& out) {
        ensemble_.leave(m, was, now(), out);
      });
    });
  }

  void mishap() {
    const auto m = random_.below(std::uint32_t(machines_.size()));
    auto& x = machines_[m];
    switch (random_.below(6)) {
    case 0:
      die(m);
      if (happens(70))
        later(50, 600, [this, m] {
          if (!machines_[m].alive)
            boot(m);
        });
      else
        x.gone_for_good = living_for_good() > how_.least;
      break;
    case 1: // before anybody hears of its end
      die(m);
      boot(m);
      break;
    case 2:
      x.frozen_until = std::max(x.frozen_until, now() + ms(random_.below(400)));
      break;
    case 3:
      act(m, x.incarnation, [this](machine& who, steps& out) {
        who.part.broke(
            who.communicator.value_or(0), "a cable was cut", now(), out);
      });
      break;
    case 4: { // a second rank on a device
      const candidate twin{100 + m, 1, 0, device(m)};
      tell_ensemble(m,
          [this, twin](decisions& out) { ensemble_.join(twin, now(), out); });
      later(100, 200, [this, twin] {
        tell_ensemble(twin.member, [this, twin](decisions& out) {
          ensemble_.leave(twin.member, 1, now(), out);
        });
      });
      break;
    }
    default:
      tell_ensemble(
          m, [this](decisions& out) { ensemble_.regroup(now(), out); });
    }
  }

  std::size_t living_for_good() const {
    std::size_t result = 0;
    for (const auto& x : machines_)
      result += x.gone_for_good ? 0 : 1;
    return result;
  }

  // ---- the ensemble's decisions

  void carry_out(const decisions& said) {
    for (const auto& r : said.rejected)
      knock_again(r);
    if (said.dissolve)
      for (auto m : said.dissolve->members)
        if (m < machines_.size())
          tell_member(m, [this, d = *said.dissolve](machine& x, steps& out) {
            x.part.dissolve(d.epoch, d.why, d.text, now(), out);
          });
    for (auto m : said.lost)
      if (m < machines_.size())
        tell_lost(m);
    if (said.name)
      tell_namer(*said.name);
    if (said.form)
      see(*said.form);
    gave_up_ = gave_up_ || said.given_up.has_value();
    wake_ensemble(said.wake);
  }

  // It starts anew, as one that was restarted.
  void tell_lost(member_id m) {
    later(1, 20, [this, m, was = known_[m]] {
      if (machines_[m].incarnation != was || !machines_[m].alive)
        return;
      fabric_.leave(m, was);
      boot(m);
    });
  }

  void tell_namer(const naming& what) {
    if (what.epoch <= last_epoch_)
      fault("an epoch's number was used again");
    last_epoch_ = what.epoch;
    ++epochs_;
    if (what.member >= machines_.size())
      return;
    deliver([this, what, to = known_[what.member]] {
      const auto& x = machines_[what.member];
      if (x.alive && x.incarnation == to)
        tell_ensemble(what.member, [this, what](decisions& out) {
          ensemble_.named(what.epoch, what.member, {}, now(), out);
        });
    });
  }

  void see(const formation& what) {
    const std::set<member_id> all{what.members.begin(), what.members.end()};
    if (all.size() != what.members.size() || all.size() < how_.least ||
        all.size() > how_.members)
      fault("an epoch has the wrong members");
    std::set<std::string> devices;
    for (auto m : all) {
      devices.insert(device(m % 100));
      if (m >= machines_.size())
        continue;
      const auto& x = machines_[m];
      if (x.alive && x.communicator)
        fault("an epoch begins while a member holds an older one");
    }
    if (devices.size() != all.size())
      fault("two ranks are on one device");
    fabric_.form(what.epoch, what.members);
    for (auto m : what.members)
      if (m < machines_.size())
        tell_member(m, [this, what](machine& x, steps& out) {
          x.part.form(what.epoch, now(), out);
        });
  }

  void wake_ensemble(std::optional<instant> when) {
    const auto timer = ++ensemble_timer_;
    if (when)
      time_.at(std::max(*when, now()), [this, timer] {
        if (timer != ensemble_timer_)
          return;
        decisions said;
        ensemble_.wake(now(), said);
        carry_out(said);
      });
  }

  // ---- a member's steps

  void carry_out(member_id m, const steps& said) {
    auto& x = machines_[m];
    if (said.drop) {
      if (x.communicator == said.drop->epoch)
        x.communicator.reset();
      fabric_.leave(m, x.incarnation);
    }
    for (const auto& a : said.answers)
      see(m, a);
    for (const auto& r : said.reports)
      tell(m, r);
    if (said.form)
      join(m, *said.form);
    if (said.opened)
      ask(m, *said.opened);
    for (const auto& o : said.declared)
      declare(m, o);
    if (said.issue)
      issue(m, *said.issue);
    wake_member(m, said.wake);
  }

  void see(member_id m, const answer& a) {
    if (a.how == outcome::duplicate || a.how == outcome::old_epoch)
      return; // checked where it was asked
    auto& x = machines_[m];
    const auto found = x.accepted.find({a.epoch, a.number});
    if (found == x.accepted.end())
      return fault("an order was answered that nobody waits for");
    if (now() > found->second + common().operation_time &&
        x.frozen_until + ms(1) < now())
      fault("an order was answered after its deadline");
    x.accepted.erase(found);
    if (a.how != outcome::done)
      return;
    if (!fabric_.done(a.epoch, a.number))
      fault("an order was called done that not all have done");
    ++done_;
    if (++x.done[a.epoch] == how_.operations && calm_)
      good_ = good_ || fabric_.all_done(a.epoch, how_.operations);
  }

  void tell(member_id m, const report& r) {
    tell_ensemble(m, [this, m, r](decisions& out) {
      if (r.what == report::kind::formed)
        ensemble_.formed(r.epoch, m, now(), out);
      else if (r.what == report::kind::failed)
        ensemble_.fail(r.epoch, m, r.text, now(), out);
      else
        ensemble_.released(r.epoch, m, now(), out);
    });
  }

  void join(member_id m, epoch_id epoch) {
    auto& x = machines_[m];
    if (x.communicator)
      fault("two epochs are live at one member");
    x.communicator = epoch;
    x.next = 0;
    for (const auto& [who, incarnation] : fabric_.join(epoch, m, x.incarnation))
      later(1, 30, [this, who, incarnation, epoch] {
        act(who, incarnation, [this, epoch](machine& one, steps& out) {
          one.part.formed(epoch, now(), out);
        });
      });
  }

  void declare(member_id m, const order& o) {
    tell_ensemble(m, [this, m, o](decisions& out) {
      const auto before = declared_[{o.epoch, o.number}];
      const auto said =
          ensemble_.declare(o.epoch, m, o.number, o.what, now(), out);
      if (said != drop_reason::none)
        return;
      declared_[{o.epoch, o.number}] = o.what;
      const bool named =
          out.dissolve && out.dissolve->why == trouble::mismatch &&
          out.dissolve->text.find("operation " + std::to_string(o.number)) !=
              std::string::npos;
      if (before && *before != o.what && !named)
        fault("two signatures of one number went unnoticed");
    });
  }

  void issue(member_id m, const order& o) {
    auto& x = machines_[m];
    if (x.communicator != o.epoch)
      return fault("an operation of another epoch was run");
    if (x.next++ != o.number)
      return fault("an operation was issued out of order");
    const auto asked = x.asked.find({o.epoch, o.number});
    if (asked == x.asked.end() || asked->second != o.what)
      return fault("an operation was run that nobody asked for");
    const auto incarnation = x.incarnation;
    later(0, 3, [this, m, incarnation, o] {
      act(m, incarnation, [this, o](machine& one, steps& out) {
        one.part.issued(o.epoch, o.number, now(), out);
      });
    });
    for (const auto& [who, was, number] :
        fabric_.issue(o.epoch, m, x.incarnation, o.what))
      later(4, 30, [this, who, was, number, epoch = o.epoch] {
        act(who, was, [this, epoch, number](machine& one, steps& out) {
          one.part.completed(epoch, number, now(), out);
        });
      });
  }

  void wake_member(member_id m, std::optional<instant> when) {
    auto& x = machines_[m];
    const auto timer = ++x.timer;
    if (when)
      time_.at(std::max(*when, now()), [this, m, timer, to = x.incarnation] {
        if (machines_[m].timer == timer)
          act(m, to,
              [this](machine& one, steps& out) { one.part.wake(now(), out); });
      });
    time_.at(now() + common().operation_time + ms(1),
        [this, m, to = x.incarnation] { check_deadlines(m, to); });
  }

  void check_deadlines(member_id m, std::uint64_t to) {
    const auto& x = machines_[m];
    if (!x.alive || x.incarnation != to || x.frozen_until + ms(1) >= now())
      return;
    for (const auto& [what, since] : x.accepted)
      if (now() > since + common().operation_time)
        fault("an order has no answer at its deadline");
  }

  // ---- a member's user, who asks for all operations of an epoch

  void ask(member_id m, epoch_id epoch) {
    for (operation_number n = 0; n < how_.operations; ++n) {
      if (!calm_ && happens(how_.forgotten))
        continue;
      signature what{operation_kind::all_reduce, gpu::element::f32,
          gpu::reduction::sum, epoch * 100 + n, 0, 0};
      if (!calm_ && happens(how_.wrong_signature))
        what.kind = operation_kind::broadcast;
      const auto to = machines_[m].incarnation;
      auto submit = [this, m, to, o = order{epoch, n, what}] {
        act(m, to, [this, o](machine& x, steps& out) { hand_in(x, o, out); });
      };
      later(1, 60, submit);
      if (!calm_ && happens(how_.repeated))
        later(1, 300, submit);
    }
  }

  void hand_in(machine& x, const order& o, steps& out) {
    const key what{o.epoch, o.number};
    const auto refused = [&] {
      for (const auto& a : out.answers)
        if (key{a.epoch, a.number} == what && a.how != outcome::aborted)
          return true;
      return false;
    };
    // Asked before it is accepted: it may be issued in the same step.
    x.asked.emplace(what, o.what);
    if (x.part.submit(o, now(), out)) {
      if (!x.accepted.emplace(what, now()).second)
        fault("an order was accepted twice");
    } else if (!refused()) {
      fault("an order was refused without a word");
    }
  }

  gpu::random_stream random_;
  trials how_;
  Ensemble ensemble_;
  std::vector<machine> machines_;
  fabric fabric_;
  timeline time_;
  std::uint64_t ensemble_timer_ = 0;
  std::map<member_id, std::uint64_t> known_; // who the ensemble talks to
  epoch_id last_epoch_ = 0;
  std::map<key, std::optional<signature>> declared_;
  std::uint64_t epochs_ = 0;
  std::uint64_t done_ = 0;
  bool calm_ = false;
  bool good_ = false;
  bool gave_up_ = false;
  std::string breach_;
};

} // namespace troupe::collective
