#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/fact_stream.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/facts.hpp"
#include "protocols/federated/rule.hpp"
#include "protocols/federated/tally.hpp"
#include "protocols/placement/allotment.hpp"
#include "protocols/placement/slot_book.hpp"
#include "protocols/publication.hpp"
#include "protocols/run.hpp"
#include "protocols/storage.hpp"
#include "protocols/timer.hpp"
#include "protocols/training.hpp"
#include "protocols/verbs.hpp"

namespace troupe {

struct aggregator_options {
  federated::rule rule;               ///< fresh, or as it was stored
  gpu::shared_buffer parameters;      ///< of the rule's version
  std::vector<std::uint64_t> samples; ///< by client
  facts::run_started header;          ///< its incarnation and version count
  std::vector<fact> preface; ///< told before the header, e.g. what is void
  std::uint64_t next_fact = 1;
  version_id evaluate_every = 10; ///< 0: the last version alone
  bool score_first = false; ///< the version to start from was due and is not
  double target_accuracy = 0.0; ///< 0: none
  version_id checkpoint_every = 1;
  std::size_t depth = 2;      ///< leases in flight a slot, at most
  std::size_t adding = 1;     ///< deltas that may wait at the shard beside them
  placement::allotment kinds; ///< of device, by client
  /// From the start of a client's training; a part of an evaluation has ten
  /// times as long. 0: no bound.
  duration lease_time{};
  duration stop_grace = std::chrono::seconds{2};
};

/// Hands out leases, judges what comes back by its rule, has versions
/// published, scored and stored, and tells every fact. It decides; it never
/// computes.
///
/// A lease's life here:
///
///     granted ─► queued ─► handed out ─► update  ─► added | dropped
///                  ▲          │    │───► failure ─► failed
///                  └ requeued ┘    └───► overrun ─► failed, then stopped
///
/// Whoever it waits for is watched, and has a bound on their time; a death, or
/// a learner that heeds no stop, costs its slots. It ends the run where nobody
/// can take their place, and then what nobody answers any more is not waited
/// for: every end comes.
class aggregator_state {
public:
  static inline const char* name = "troupe.aggregator";

  aggregator_state(aggregator::pointer self, aggregator_options options);
  ~aggregator_state();
  aggregator::behavior_type make_behavior();

private:
  static constexpr duration flush_after = std::chrono::milliseconds{100};
  static constexpr std::size_t flush_size = 1024;

  struct queued {
    federated::grant grant;
    gpu::shared_buffer base;
  };
  struct held {
    std::stop_source stop;
    std::optional<instant> stopped; ///< when it was told to
    std::uint64_t turn = 0;         ///< at its slot
  };
  /// A kind of device whose slots are all lost, though some may return.
  struct deserted {
    instant since{};
    slot_id slot = 0; ///< the last one
    std::string why;
  };

  aggregator_state& at_once();

  // events
  caf::result<run_report> start(const begin& what);
  void receive(update& what);
  void judge(update& what);
  void fail(client_id client, lease_id lease, const caf::error& why);
  void tell_failed(client_id client, lease_id lease, const caf::error& why);
  void receive(failure& what);
  void receive(const refused& what);
  void receive(published& what);
  void receive(const slot_scoring& what);
  void receive(const scored& what);
  void receive(const stored& what);
  void receive(const added& what);
  void receive(const storage_failed& what);
  void stop_early();
  void on_tick();
  void on_down(const caf::down_msg& what);

  // carrying out decisions
  template <class Event>
  auto decide(Event&& event);
  void begin_rule();
  void carry_out();
  void hand_out();
  void hand_out(gpu::device_kind kind, std::deque<queued>& queue);
  bool has_room() const noexcept;
  void go_on();
  void judge_version();
  void call_off_scores();
  void lose_scores();
  void hold_back(version_id unscored);
  void note_state();
  void store_version();
  void store_best(version_id version);
  void store_when_due();
  void lose_storage();
  void end(run_outcome how, caf::error why = {});
  void end(federated::ending how);
  void settle();

  // leases and slots
  void revoke(lease_id lease);
  void watch_leases();
  void overrun(const placement::slot_book::holding& entry);
  void watch_parts();
  void watch_kinds();
  void wake_by(instant when);
  using holdings = std::vector<placement::slot_book::holding>;
  void lose(const placement::slot_book::holding& entry);
  void lose_at_part(slot_id slot);
  void give_up(slot_id slot, const holdings& all, const std::string& why);
  void take_back(lease_id lease);
  bool bury(const caf::actor_addr& who, const std::string& why);
  void lose_clients(const caf::actor_addr& who, const std::string& why);
  void lease_again(const holdings& all);
  void end_without(gpu::device_kind kind, const std::string& why);
  void forget_slot(slot_id slot);

  template <class What>
  void tell(What&& what);
  void flush();

  aggregator::pointer self_;
  aggregator_options options_;
  federated::rule rule_;
  federated::decisions decisions_;
  std::shared_ptr<const cast> cast_;
  caf::typed_response_promise<run_report> promise_;
  fact_stream facts_;
  instant start_{};
  instant now_{}; ///< since the start, of the message at hand

  placement::slot_book slots_;
  std::vector<std::uint64_t> turns_; ///< leases handed out, by slot
  std::map<gpu::device_kind, std::deque<queued>> queues_; ///< not handed out
  std::unordered_map<lease_id, held> held_;
  std::map<gpu::device_kind, deserted> deserted_;
  std::uint64_t unadded_ = 0; ///< sent to the shard, not acknowledged

  gpu::shared_buffer parameters_;
  version_id version_ = 0;
  federated::tally open_;                          ///< or being rounded
  std::optional<federated::publication> rounding_; ///< by the shard
  std::vector<update> early_;      ///< came while a version was being made
  bool paused_ = false;            ///< no next round before a score is in
  bool begun_ = false;             ///< the rule has begun to hand out leases
  std::deque<version_id> judging_; ///< at the judge, in this order
  std::optional<version_id> judged_version_; ///< last one sent to the judge
  std::optional<version_id> scored_version_;
  std::optional<instant> scores_until_; ///< then they are given up
  std::optional<instant> called_off_;   ///< since when they are
  std::optional<version_id> unscored_;  ///< no later version is stored
  training::evaluation last_score_;
  std::optional<store> state_; ///< of the last version, not stored yet
  std::optional<version_id> storing_;
  bool unwritable_ = false;            ///< the run's directory
  std::optional<store> next_store_;    ///< once its time has come
  std::optional<store> best_store_;    ///< at once
  std::map<version_id, store> judged_; ///< not stored, until their score is in
  instant next_store_at_{};

  bool ending_ = false;
  bool told_ = false;
  run_report report_;
  std::string last_failure_;
  timer<tick> timer_;
  instant first_lease_{};
  instant last_publication_{};
};
// Lets the rule see one event; what it wants done waits in decisions_.
template <class Event>
auto aggregator_state::decide(Event&& event) {
  return event(rule_, decisions_);
}

template <class What>
void aggregator_state::tell(What&& what) {
  facts_.add(now_, std::forward<What>(what));
  if (facts_.size() >= flush_size)
    flush();
  else
    wake_by(now_ + flush_after);
}

using aggregator_impl = aggregator::stateful_impl<aggregator_state>;

} // namespace troupe
