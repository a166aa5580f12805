#include "protocols/membership/membership.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "protocols/ids.hpp"

namespace troupe::membership {
namespace {

std::string text(duration bound) {
  using ms = std::chrono::milliseconds;
  const auto count = std::chrono::duration_cast<ms>(bound).count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s"
                           : std::to_string(count) + " ms";
}

} // namespace

membership::membership(options here, std::uint64_t incarnation)
    : here_(std::move(here)),
      epoch_(first_lease(incarnation)),
      known_(here_.remembered) {}

verdict membership::knock(const candidate& who, instant now) {
  auto* x = find(who.session);
  if (x && (who.name.empty() || who.name == x->name) && who.key == x->key) {
    heard(who.session, now);
    return {{}, x->id, x->joined, x->name, {}, {}};
  }
  if (auto why = objection(who))
    return {std::move(why), 0, 0, {}, {}, {}};
  if (auto why = lowering(who, here_))
    return {std::move(why), 0, 0, {}, {}, here_.fingerprint};
  return admit(who, now);
}

std::optional<refusal> membership::objection(const candidate& who) {
  if (closed_)
    return too_late(who);
  if (auto why = misfit(who, here_))
    return why;
  const auto* known = known_.find(who.name);
  if (known)
    if (auto why = imposture(who, *known))
      return why;
  if (const auto* x = find(who.session))
    return used_session(who, x->name);
  if (who.session == 0 || over_.contains(who.session))
    return used_session(who, {});
  if (live() >= here_.most && !(known && is_live(known->at)))
    return no_room(who, here_.most);
  return std::nullopt;
}

verdict membership::admit(const candidate& who, instant now) {
  verdict result;
  auto* x = known_.find(who.name);
  const bool fresh = !x;
  if (fresh)
    x = &known_.add(who.name.empty() ? known_.free_name() : who.name, who.key);
  if (is_current(x->session)) {
    result.superseded = x->session;
    note(*x, x->at, change::kind::superseded, now);
    end_session(x->session);
  }
  x->session = who.session;
  x->build = who.build;
  x->fingerprint = who.fingerprint;
  x->resident = who.resident;
  x->slots = who.slots;
  x->mixes = false;
  x->rejoins += fresh ? 0 : 1;
  x->heard = now;
  note(*x, state::joining,
      fresh ? change::kind::joined : change::kind::rejoined, now);
  x->joined = epoch_;
  sessions_[who.session] = x->id;
  look_after(*x);
  result.id = x->id;
  result.epoch = epoch_;
  result.name = x->name;
  return result;
}

std::optional<refusal> membership::ready(
    session_id session, const ability& what, instant now) {
  auto* x = find(session);
  if (!x || x->at != state::joining)
    return not_joining(session);
  if (auto why = mismatch(x->name, what, here_))
    return why;
  x->slots = what.slots;
  x->fingerprint = what.fingerprint;
  x->mixes = !here_.devices.empty() &&
             !computes_alike(what.fingerprint, here_.devices);
  mixed_ |= x->mixes;
  x->heard = now;
  note(*x, state::member, change::kind::readied, now);
  if (x->mixes)
    changes_.back().mixed = x->fingerprint;
  return std::nullopt;
}

bool membership::heard(session_id session, instant now) {
  auto* x = find(session);
  if (x)
    x->heard = now;
  return x;
}

bool membership::drain(std::string_view name, instant now) {
  return start_draining(known_.find(name), now);
}

bool membership::drain(node_id id, instant now) {
  return start_draining(known_.find(id), now);
}

bool membership::start_draining(member* x, instant now) {
  if (!x || x->at != state::member)
    return false;
  note(*x, state::draining, change::kind::draining, now);
  return true;
}

bool membership::left(session_id session, instant now) {
  return end(session, state::left, {}, now);
}

bool membership::lost(session_id session, std::string why, instant now) {
  return end(session, state::lost, std::move(why), now);
}

bool membership::end(
    session_id session, state how, std::string why, instant now) {
  auto* x = find(session);
  if (!x)
    return false;
  x->why = std::move(why);
  note(*x, how, how == state::left ? change::kind::left : change::kind::lost,
      now);
  end_session(session);
  known_.forget();
  return true;
}

std::vector<session_id> membership::wake(instant now) {
  due_.reset();
  std::vector<session_id> ended;
  for (const auto& [session, id] : std::map{sessions_}) {
    const auto& x = *known_.find(id);
    auto why = fault_of(x, now);
    if (why.empty()) {
      look_after(x);
      continue;
    }
    lost(session, std::move(why), now);
    ended.push_back(session);
  }
  return ended;
}

std::string membership::fault_of(const member& x, instant now) const {
  if (here_.silence.count() > 0 && now >= x.heard + here_.silence)
    return "not heard for " + text(here_.silence);
  if (here_.preparation.count() > 0 && x.at == state::joining &&
      now >= x.since + here_.preparation)
    return "not ready within " + text(here_.preparation);
  return {};
}

void membership::look_after(const member& x) noexcept {
  if (here_.silence.count() > 0)
    look_by(x.heard + here_.silence);
  if (here_.preparation.count() > 0 && x.at == state::joining)
    look_by(x.since + here_.preparation);
}

// The moments of another process's clock mean nothing here.
void membership::resume(std::uint64_t incarnation, instant now) {
  epoch_ = std::max(epoch_, first_lease(incarnation));
  for (const auto& [session, id] : std::map{sessions_})
    lost(session, "the coordinator has restarted", now);
  for (const auto& [id, was] : known_.all()) {
    auto& x = *known_.find(id);
    x.session = 0;
    x.since = x.heard = now;
  }
  over_.clear();
  due_.reset();
  closed_ = false;
}

std::optional<epoch_id> membership::epoch_of(
    session_id session) const noexcept {
  const auto found = sessions_.find(session);
  return found != sessions_.end()
             ? std::optional{known_.all().at(found->second).joined}
             : std::nullopt;
}

std::vector<member> membership::members() const {
  std::vector<member> result;
  result.reserve(known_.all().size());
  for (const auto& [id, x] : known_.all())
    result.push_back(x);
  return result;
}

member* membership::find(session_id session) noexcept {
  const auto found = sessions_.find(session);
  return found != sessions_.end() ? known_.find(found->second) : nullptr;
}

void membership::note(member& x, state to, change::kind what, instant now) {
  if (to != state::lost)
    x.why.clear();
  x.since = now;
  known_.move(x, to, ++epoch_);
  changes_.push_back({what, epoch_, x.id, x.name, x.session, x.why, {}});
}

void membership::end_session(session_id session) {
  sessions_.erase(session);
  over_.insert(session);
  if (over_.size() > here_.remembered)
    over_.erase(over_.begin());
}

void membership::look_by(instant when) noexcept {
  due_ = due_ ? std::min(*due_, when) : when;
}

// False for what was not saved by this class.
bool membership::index() {
  sessions_.clear();
  due_.reset();
  for (const auto& [id, x] : known_.all()) {
    if (!is_live(x.at))
      continue;
    if (!sessions_.emplace(x.session, id).second)
      return false;
    look_after(x);
  }
  return true;
}

} // namespace troupe::membership
