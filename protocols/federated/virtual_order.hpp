#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "protocols/federated/decisions.hpp"
#include "protocols/federated/pace.hpp"
#include "protocols/fields.hpp"
#include "protocols/ids.hpp"
#include "protocols/placement/lease_table.hpp"

namespace troupe::federated {

/// Hands the results of leases to a rule in the order of a virtual clock, so
/// that one seed gives one model under any rule, at any number of slots and
/// processes. When a lease ends is known as it is made (`pace`), so that a
/// result that comes before its turn waits, and the clock stands still until
/// the one whose turn it is has come:
///
///                       came            next
///     begin ──► in training ──► waits ──────► the rule hears of it ──► end
///                   ▲  │                            │
///                   └──┴──────── again ─────────────┘
///
/// The rule's leases are trained under ids of this one's own. A lease that was
/// lost on the way is trained again, under another id, from the same version
/// and to the same time: the rule never hears of it. Leases that end at one
/// time end in the order of their clients; a wake behind them.
///
/// A value. `inspect` covers what a resumption needs: the clock, and the leases
/// that are open, which are trained again (`resume`).
class virtual_order {
public:
  virtual_order() = default;
  /// Ids from `first` on.
  virtual_order(pace how, lease_id first)
      : pace_(std::move(how)), next_(first) {}

  /// A client has so many samples.
  void join(client_id client, std::uint64_t samples);

  /// What the rule grants now, to be trained under the id that it answers with:
  /// by so many steps as fit into its time, which says nothing any more.
  /// `beside` is time that passes beside the training: the way there and back.
  grant begin(const grant& what, duration beside = {});
  /// How long it would be trained.
  duration takes(const grant& what) const;
  /// The training of an open lease was lost, and begins anew; none: it is not
  /// open.
  std::optional<grant> again(lease_id trained_as);
  /// A result is there; false: nobody waits for it.
  bool came(lease_id trained_as);
  /// The rule wants to be woken.
  void wake_at(instant when) { wake_ = when; }

  /// What the rule hears of next.
  struct turn {
    std::optional<lease_id> lease{}; ///< the rule's; none: it is woken
    lease_id trained_as = 0;
    duration took{};
  };
  /// Moves the clock on; none: somebody is waited for, or nothing is open.
  std::optional<turn> next();
  /// Where `next` moves it, as far as is known now; none: nowhere.
  std::optional<instant> due();
  /// Moves it on for something else that happens, before that or behind.
  void pass(instant when) { now_ = std::max(now_, when); }
  /// A lease of the rule is open no more; what it was trained as.
  struct ended {
    lease_id trained_as = 0;
    client_id client = 0;
    version_id base = 0;
    bool came = false;
  };
  std::optional<ended> end(lease_id lease);

  /// Behind a restored state: what is open, to be trained from the start.
  std::vector<grant> resume();
  /// The lease of the rule that is trained under this id.
  lease_id rules_id(lease_id trained_as) {
    return *rules_ids_.find(trained_as);
  }
  /// Versions that open leases start from, ascending.
  std::vector<version_id> bases() const;

  instant now() const noexcept { return now_; }
  std::size_t open() const noexcept { return open_.size(); }

  template <class Inspector>
  friend bool inspect(Inspector& f, virtual_order& x) {
    std::map<lease_id, record> open; // the same bytes for the same leases
    if constexpr (!Inspector::is_loading)
      x.open_.for_each([&](lease_id lease, const record& each) {
        open.emplace(lease, each);
      });
    if (!f.object(x).fields(f.field("now", x.now_), f.field("open", open)))
      return false;
    if constexpr (Inspector::is_loading) {
      x.open_ = {};
      for (const auto& [lease, each] : open)
        x.open_.insert(lease, each);
    }
    return true;
  }

private:
  struct record {
    grant what; ///< under the rule's id
    lease_id trained_as = 0;
    instant since{};
    instant until{};
    bool came = false;

    template <class Inspector>
    friend bool inspect(Inspector& f, record& x) {
      return f.object(x).fields(f.field("lease", x.what.lease),
          f.field("client", x.what.client), f.field("base", x.what.base),
          exactly(f, "share", x.what.share), f.field("work", x.what.work),
          f.field("allowed", x.what.allowed),
          f.field("most_steps", x.what.most_steps), f.field("since", x.since),
          f.field("until", x.until));
    }
  };
  using place = std::tuple<instant, client_id, lease_id>;
  static place place_of(const record& x) {
    return {x.until, x.what.client, x.what.lease};
  }

  grant within_its_time(const grant& what) const;
  std::uint64_t samples_of(client_id client) const;
  static grant trained(const record& x);
  void queue(const record& x);
  record* first();

  pace pace_;
  lease_id next_ = 0;
  instant now_{};
  std::vector<std::uint64_t> samples_;         ///< by client
  placement::lease_table<record> open_;        ///< by the rule's id
  placement::lease_table<lease_id> rules_ids_; ///< by what they are trained as
  std::vector<place> order_; ///< a heap; who is over stays until it is first
  std::optional<instant> wake_;
};

} // namespace troupe::federated
