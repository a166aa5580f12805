#include "runtime/record/story.hpp"

#include <set>

#include "runtime/record/journal.hpp"

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
    open_.insert(x.lease);
  }
  void take(const facts::client_failed& x) { refused_ += open_.erase(x.lease); }
  void take(const facts::round_skipped&) { clear(); }
  void take(const facts::published& x, std::map<client_id, version_id>& first) {
    expect(x.updates == open_.size() || x.updates == open_.size() + refused_,
        "version {} is made of {}, but {} accepted for it", x.version,
        counted(x.updates, "update"), open_.size());
    in_all_ += open_.size();
    for (auto lease : open_)
      first.try_emplace(leased_.at(lease).first, x.version);
    clear();
  }
  std::uint64_t in_all() const { return in_all_; }

private:
  void clear() {
    open_.clear();
    refused_ = 0;
  }

  std::map<lease_id, std::pair<client_id, version_id>> leased_;
  std::set<lease_id> leases_, open_;
  std::uint64_t refused_ = 0;
  std::uint64_t in_all_ = 0;
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
    if (auto* x = std::get_if<facts::run_started>(&f.what)) {
      ++into.processes;
      into.name = (*x)->name;
      into.rule = (*x)->rule;
      into.fingerprint = (*x)->fingerprint;
    }
    if (auto* x = std::get_if<facts::stored>(&f.what))
      into.stored[x->version] = x->sha256;
    if (auto* x = std::get_if<facts::evaluated>(&f.what))
      into.scores[x->version] = *x;
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
    if (auto* x = std::get_if<facts::run_started>(&f.what))
      into.promises_bits &= (*x)->promises_bits;
  }
  expect(into.processes > 0, "no process tells that it began");
  return into;
}

void follow_updates(story& of) {
  tally updates;
  for (const auto& f : of.standing) {
    if (auto* offered = std::get_if<facts::leased>(&f.what))
      updates.take(*offered);
    else if (auto* came = std::get_if<facts::accepted>(&f.what))
      updates.take(*came);
    else if (auto* failed = std::get_if<facts::client_failed>(&f.what))
      updates.take(*failed);
    else if (auto* skipped = std::get_if<facts::round_skipped>(&f.what))
      updates.take(*skipped);
    else if (auto* made = std::get_if<facts::published>(&f.what)) {
      expect(made->version == of.version() + 1, "version {} follows version {}",
          made->version, of.version());
      updates.take(*made, of.first_updates);
      of.published[made->version] = f.number;
    } else if (auto* ended = std::get_if<facts::run_ended>(&f.what))
      of.ended = *ended;
  }
  of.updates = updates.in_all();
}

std::string counted(std::uint64_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

} // namespace troupe
