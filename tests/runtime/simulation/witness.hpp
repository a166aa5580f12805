#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "protocols/facts.hpp"

namespace troupe::simulation {

/// Looks at the story that a simulation told, and says which law it broke
/// first: an update counts once, in one version, of a client that is there;
/// versions grow by one and hold what was accepted for them; nothing that was
/// stored goes.
class witness {
public:
  void hear(const std::vector<fact>& all) {
    for (const auto& f : all) {
      now_ = &f;
      std::visit([this](const auto& x) { see(x); }, f.what);
    }
  }

  const std::string& breach() const noexcept { return breach_; }
  version_id version() const noexcept { return at_.version; }
  std::uint64_t crashes() const noexcept { return crashes_; }
  std::uint64_t updates() const noexcept { return at_.counted.size(); }
  std::uint64_t dropped() const noexcept { return dropped_; }
  std::uint64_t requeued() const noexcept { return requeued_; }
  std::uint64_t left() const noexcept { return left_; }
  std::uint64_t changes() const noexcept { return changes_; }
  const std::string& outcome() const noexcept { return outcome_; }

private:
  struct state {
    version_id version = 0;
    std::set<lease_id> counted; ///< in versions
    std::set<lease_id> open;    ///< accepted for the next one
  };

  template <class... Values>
  void expect(bool holds, const char* text, const Values&... values) {
    if (!holds && breach_.empty())
      breach_ = fmt::format("fact {}: {}", now_->number,
          fmt::format(fmt::runtime(text), values...));
  }

  template <class Other>
  void see(const Other&) {}
  void see(const facts::run_started& x) {
    expect(x->version == at_.version, "goes on from version {}, not {}",
        x->version, at_.version);
    lent_.clear();
  }
  void see(const facts::voided& x) {
    ++crashes_;
    expect(x.version >= stored_, "version {} was stored, and is void", stored_);
    at_ = before_[x.version];
    before_.erase(before_.upper_bound(x.version), before_.end());
  }
  void see(const facts::leased& x) {
    expect(!gone_.contains(x.client), "client {} is not there", x.client);
    for (const auto& [lease, client] : lent_)
      expect(
          client != x.client, "client {} has lease {} already", client, lease);
    expect(x.base <= at_.version, "version {} is not out", x.base);
    lent_[x.lease] = x.client;
  }
  void see(const facts::accepted& x) {
    expect(!at_.counted.contains(x.lease) && !at_.open.contains(x.lease),
        "lease {} counts twice", x.lease);
    const auto found = lent_.find(x.lease);
    expect(found != lent_.end() && found->second == x.client,
        "lease {} is not open", x.lease);
    expect(!gone_.contains(x.client), "client {} is gone", x.client);
    expect(x.staleness == at_.version - x.base,
        "staleness {} of a base {} versions back", x.staleness,
        at_.version - x.base);
    at_.open.insert(x.lease);
    lent_.erase(x.lease);
  }
  void see(const facts::dropped& x) {
    ++dropped_;
    lent_.erase(x.lease);
  }
  void see(const facts::requeued& x) {
    ++requeued_;
    lent_.erase(x.lease);
  }
  void see(const facts::client_failed& x) { lent_.erase(x.lease); }
  void see(const facts::revoked& x) { lent_.erase(x.lease); }
  void see(const facts::client_joined& x) { gone_.erase(x.client); }
  void see(const facts::client_left& x) {
    ++left_;
    gone_.insert(x.client);
  }
  void see(const facts::round_skipped&) { at_.open.clear(); }
  void see(const facts::published& x) {
    expect(x.version == at_.version + 1, "version {} behind {}", x.version,
        at_.version);
    expect(x.updates == at_.open.size(), "{} updates, and {} were accepted",
        x.updates, at_.open.size());
    at_.counted.merge(at_.open);
    at_.open.clear();
    at_.version = x.version;
    expect(x.total_updates == at_.counted.size(),
        "{} updates in all, and {} were accepted", x.total_updates,
        at_.counted.size());
    before_[x.version] = at_;
  }
  void see(const facts::rule_changed& x) {
    ++changes_;
    expect(x.version == at_.version,
        "a rule takes over behind version {}, {} "
        "is out",
        x.version, at_.version);
    expect(at_.open.empty(), "{} updates are in the buffer of the rule before",
        at_.open.size());
  }
  void see(const facts::stored& x) { stored_ = x.version; }
  void see(const facts::run_ended& x) { outcome_ = x.outcome; }

  const fact* now_ = nullptr;
  state at_;
  std::map<version_id, state> before_{{0, {}}};
  std::map<lease_id, client_id> lent_;
  std::set<client_id> gone_;
  version_id stored_ = 0;
  std::uint64_t crashes_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t requeued_ = 0;
  std::uint64_t left_ = 0;
  std::uint64_t changes_ = 0;
  std::string outcome_;
  std::string breach_;
};

} // namespace troupe::simulation
