#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/fact_stream.hpp"
#include "actors/federated/aggregator_options.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/facts.hpp"
#include "protocols/federated/client_states.hpp"
#include "protocols/federated/rule.hpp"
#include "protocols/federated/succession.hpp"
#include "protocols/federated/tally.hpp"
#include "protocols/federated/virtual_order.hpp"
#include "protocols/membership/quorum.hpp"
#include "protocols/participation.hpp"
#include "protocols/placement/desk.hpp"
#include "protocols/publication.hpp"
#include "protocols/publication/ledger.hpp"
#include "protocols/publication/press.hpp"
#include "protocols/run.hpp"
#include "protocols/storage.hpp"
#include "protocols/timer.hpp"
#include "protocols/training.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

/// The voice of three pure parts: a rule says who trains and what counts, a
/// desk where leases are, a press what becomes of versions. It turns messages
/// into their events and their answers into messages, and tells every fact; it
/// never computes. A fourth, small one says which state of its client a lease
/// goes with (`federated::client_states`). In virtual order a fifth stands
/// before the rule, which then hears of results in its order, at its time.
///
///                   ┌──────── rule ◄────────┐
///           grants, │ revoked      arrive,  │ publish
///                   ▼              fail,    ▼
///     offer ◄──── desk ◄── update, requeue  press ──► evaluate, store
///                          failure          ▲  │ open
///                           published, scored, └──► rule
///                           stored
///
/// Whoever it waits for is watched, and has a bound on their time; a death, or
/// a learner that heeds no stop, costs its slots. It ends the run where nobody
/// can take their place, and then what nobody answers any more is not waited
/// for: every end comes.
///
///                       quorum
///     idle ─► gathering ──────► running ──end──► ending ─────► ended
///      begin          └───────────────────────────┘  nothing is under way
class aggregator_state {
public:
  static inline const char* name = "troupe.aggregator";

  aggregator_state(aggregator::pointer self, aggregator_options options);
  /// Whoever trains is to stop: nobody is left to say so later.
  ~aggregator_state();
  aggregator::behavior_type make_behavior();

private:
  /// An update, and what it was trained from.
  struct returned {
    update what;
    gpu::shared_buffer base;
    std::uint32_t work = 0; ///< that was granted
    lease_id lease = 0;     ///< as the rule has it
    duration took{};        ///< by the clock that the rule goes by
  };
  using lease_end = std::variant<returned, failure>;
  enum class stage : std::uint8_t { idle, gathering, running, ending, ended };
  /// Until when it waits for somebody, and what comes of it if nobody comes.
  struct standstill {
    facts::waiting what; ///< as it was told
    instant until{};
    caf::error or_else;
  };
  /// A client that its node has brought, and stands for.
  struct lodger {
    enrol who;
    state_name told = no_state; ///< its state that is durable
  };
  static constexpr duration flush_after = std::chrono::milliseconds{100};

  // messages
  template <class What>
  void on(What&& what);
  void receive(update& what);
  void receive(failure& what);
  void receive(const added& what);
  void receive(const published& what);
  void receive(const slot_scoring& what);
  void receive(const scored& what);
  void receive(const stored& what);
  void receive(const storage_failed& what);
  void receive(interrupt what);
  void receive(tick what);
  void receive(const caf::down_msg& what);
  caf::result<run_report> start(const begin& what);
  caf::result<slot_id> on_lend(const lend& what);
  caf::result<void> on_withdraw(const withdraw& what);
  changing_rule on_change(const change_rule& what);
  void watch_all();
  void settle_at_home();
  bool is_of_an_edge(const caf::actor_addr& who) const;
  void give(const add& what, float largest);

  // what the rule decides
  void admit(returned& one);
  void count(returned& one, const federated::verdict& how);
  void drop_too_large(const returned& one);
  void fail(const failure& what, lease_id rules_id);
  void tell_failed(client_id client, lease_id lease, const caf::error& why);
  void tell_accepted(facts::accepted what);
  void carry_out();
  void end(federated::ending how);

  // who decides: aggregator_succession.cpp
  void change_rule_if_due(version_id behind);

  // when it hears of it: aggregator_order.cpp
  void hear(lease_end what);
  void wait_for_turn(lease_end what);
  void take_turns();
  void requeue(
      client_id client, lease_id trained_as, const gpu::shared_buffer& base);
  void give_up(lease_id lease, bool overdue);
  void know_bases();
  void resume_leases();
  void keep_base();
  named_blocks blocks_and_bases() const;
  instant heard_at() const noexcept {
    return virtual_ ? virtual_->now() : now_;
  }

  // what the desk does: aggregator_slots.cpp
  void seat_all();
  void offer_to(placement::seat& at);
  training::budget budget_of(const federated::grant& what) const;
  void tell_to_stop();
  void welcome_back(std::optional<slot_id> slot);
  void say_goodbye(std::optional<slot_id> slot);
  void look_after_desk();
  void lose(const placement::overdue& what, std::string why);
  void fail_part(const placement::overdue& what);
  void lease_again(const std::vector<placement::left_over>& all);
  void forget_slot(slot_id slot);
  bool bury_slots(const caf::actor_addr& who, const caf::error& how);
  void end_without(gpu::device_kind kind, const std::string& why);

  // who takes part: aggregator_members.cpp
  void gather();
  void begin_rule();
  void welcome(client_id client, std::uint64_t samples);
  void receive(enrol& what);
  void receive(const leave& what);
  void receive(const withdraw& what);
  void receive(const facts::node_joined& what);
  void receive(const facts::node_left& what);
  void receive(const facts::node_changed& what);
  void receive(const facts::node_serves& what) { tell(what); }
  void receive(const facts::node_refused& what) { tell(what); }
  void receive(const facts::fingerprint_mixed& what);
  slot_id take_in(const lend& what);
  void bury_clients(const caf::actor_addr& who, const std::string& why);
  void bury_client(client_id client, const std::string& why);
  void await(facts::waiting what, caf::error or_else);
  void follow_quorum();
  caf::error missing(
      const char* whom, std::size_t have, std::size_t wanted) const;
  void despair(membership::resort how);
  void await_each(facts::waiting what, caf::error or_else);
  void look_for_slots();

  // residents: aggregator_residents.cpp
  void house(const enrol& what);
  void take_back(client_id client);
  bool evict(const caf::actor_addr& home, const std::string& why);
  void settle(client_id client, lodger& one);
  void settle_all(version_id stored);

  // what the press does
  void follow(publication::orders what);
  void open(publication::opening how);
  void know_variate();
  void ask_to_store(version_id version);

  void end(run_outcome how, caf::error why = {});
  void stop(caf::error why);
  void go_on();
  void settle();
  bool is_ending() const noexcept { return stage_ >= stage::ending; }
  void flush();
  template <class What>
  void tell(What&& what);

  aggregator::pointer self_;
  aggregator_options options_;
  stage stage_ = stage::idle;
  std::shared_ptr<const crew> crew_;
  std::vector<worker> workers_;     ///< by client id; none for who is not there
  std::size_t present_ = 0;         ///< of these
  std::vector<compute_slot> slots_; ///< by slot id
  std::map<slot_id, caf::typed_response_promise<void>> withdrawn_;
  membership::quorum quorum_;             ///< of the cluster's nodes
  std::map<client_id, lodger> residents_; ///< whose nodes are there
  std::vector<resident_client> met_;      ///< residents, so far
  std::optional<standstill> waits_;
  caf::typed_response_promise<run_report> promise_;
  instant start_{};
  instant now_{}; ///< since the start, of the message at hand
  timer<tick> timer_;
  fact_stream facts_;
  std::optional<instant> flush_at_;

  federated::rule rule_;
  federated::succession succession_;
  std::map<client_id, std::uint64_t> samples_; ///< of clients that are there
  std::string configuration_; ///< in force, if another one than at first
  federated::decisions decisions_;
  std::optional<instant> rule_wakes_at_;
  std::optional<federated::virtual_order> virtual_;
  std::map<lease_id, lease_end> waiting_; ///< for their turn in virtual order
  std::map<version_id, gpu::shared_buffer> bases_; ///< of leases in that order
  federated::client_states client_states_;
  state_table storing_states_; ///< of the version that is being stored
  state_table durable_states_; ///< of the last one that is
  version_id durable_ = 0;
  federated::tally tally_; ///< of the version that is collected or being made
  federated::publication plan_; ///< of the version that is being made
  std::vector<returned> early_; ///< wait for the next version to be open
  publication::ledger ledger_;  ///< what the shards were given, and have
  placement::desk desk_;
  publication::press press_;
  std::string stored_;                 ///< SHA-256 of the version stored last
  gpu::shared_buffer parameters_;      ///< of the last version
  named_blocks blocks_;                ///< of it too: what the server keeps
  tensor variate_;                     ///< of these, where leases have it
  std::shared_ptr<next_blocks> next_;  ///< of the version being made, if one is
  std::map<version_id, store> states_; ///< that the press needs
  training::evaluation last_score_;
  std::string last_failure_; ///< of a client
  instant first_lease_{};
  instant last_publication_{};
  run_report report_;
};

template <class What>
void aggregator_state::tell(What&& what) {
  facts_.add(now_, std::forward<What>(what));
  if (!flush_at_)
    flush_at_ = now_ + flush_after;
}

using aggregator_impl = aggregator::stateful_impl<aggregator_state>;

} // namespace troupe
