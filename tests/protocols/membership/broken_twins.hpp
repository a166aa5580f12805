#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "protocols/membership/membership.hpp"

/// Rules with one fault each. The witness of a history has to find every one.
namespace troupe::membership::broken {

/// Does not end the older session when a newer one comes.
struct keeps_the_older_session : membership {
  using membership::membership;

  verdict knock(const candidate& who, instant now) {
    auto said = membership::knock(who, now);
    if (said.superseded)
      sessions_[*said.superseded] = said.id;
    return said;
  }
};

/// Goes by whose session it was, not by which session it is.
struct goes_by_the_name : membership {
  using membership::membership;

  verdict knock(const candidate& who, instant now) {
    auto said = membership::knock(who, now);
    if (said.admitted())
      owners_[who.session] = said.id;
    return said;
  }
  bool lost(session_id session, std::string why, instant now) {
    const auto found = owners_.find(session);
    const auto* x =
        found != owners_.end() ? known_.find(found->second) : nullptr;
    return membership::lost(x ? x->session : session, std::move(why), now);
  }

private:
  std::map<session_id, node_id> owners_;
};

/// Lets the knock of an older connection, late on its way, end the newer one.
struct lets_the_last_knock_win : membership {
  using membership::membership;

  verdict knock(candidate who, instant now) {
    auto* x = known_.find(who.name);
    if (!x || who.key != x->key || who.session >= x->session)
      return membership::knock(who, now);
    over_.erase(who.session);
    sessions_.erase(x->session);
    x->session = 0;
    return membership::knock(who, now);
  }
};

/// A sign of life of a session that is over brings its node back.
struct raises_the_dead : membership {
  using membership::membership;

  bool heard(session_id session, instant now) {
    for (const auto& [id, x] : known_.all())
      if (x.session == session && !is_live(x.at)) {
        known_.move(*known_.find(id), state::member, ++epoch_);
        sessions_[session] = id;
        break;
      }
    return membership::heard(session, now);
  }
};

/// Uses the epoch of a goodbye for what comes next, too.
struct repeats_an_epoch : membership {
  using membership::membership;

  bool left(session_id session, instant now) {
    const bool known = membership::left(session, now);
    epoch_ -= known ? 1 : 0;
    return known;
  }
};

/// Does not say that somebody is to drain.
struct drains_without_a_word : membership {
  using membership::membership;

  bool drain(std::string_view name, instant now) {
    const bool done = membership::drain(name, now);
    if (done)
      changes_.pop_back();
    return done;
  }
};

/// Loses whoever is nearly silent.
struct loses_too_early : membership {
  using membership::membership;

  std::vector<session_id> wake(instant now) {
    return membership::wake(now + std::chrono::milliseconds{1});
  }
};

/// Has more patience than it says.
struct loses_too_late : membership {
  using membership::membership;

  std::vector<session_id> wake(instant now) {
    return membership::wake(now - std::chrono::milliseconds{1});
  }
};

/// Asks to be woken when it is too late.
struct oversleeps : membership {
  using membership::membership;

  std::optional<instant> due() const {
    const auto due = membership::due();
    return due ? std::optional{*due + std::chrono::milliseconds{1}} : due;
  }
};

/// Lets anybody go under anybody's name.
struct takes_any_key : membership {
  using membership::membership;

  verdict knock(candidate who, instant now) {
    if (const auto* x = known_.find(who.name))
      who.key = x->key;
    return membership::knock(who, now);
  }
};

/// Forgets the key of whoever is gone, and takes the next one's.
struct forgets_keys : membership {
  using membership::membership;

  verdict knock(const candidate& who, instant now) {
    auto* x = known_.find(who.name);
    if (x && !is_live(x->at))
      x->key = who.key;
    return membership::knock(who, now);
  }
};

/// Gives an identity another id when it comes back.
struct gives_new_ids : membership {
  using membership::membership;

  verdict knock(const candidate& who, instant now) {
    const auto was = known_.all().size();
    auto said = membership::knock(who, now);
    if (said.admitted() && known_.all().size() == was)
      said.id += 100;
    return said;
  }
};

/// Remembers nobody who is gone.
struct remembers_nobody : membership {
  remembers_nobody() = default;
  explicit remembers_nobody(options here) : membership(std::move(here)) {
    known_ = identities{0};
  }
};

/// Takes it for a sign of life when somebody is refused.
struct lets_a_refusal_count : membership {
  using membership::membership;

  verdict knock(const candidate& who, instant now) {
    auto said = membership::knock(who, now);
    auto* x = known_.find(who.name);
    if (!said.admitted() && x)
      x->heard = now;
    return said;
  }
};

/// Lets one more in than there is room for.
struct lets_too_many_in : membership {
  lets_too_many_in() = default;
  explicit lets_too_many_in(options here) : membership(std::move(here)) {
    ++here_.most;
  }
};

/// Refuses its own nodes when it is full, even those that only dial again.
struct is_full_for_its_own : membership {
  using membership::membership;

  verdict knock(const candidate& who, instant now) {
    if (!is_current(who.session) && live() >= here_.most)
      return {no_room(who, here_.most), 0, 0, {}, {}, {}};
    return membership::knock(who, now);
  }
};

/// Takes whoever comes back for ready.
struct needs_no_ready : membership {
  using membership::membership;

  verdict knock(const candidate& who, instant now) {
    const auto was = epoch_;
    auto said = membership::knock(who, now);
    auto* x = known_.find(said.id);
    if (x && epoch_ > was && x->rejoins > 0)
      known_.move(*x, state::member, epoch_);
    return said;
  }
};

/// Counts on those who are about to go.
struct counts_on_the_draining : membership {
  using membership::membership;

  bool quorum() const {
    return count(state::member) + count(state::draining) >= here_.wanted;
  }
};

/// Promises the same bits whoever computes them.
struct promises_too_much : membership {
  using membership::membership;

  bool promises_bits() const { return true; }
};

/// Lets whoever is in compute by anything.
struct takes_any_device : membership {
  using membership::membership;

  auto ready(session_id session, const ability& what, instant now) {
    auto as_ours = what;
    as_ours.fingerprint = "cpu";
    return membership::ready(session, as_ours, now);
  }
};

/// Lets whoever could compute the run's bits in as it is.
struct lowers_nobody : membership {
  using membership::membership;

  verdict knock(candidate who, instant now) {
    who.lowerable.clear();
    return membership::knock(who, now);
  }
};

/// Lowers whoever can be, even one that is to be refused.
struct lowers_before_it_looks : membership {
  using membership::membership;

  verdict knock(const candidate& who, instant now) {
    if (auto why = lowering(who, here_))
      return {std::move(why), 0, 0, {}, {}, here_.fingerprint};
    return membership::knock(who, now);
  }
};

/// Waits for ever for whoever beats and is never ready.
struct waits_for_the_unready : membership {
  waits_for_the_unready() = default;
  explicit waits_for_the_unready(options here) : membership(std::move(here)) {
    here_.preparation = {};
  }
};

/// Throws members out, too, who took their time to be ready.
struct bears_a_grudge : membership {
  using membership::membership;

  auto ready(session_id session, const ability& what, instant now) {
    auto said = membership::ready(session, what, now);
    auto* x = find(session);
    if (!said && here_.preparation.count() > 0 && x)
      x->heard = now - here_.preparation;
    return said;
  }
};

/// Begins its epochs again in a new process.
struct counts_from_the_start : membership {
  using membership::membership;

  void resume(std::uint64_t, instant now) {
    epoch_ = 0;
    membership::resume(0, now);
  }
};

} // namespace troupe::membership::broken
