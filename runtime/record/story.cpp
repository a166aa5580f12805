#include "runtime/record/story.hpp"

#include <set>
#include <type_traits>
#include <variant>

#include "runtime/record/journal.hpp"
#include "runtime/record/version_sum.hpp"

namespace troupe {
namespace {

template <class Map>
void forget_behind(Map& versions, version_id last) {
  versions.erase(versions.upper_bound(last), versions.end());
}

// Updates that wait for their version to be published. One that the
// accumulator refuses is a failure after all.
class tally {
public:
  explicit tally(story& of) : of_(of) {}

  void take(const facts::run_started&) { of_.steps = 0; }
  void take(const facts::leased& x) { leased_[x.lease] = {x.client, x.base}; }
  void take(const facts::accepted& x) {
    auto leased = leased_.find(x.lease);
    expect(leased != leased_.end() &&
               leased->second == std::pair{x.client, x.base},
        "the update of lease {} is of client {} to version {}, which was not "
        "leased so",
        x.lease, x.client, x.base);
    expect(leases_.insert(x.lease).second,
        "the update of lease {} (client {}) was accepted twice", x.lease,
        x.client);
    expect(!ended_.contains(x.lease),
        "the update of lease {} (client {}) was accepted, though the lease had "
        "been given up",
        x.lease, x.client);
    expect(x.base <= of_.version() &&
               (x.staleness == 0 || x.staleness == of_.version() - x.base),
        "the update of lease {} is {} versions late by its own account, and {} "
        "by its base",
        x.lease, x.staleness, of_.version() - x.base);
    open_.insert(x.lease);
    sum_.take(x);
    of_.worked = of_.steps += x.steps;
  }
  void take(const facts::requeued& x) { ended_.insert(x.lease); }
  void take(const facts::client_failed& x) {
    ended_.insert(x.lease);
    if (open_.erase(x.lease) == 0)
      return;
    ++refused_;
    sum_.retract(x.lease);
  }
  void take(const facts::round_skipped&) { clear(); }
  void take(const facts::published& x) {
    expect(x.version == of_.version() + 1, "version {} follows version {}",
        x.version, of_.version());
    expect(x.updates == open_.size() || x.updates == open_.size() + refused_,
        "version {} is made of {}, but {} accepted for it", x.version,
        counted(x.updates, "update"), open_.size());
    of_.updates += open_.size();
    expect(x.total_updates == of_.updates || refused_ > 0,
        "version {} counts {} in all, but {} were accepted up to it", x.version,
        counted(x.total_updates, "update"), of_.updates);
    of_.totals[x.version] = x.total_updates;
    of_.summed += sum_.expect_in(x);
    for (auto lease : open_)
      of_.first_updates.try_emplace(leased_.at(lease).first, x.version);
    clear();
  }

private:
  void clear() {
    open_.clear();
    refused_ = 0;
    sum_.clear();
  }

  story& of_;
  std::map<lease_id, std::pair<client_id, version_id>> leased_;
  std::set<lease_id> leases_, open_, ended_;
  std::uint64_t refused_ = 0;
  version_sum sum_;
};

} // namespace

// The numbers 1, 2, 3.. without a gap: nothing was cut out. What is said of a
// version holds as long as the version does: its digest and score may come
// behind the fact that a run is taken up from.
story read_story(std::string_view journal) {
  story into;
  auto found = journal::scan(journal, [&](const fact& f) {
    ++into.facts;
    expect(f.number == into.facts, "fact {} is missing", into.facts);
    into.history.take(f);
    if (auto* x = std::get_if<facts::run_started>(&f.what)) {
      ++into.processes;
      into.name = (*x)->name;
      into.unit = (*x)->unit;
      into.fingerprint = (*x)->fingerprint;
      into.links.push_back({f.number, true, (*x)->version, (*x)->sha256, {}});
    }
    if (auto* x = std::get_if<facts::stored>(&f.what)) {
      into.stored[x->version] = x->sha256;
      into.links.push_back({f.number, false, x->version, x->sha256, x->before});
    }
    if (auto* x = std::get_if<facts::evaluated>(&f.what))
      into.scores[x->version] = *x;
    if (auto* x = std::get_if<facts::mesh_formed>(&f.what))
      forget_behind(into.scores, x->step);
    if (auto* x = std::get_if<facts::voided>(&f.what)) {
      into.void_facts += std::erase_if(into.standing, [x](const fact& old) {
        return old.number >= x->first && old.number <= x->last;
      });
      forget_behind(into.stored, x->version);
      forget_behind(into.scores, x->version);
    }
    into.standing.push_back(f);
  });
  into.torn_bytes = found.torn_bytes;
  for (const auto& f : into.standing) {
    if (std::holds_alternative<facts::fingerprint_mixed>(f.what))
      into.promises_bits = false;
    if (auto* x = std::get_if<facts::rule_changed>(&f.what))
      into.rule = x->rule;
    if (auto* x = std::get_if<facts::run_started>(&f.what)) {
      into.rule = (*x)->rule;
      into.promises_bits &= (*x)->promises_bits;
    }
  }
  expect(into.processes > 0, "no process tells that it began");
  return into;
}

// A run that is taken up again has not ended yet.
void follow_updates(story& of) {
  if (of.of_mesh())
    return follow_steps(of);
  tally updates{of};
  for (const auto& f : of.standing)
    std::visit(
        [&](const auto& x) {
          using kind = std::decay_t<decltype(x)>;
          if constexpr (requires { updates.take(x); })
            updates.take(x);
          if constexpr (std::is_same_v<kind, facts::run_started>)
            of.ended.reset();
          else if constexpr (std::is_same_v<kind, facts::run_ended>)
            of.ended = x;
          else if constexpr (std::is_same_v<kind, facts::published>)
            of.published[x.version] = f.number;
        },
        f.what);
}

// A crash may come between a checkpoint and the fact that tells of it.
std::size_t follow_links(const story& of) {
  std::size_t result = 0;
  std::map<version_id, std::string> stored;
  std::string last;
  for (const auto& [number, begins, version, sha256, before] : of.links) {
    if (begins) {
      const auto known = stored.find(version);
      expect(sha256.empty() || known == stored.end() || known->second == sha256,
          "fact {}: a process went on from version {} with the parameters {}, "
          "which were stored as {}",
          number, version, sha256, known->second);
    } else {
      expect(before.empty() || before == last,
          "fact {}: version {} names {} as the one before it, which is {}",
          number, version, before, last);
      stored[version] = sha256;
      result += !before.empty();
    }
    last = sha256;
  }
  return result;
}

std::string counted(std::uint64_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

} // namespace troupe
