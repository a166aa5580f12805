#pragma once

#include "protocols/collective/ensemble.hpp"
#include "protocols/collective/sequence.hpp"

/// Rules with one fault each. The laws of the histories have to find every one.
namespace troupe::collective::broken {

/// Begins the next epoch before its members have let go of the last one.
struct does_not_wait : ensemble {
  using ensemble::ensemble;

  void leave(member_id m, std::uint64_t was, instant now, decisions& out) {
    ensemble::leave(m, was, now, out);
    hurry(now, out);
  }
  void fail(epoch_id e, member_id m, const std::string& text, instant now,
      decisions& out) {
    ensemble::fail(e, m, text, now, out);
    hurry(now, out);
  }
  void regroup(instant now, decisions& out) {
    ensemble::regroup(now, out);
    hurry(now, out);
  }

private:
  void hurry(instant now, decisions& out) {
    if (live())
      return;
    for (auto& x : seats_)
      x.second.holds = 0;
    settle(now, out);
  }
};

/// Does not compare what members ask for.
struct does_not_compare : ensemble {
  using ensemble::ensemble;

  drop_reason declare(epoch_id e, member_id m, operation_number number,
      const signature&, instant now, decisions& out) {
    return ensemble::declare(e, m, number, {}, now, out);
  }
};

/// Takes a second rank on one device.
struct does_not_look_at_devices : ensemble {
  using ensemble::ensemble;

  void join(candidate who, instant now, decisions& out) {
    who.device += std::to_string(who.member);
    ensemble::join(who, now, out);
  }
};

/// Waits for a full house for ever.
struct waits_for_all : ensemble {
  using ensemble::ensemble;

  void wake(instant now, decisions& out) {
    if (phase_ == phase::gathering)
      deadline_ = now + ms(60'000);
    ensemble::wake(now, out);
  }

private:
  static duration ms(int n) { return std::chrono::milliseconds{n}; }
};

/// Numbers every epoch alike.
struct reuses_epochs : ensemble {
  using ensemble::ensemble;

  void released(epoch_id e, member_id m, instant now, decisions& out) {
    ensemble::released(e, m, now, out);
    if (out.name)
      out.name->epoch = epoch_ - 1;
  }
};

/// Runs what was asked for in an epoch that is over in the one that is live.
struct ignores_epochs : sequence {
  using sequence::sequence;

  bool submit(order what, instant now, steps& out) {
    if (live_ != 0)
      what.epoch = live_;
    return sequence::submit(what, now, out);
  }
};

/// Issues in the order of arrival, as threads that race would.
struct does_not_sort : sequence {
  using sequence::sequence;

  bool submit(const order& what, instant now, steps& out) {
    if (open() && !calling_ && what.number > next_)
      next_ = what.number;
    return sequence::submit(what, now, out);
  }
};

/// Does twice what it is told twice.
struct repeats_itself : sequence {
  using sequence::sequence;

  bool submit(const order& what, instant now, steps& out) {
    const bool fresh = sequence::submit(what, now, out);
    if (!fresh && what.epoch == live_ && open())
      out.issue = what;
    return fresh;
  }
};

/// Has no deadline of its own.
struct never_wakes : sequence {
  using sequence::sequence;

  void wake(instant, steps&) {}
};

/// Says that it has let go and keeps its communicator.
struct does_not_let_go : sequence {
  using sequence::sequence;

  void dissolve(epoch_id e, trouble why, const std::string& text, instant now,
      steps& out) {
    sequence::dissolve(e, why, text, now, out);
    out.drop.reset();
  }
};

/// Calls done what was only issued.
struct answers_early : sequence {
  using sequence::sequence;

  void issued(epoch_id e, operation_number number, instant now, steps& out) {
    sequence::issued(e, number, now, out);
    sequence::completed(e, number, now, out);
  }
};

/// Forgets those who wait when an epoch ends.
struct forgets_to_answer : sequence {
  using sequence::sequence;

  void dissolve(epoch_id e, trouble why, const std::string& text, instant now,
      steps& out) {
    sequence::dissolve(e, why, text, now, out);
    out.answers.clear();
  }
};

} // namespace troupe::collective::broken
