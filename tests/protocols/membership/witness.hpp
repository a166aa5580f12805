#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocols/ids.hpp"
#include "protocols/membership/membership.hpp"
#include "tests/protocols/membership/arrows.hpp"
#include "tests/protocols/membership/picture.hpp"
#include "tests/protocols/membership/saved.hpp"

namespace troupe::membership {

/// How often something happened.
struct tally {
  std::map<reason, std::uint64_t> refused;
  std::map<change::kind, std::uint64_t> changes;
  std::uint64_t silent = 0;
  std::uint64_t unready = 0; ///< for too long
  std::uint64_t mixed = 0;
  std::uint64_t ignored = 0; ///< events of sessions that are over
  std::uint64_t forgotten = 0;
  std::uint64_t quorums = 0;
};

/// Stands before a rule, passes every event on and holds the rule to these
/// laws, from what it sees alone; the first breach is kept as a sentence.
///
/// - An identity has at most one live session, a session one identity; exactly
///   those are current, under the epoch in which they were let in.
/// - Changes have epochs that grow and never come again; told in order, they
///   are the whole difference, and follow the arrows of the states.
/// - An event of a session that is over is answered with false and changes
///   nothing; so does a candidate that is refused.
/// - A candidate is refused for a reason that holds, and let in if none does;
///   one that computes other bits and need not is told to take on the run's.
/// - Nobody is ready with devices that compute other bits, unless any will do,
///   and then it is said so and no bits are promised any more.
/// - At a wake, whoever was silent for the bound, or not ready within it, is
///   lost, and nobody else ever is; `due` comes in time.
/// - An identity keeps its id and its key; no id is given twice. Those that
///   are gone are remembered up to the bound, the latest ones.
/// - Counts add up; the quorum and the promise of bits say what they say.
template <class Rule>
class witness {
public:
  explicit witness(options here) : here_(here), rule_(std::move(here)) {}

  const std::string& breach() const noexcept { return breach_; }
  const tally& seen() const noexcept { return seen_; }
  std::optional<instant> due() const { return rule_.due(); }

  verdict knock(const candidate& who, instant now) {
    const auto reasons = reasons_to_refuse(who);
    const auto* known = shown_.named(who.name);
    const auto was_live = known && is_live(known->at) ? known->session : 0;
    const bool again = is_repeated(who);
    const auto expected = again              ? shown_.with(who.session)->name
                          : who.name.empty() ? shown_.free_name()
                                             : who.name;
    const auto said = rule_.knock(who, now);
    if (!said.admitted()) {
      const auto why = said.refused->why;
      ++seen_.refused[why];
      expect(reasons.contains(why), "refused for a reason that does not hold");
      expect(why != reason::to_be_lowered || reasons.size() == 1,
          "lowered in spite of a reason to refuse");
      expect(said.lower_to ==
                 (why == reason::to_be_lowered ? here_.fingerprint : ""),
          "lowered to what the run is not");
      expect(!said.refused->text.empty(), "refused without a word");
      return unchanged("a refused candidate"), said;
    }
    expect(reasons.empty(), "let in in spite of a reason to refuse");
    expect(said.name == expected, "let in under a wrong name");
    expect(said.superseded.value_or(0) == (again ? 0 : was_live),
        "the session that was superseded is not the one that was live");
    heard_[who.session] = now;
    if (!again)
      knocked_[who.session] = now;
    look({said.name});
    const auto* x = shown_.with(who.session);
    expect(x && x->id == said.id && x->joined == said.epoch,
        "let in with an id or an epoch that is not its own");
    expect(x && x->heard == now, "let in unheard");
    return said;
  }

  void ready(session_id session, const ability& what, instant now) {
    const auto* x = shown_.with(session);
    const bool joins = x && x->at == state::joining;
    const bool fits = here_.any_fingerprint || is_alike(what.fingerprint);
    const auto refused = rule_.ready(session, what, now);
    if (joins && fits && !is_alike(what.fingerprint)) {
      mixed_ = true;
      mixes_ = what.fingerprint;
      ++seen_.mixed;
    }
    answered(session, joins && fits, !refused, now);
    mixes_.clear();
    if (refused)
      expect(refused->why ==
                 (joins ? reason::other_fingerprint : reason::stale_session),
          "refused for a reason that does not hold");
  }
  void heard(session_id session, instant now) {
    answered(session, shown_.with(session), rule_.heard(session, now), now);
  }
  void left(session_id session, instant now) {
    answered(session, shown_.with(session), rule_.left(session, now), now);
    expect(!shown_.with(session), "who left is still there");
  }
  void lost(session_id session, instant now) {
    answered(
        session, shown_.with(session), rule_.lost(session, "closed", now), now);
    expect(!shown_.with(session), "who was lost is still there");
  }

  void drain(const std::string& name, instant now) {
    const auto* x = shown_.named(name);
    const bool expected = x && x->at == state::member;
    expect(rule_.drain(name, now) == expected, "drained the wrong one");
    if (expected)
      look({name});
    else
      unchanged("a vain drain");
  }

  void wake(instant now) {
    std::set<session_id> overdue;
    std::set<std::string> names;
    for (const auto& x : shown_.all)
      if (is_live(x.at) && now >= end_of(x)) {
        overdue.insert(x.session);
        names.insert(x.name);
        const bool silent = now - heard_[x.session] >= here_.silence;
        (silent ? seen_.silent : seen_.unready) += 1;
      }
    const auto lost = rule_.wake(now);
    expect(std::set(lost.begin(), lost.end()) == overdue,
        "those who were lost are not those who were silent");
    look(names);
    expect(rule_.due() == first_end(), "due is not the end of a silence");
  }

  void close() {
    closed_ = true;
    rule_.close();
    unchanged("closing");
  }

  void save_and_load() {
    Rule again{here_};
    expect(copy_saved(rule_, again), "what was saved is not taken");
    rule_ = std::move(again);
    unchanged("saving");
    check_sessions();
  }

  void resume(std::uint64_t incarnation, instant now) {
    save_and_load();
    std::set<std::string> live;
    for (const auto& x : shown_.all)
      if (is_live(x.at))
        live.insert(x.name);
    rule_.resume(incarnation, now);
    expect(
        rule_.epoch() >= first_lease(incarnation), "an epoch may come again");
    expect(rule_.live() == 0, "somebody outlived the coordinator");
    expect(!rule_.due(), "due though nobody is there");
    last_epoch_ = std::max(last_epoch_, first_lease(incarnation));
    closed_ = false;
    resumed_ = true;
    look(live);
    resumed_ = false;
    over_.clear();
    heard_.clear();
    knocked_.clear();
  }

private:
  void expect(bool holds, const char* law) {
    if (!holds && breach_.empty())
      breach_ = law;
  }

  bool is_repeated(const candidate& who) const {
    const auto* x = shown_.with(who.session);
    return x && (who.name.empty() || who.name == x->name) && who.key == x->key;
  }
  bool is_over(session_id session) const {
    const auto later = std::distance(over_.find(session), over_.end());
    return later > 0 && std::size_t(later) <= here_.remembered;
  }

  std::set<reason> reasons_to_refuse(const candidate& who) const {
    std::set<reason> result;
    if (is_repeated(who))
      return result;
    const auto* known = shown_.named(who.name);
    if (closed_)
      result.insert(reason::closed);
    if (who.version != here_.version)
      result.insert(reason::other_version);
    if (who.configuration != here_.configuration)
      result.insert(reason::other_configuration);
    if (!here_.build.empty() && who.build != here_.build)
      result.insert(reason::other_build);
    const bool lowers = std::ranges::count(who.lowerable, here_.fingerprint);
    if (who.fingerprint != here_.fingerprint && lowers)
      result.insert(reason::to_be_lowered);
    else if (who.fingerprint != here_.fingerprint && !here_.any_fingerprint)
      result.insert(reason::other_fingerprint);
    if (known && known->key != who.key)
      result.insert(reason::identity_taken);
    if ((known && known->session >= who.session) || shown_.with(who.session) ||
        is_over(who.session) || who.session == 0)
      result.insert(reason::stale_session);
    if (shown_.live() >= here_.most && !(known && is_live(known->at)))
      result.insert(reason::full);
    return result;
  }

  std::optional<instant> first_end() {
    std::optional<instant> result;
    for (const auto& x : shown_.all)
      if (is_live(x.at))
        result = result ? std::min(*result, end_of(x)) : end_of(x);
    return result;
  }
  instant end_of(const member& x) {
    const auto silent = heard_[x.session] + here_.silence;
    if (x.at != state::joining || here_.preparation == duration{})
      return silent;
    return std::min(silent, knocked_[x.session] + here_.preparation);
  }
  // The kinds of device that a history has are one word each.
  bool is_alike(const std::string& theirs) const {
    return theirs == "cpu" || (theirs == "gpu" && here_.devices != "cpu");
  }

  void answered(session_id session, bool expected, bool said, instant now) {
    expect(said == expected, "an event was answered wrongly");
    if (!shown_.with(session))
      ++seen_.ignored;
    if (const auto* x = shown_.with(session); x && expected) {
      heard_[session] = now;
      look({x->name});
    } else {
      unchanged("an event that does not count");
    }
    expect(rule_.is_current(session) == (shown_.with(session) != nullptr),
        "a session that is over is current");
  }

  void unchanged(const char* what) {
    if (!look({}) && breach_.empty())
      breach_ = what + std::string{" changed something"};
  }

  /// Looks at the rule after an event that concerns these names. True:
  /// nothing has changed.
  bool look(const std::set<std::string>& concerned) {
    const auto was = std::exchange(shown_, picture{rule_.members()});
    const auto changes = rule_.take_changes();
    check_figures();
    if (changes.empty() && last_epoch_ == rule_.epoch() && was == shown_)
      return true;
    const auto changed = follow(changes, was);
    for (const auto& [name, epoch] : changed)
      expect(concerned.contains(name), "an event changed somebody else");
    for (const auto& x : was.all)
      check_bystander(x, concerned, changed);
    check_sessions();
    check_identities(was, changed);
    return false;
  }

  /// The epoch of what happened last, by name.
  std::map<std::string, epoch_id> follow(
      const std::vector<change>& changes, const picture& was) {
    std::map<std::string, state> stood;
    for (const auto& x : was.all)
      stood[x.name] = x.at;
    std::map<std::string, epoch_id> changed;
    std::string superseded;
    for (const auto& x : changes) {
      ++seen_.changes[x.what];
      expect(x.epoch > last_epoch_, "an epoch does not grow");
      last_epoch_ = x.epoch;
      changed[x.name] = x.epoch;
      expect(x.mixed == (x.what == change::kind::readied ? mixes_ : ""),
          "it is not said who mixes");
      const auto now =
          stood.contains(x.name) ? std::optional{stood[x.name]} : std::nullopt;
      expect(follows(x.what, now, superseded == x.name),
          "a change follows no arrow");
      superseded = x.what == change::kind::superseded ? x.name : "";
      stood[x.name] = after(x.what, now.value_or(state::joining));
    }
    expect(superseded.empty(), "a session was superseded by nobody");
    expect(resumed_ || rule_.epoch() == last_epoch_,
        "an epoch has no change of its own");
    for (const auto& x : shown_.all)
      expect(stood.contains(x.name) && stood[x.name] == x.at,
          "the changes do not tell what has become of somebody");
    return changed;
  }

  /// Who is not concerned is as before; who is, up to `heard` if nothing
  /// happened to it.
  void check_bystander(member was, const std::set<std::string>& concerned,
      const std::map<std::string, epoch_id>& changed) {
    const auto* x = shown_.named(was.name);
    if (!x || resumed_)
      return;
    const auto when = changed.find(was.name);
    if (when != changed.end())
      return expect(x->changed == when->second, "an epoch is not noted");
    if (concerned.contains(was.name))
      was.heard = x->heard;
    expect(*x == was, "something changed without a word");
  }

  void check_sessions() {
    std::set<session_id> live;
    for (const auto& x : shown_.all) {
      if (!is_live(x.at))
        continue;
      expect(live.insert(x.session).second, "two identities share a session");
      expect(
          rule_.is_current(x.session) && rule_.epoch_of(x.session) == x.joined,
          "a live session is not current");
      expect(x.heard == heard_[x.session], "heard is not when it was heard");
      over_.erase(x.session);
    }
    for (auto session : live_)
      if (!live.contains(session))
        over_.insert(session);
    for (auto session : over_)
      expect(!rule_.is_current(session) && !rule_.epoch_of(session),
          "a session that is over is current");
    live_ = std::move(live);
  }

  void check_identities(
      const picture& was, const std::map<std::string, epoch_id>& changed) {
    std::size_t gone = 0;
    epoch_id oldest = rule_.epoch() + 1; // of those that are gone
    for (const auto& x : shown_.all) {
      if (!is_live(x.at)) {
        ++gone;
        oldest = std::min(oldest, x.changed);
      }
      const auto [found, fresh] =
          owners_.try_emplace(x.id, std::pair{x.name, x.key});
      expect(found->second == std::pair{x.name, x.key},
          "an id changed its name or its key");
      if (const auto* y = was.named(x.name))
        expect(y->id == x.id && y->key == x.key,
            "an identity changed its id or its key");
      else
        expect(fresh, "an id was given twice");
    }
    expect(gone <= here_.remembered, "too many are remembered");
    for (const auto& x : was.all)
      if (!shown_.named(x.name)) {
        ++seen_.forgotten;
        expect(gone == here_.remembered, "somebody was forgotten too early");
        const auto when = changed.find(x.name);
        expect((when == changed.end() ? x.changed : when->second) < oldest,
            "somebody was forgotten before his elders");
      }
  }

  void check_figures() {
    if (const auto end = first_end())
      expect(rule_.due() && *rule_.due() <= *end,
          "due is later than somebody's silence");
    std::size_t all = 0;
    for (auto at : {state::joining, state::member, state::draining, state::left,
             state::lost}) {
      const auto count = rule_.count(at);
      expect(count == shown_.count(at), "a count is wrong");
      all += count;
    }
    expect(all == shown_.all.size(), "the counts do not add up");
    expect(rule_.live() == shown_.live(), "the number of live nodes is wrong");
    const bool quorum = shown_.count(state::member) >= here_.wanted;
    expect(rule_.quorum() == quorum, "the quorum is wrong");
    seen_.quorums += quorum ? 1 : 0;
    expect(rule_.promises_bits() == !mixed_, "the promise of bits is wrong");
    for (const auto& x : shown_.all)
      expect(x.why.empty() == (x.at != state::lost),
          "a reason of loss is missing, or is one of nothing");
  }

  options here_;
  Rule rule_;
  std::string breach_;
  tally seen_;
  picture shown_;
  std::map<session_id, instant> heard_;
  std::map<session_id, instant> knocked_;
  std::set<session_id> live_;
  std::set<session_id> over_;
  std::map<node_id, std::pair<std::string, std::string>> owners_;
  epoch_id last_epoch_ = 0;
  bool closed_ = false;
  bool mixed_ = false;
  std::string mixes_;    ///< the fingerprint of whoever is ready just now
  bool resumed_ = false; ///< the event is the start of a new process
};

} // namespace troupe::membership
