#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "actors/fact_stream.hpp"
#include "protocols/federated/client_states.hpp"
#include "protocols/federated/rule.hpp"
#include "protocols/federated/succession.hpp"
#include "protocols/federated/tally.hpp"
#include "protocols/federated/virtual_order.hpp"
#include "protocols/placement/lease_table.hpp"
#include "protocols/publication/ledger.hpp"
#include "protocols/publication/press.hpp"
#include "protocols/run.hpp"
#include "protocols/storage.hpp"
#include "runtime/simulation/account.hpp"
#include "runtime/simulation/agenda.hpp"
#include "runtime/simulation/hazards.hpp"
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
  federated::make_successor make_successor{}; ///< empty: no rule can take over
  std::vector<federated::planned_switch> switches{};
  federated::pace pace;
  std::vector<std::uint64_t> samples; ///< by client
  facts::run_header header;
  publication::press_options press;
  hazards dangers{};
  bool every_lease = true; ///< is told of; else versions alone are
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
///
/// What its hazards have happen stands in an agenda beside the order. Clients
/// come and go, fail, and are told apart from results that get lost, which
/// somebody notices after a while: the rule is asked for another lease. One
/// that comes twice is brought to the rule twice. The coordinator may crash,
/// and goes on from the last version that it stored, with the leases that were
/// open then; what was begun since comes to nobody.
class simulator {
public:
  simulator(plan what, workshop& by, record to);

  /// To the end, or until it is stopped.
  run_report run(std::stop_token stop = {});

  figures account() const { return account_.at(now()); }

private:
  /// Ten thousand of them are looked up in no order: what only some have is
  /// elsewhere.
  struct open_lease {
    lease_id trained_as = 0;
    client_id client = 0;
    std::uint32_t work = 0;
    version_id base = 0;
    std::uint64_t most_steps = 0;
    std::unique_ptr<loan> from; ///< null: nothing was lent
    instant since{};
    duration again{}; ///< above 0: it comes once more, so much later
    fate::result result = fate::result::comes;
  };
  /// A result on its way a second time.
  struct echo {
    open_lease of;
    product what;
    lease_id rules_id = 0;
    std::uint64_t incarnation = 0;
  };
  /// What a crash leaves.
  struct durable_state {
    store what;
    std::string rule_name;
    federated::succession succession;
    std::string sha256;
    simulation::account account;
  };

  void start();
  void step();
  run_report finish();

  // leases
  void take_turn(const federated::virtual_order::turn& turn);
  open_lease leased(const federated::grant& what);
  void lend(open_lease one, lease_id rules_id);
  std::optional<product> trained(const open_lease& one, lease_id rules_id);
  bool admit(const open_lease& one, const product& what, lease_id rules_id,
      duration took);
  bool count(const open_lease& one, const product& what,
      const federated::verdict& how, lease_id rules_id, duration took);
  void fail(const open_lease& one, lease_id rules_id, const caf::error& why);
  void carry_out();
  void give_up(lease_id rules_id, bool overdue);

  // what happens beside: simulator_hazards.cpp
  void expect_all();
  void expect_told(const trace& all);
  void expect_move(client_id client, std::uint64_t number, bool there);
  void happen();
  void move(const occasion& what);
  void hear_again(std::uint64_t number);
  void crash();
  void go_on(const durable_state* from);
  void resume_leases();

  // versions: simulator_versions.cpp
  void publish(const federated::publication& what);
  void change_rule(version_id behind);
  void follow(publication::orders what);
  void score(version_id version);
  void make_durable(version_id version);
  named_blocks blocks_and_bases();
  bool stores() const noexcept {
    return record_.keep || plan_.dangers.crashes();
  }

  void end(federated::ending how);
  void end(run_outcome how, caf::error why = {});
  bool is_ending() const noexcept { return ending_; }
  instant now() const noexcept { return order_->now(); }

  template <class What>
  void tell(What&& what) {
    if (record_.tell)
      facts_.add(now(), std::forward<What>(what));
  }
  template <class What>
  void tell_lease(What&& what) {
    if (plan_.every_lease)
      tell(std::forward<What>(what));
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
  federated::succession succession_;
  std::string configuration_; ///< in force, if another one than at first
  publication::ledger ledger_;
  publication::press press_;
  std::map<version_id, store> kept_; ///< that the press may ask for
  fact_stream facts_;
  simulation::account account_;
  agenda agenda_;
  std::map<std::uint64_t, echo> echoes_; ///< by their numbers in the agenda
  std::vector<bool> there_;              ///< by client
  std::uint64_t in_vain_ = 0;            ///< crashes since a version was stored
  bool starved_ = false; ///< the rule waits for somebody to come
  std::uint64_t incarnation_ = 0;
  std::optional<durable_state> durable_;
  std::optional<durable_state> first_; ///< version 0
  std::map<version_id, tensor> bases_; ///< of leases that a state holds
  std::string stored_;                 ///< SHA-256 of the version stored last
  std::string last_failure_;
  instant last_publication_{};
  bool ending_ = false;
  run_report report_;
};

} // namespace troupe::simulation
