#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "actors/fact_stream.hpp"
#include "protocols/federated/client_states.hpp"
#include "protocols/federated/rule.hpp"
#include "protocols/federated/tally.hpp"
#include "protocols/federated/virtual_order.hpp"
#include "protocols/placement/lease_table.hpp"
#include "protocols/publication/ledger.hpp"
#include "protocols/publication/press.hpp"
#include "protocols/run.hpp"
#include "protocols/storage.hpp"
#include "runtime/simulation/workshop.hpp"

namespace troupe::simulation {

/// Where a simulation's story goes; either may be empty.
struct record {
  std::function<void(const fact_batch&)> tell;
  /// Makes a version durable; answers with its parameters' digest.
  std::function<std::string(const store&)> keep;
};

/// What a simulation is told before it begins.
struct plan {
  federated::rule rule;
  federated::virtual_order order;
  std::vector<std::uint64_t> samples; ///< by client
  facts::run_header header;
  publication::press_options press;
};

/// A run without its actors: the pure parts that an aggregator is the voice of
/// - a rule, its virtual order, a ledger, a press, the states of clients -
/// and a workshop, one step after the other in the calling thread:
///
///     order ─ turn ─► train ─► rule ─► ledger ─► add
///       ▲                       │ publish
///       └──── grants ◄──────────┴─► press ─► score, store, open
///
/// A lease is trained when its turn comes, so that nobody waits for a result,
/// and one that was given up costs nothing. What the rule hears is what it
/// hears of a run in virtual order (`aggregator_state`), in the same order; so
/// the bits are that run's. Every time in what it tells is the clock's: one
/// plan gives one story.
class simulator {
public:
  simulator(plan what, workshop& by, record to);

  /// To the end, or until it is stopped.
  run_report run(std::stop_token stop = {});

private:
  struct open_lease {
    federated::grant what; ///< as it is trained
    loan from;
  };

  void start();
  void step();
  run_report finish();
  void take_turn(const federated::virtual_order::turn& turn);
  void lend(const federated::grant& what, lease_id rules_id);
  std::optional<product> trained(const open_lease& one, lease_id rules_id);
  void admit(const open_lease& one, const product& what, lease_id rules_id,
      duration took);
  void count(const open_lease& one, const product& what,
      const federated::verdict& how, lease_id rules_id, duration took);
  void fail(const open_lease& one, lease_id rules_id, const caf::error& why);
  void carry_out();
  void give_up(lease_id rules_id);
  void publish(const federated::publication& what);
  void follow(publication::orders what);
  void score(version_id version);
  void make_durable(version_id version);
  named_blocks blocks_and_bases();
  void end(federated::ending how);
  void end(run_outcome how, caf::error why = {});
  bool is_ending() const noexcept { return ending_; }
  instant now() const noexcept { return order_->now(); }

  template <class What>
  void tell(What&& what) {
    if (record_.tell)
      facts_.add(now(), std::forward<What>(what));
  }
  void flush();

  plan plan_;
  workshop& by_;
  record record_;
  federated::rule rule_;
  std::optional<federated::virtual_order> order_; ///< there is always one
  federated::decisions decisions_;
  placement::lease_table<open_lease> open_; ///< by the rule's id
  federated::client_states states_;
  federated::tally tally_; ///< of the version that is collected
  publication::ledger ledger_;
  publication::press press_;
  std::map<version_id, store> kept_; ///< that the press may ask for
  fact_stream facts_;
  std::string stored_; ///< SHA-256 of the version stored last
  std::string last_failure_;
  instant last_publication_{};
  bool ending_ = false;
  run_report report_;
};

} // namespace troupe::simulation
