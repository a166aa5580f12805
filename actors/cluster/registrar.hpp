#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "protocols/cluster/registration.hpp"
#include "protocols/facts.hpp"
#include "protocols/membership/allowance.hpp"
#include "protocols/membership/clientele.hpp"
#include "protocols/membership/membership.hpp"
#include "protocols/run.hpp"
#include "protocols/timer.hpp"
#include "protocols/verbs.hpp"

namespace troupe::cluster {

struct registrar_options {
  membership::options rule;
  std::uint64_t incarnation = 0; ///< of the run
  facts::provenance from;        ///< what its clients train on
  roll_reader tell;
  rule_keeper rules{};                ///< none: there is nothing to change
  bool residents = false;             ///< nodes may bring clients
  client_id first_resident = 0;       ///< behind all placed clients
  std::vector<resident_client> known; ///< residents that came before
};

/// The voice of the membership: answers doors, throws out whom the rule has
/// replaced or waited for too long, and tells the run of each change. It
/// says which client a resident is. It hears the run's facts, so that people
/// who ask for its status hear how the run stands. Of those who are not let in
/// it tells sparingly: whoever knocks all day fills no journal.
class registrar_state {
public:
  static inline const char* name = "troupe.registrar";

  registrar_state(registrar::pointer self, registrar_options options);
  registrar::behavior_type make_behavior();

private:
  admission admit(const knock& what);
  std::optional<membership::refusal> objection(
      const hello& said, const std::string& key) const;
  admission take_in(const prepared& what);
  void forget(const gone& what);
  void drain(const drained& what);
  void answer(const inquiry& what);
  bool drain(const std::string& node);
  void change_rule(const inquiry& what);
  void dismiss(const dismissal& what);
  void end_if_over();
  void wake(tick what);
  /// If anybody has gone, it is as its door says.
  void tell_changes(const gone& how = {});
  void tell_where_it_stands(const membership::change& what);
  void tell_if_it_comes_or_goes(membership::change& what, const gone& how);
  void tell_refused(const std::string& name, const std::string& reason,
      const std::string& text);
  admission turn_away(
      std::uint64_t session, membership::reason why, const std::string& text);
  void throw_out(std::uint64_t session, const std::string& why, bool for_good);
  void note(const fact_batch& what);
  void on(const facts::run_started& x);
  void on(const facts::rule_changed& x);
  void on(const facts::published& x);
  void on(const facts::stored& x);
  void on(const facts::waiting& x);
  void on(const facts::leased& x);
  void on(const facts::went_on& x);
  void on(const facts::mesh_formed& x);
  void on(const facts::stepped& x);
  void on(const facts::client_failed& x);
  void on(const facts::client_joined& x);
  report status();
  node_report report_of(membership::member&& one, instant now) const;
  std::string metrics_of(std::uint64_t session) const;

  registrar::pointer self_;
  registrar_options options_;
  membership::membership rule_;
  membership::clientele clients_;
  std::map<client_id, std::uint64_t> samples_; ///< of residents
  std::set<std::uint64_t> resident_;           ///< sessions
  std::map<std::uint64_t, doorway> doors_;     ///< by session
  std::map<std::uint64_t, std::string> addresses_;
  std::map<std::uint64_t, std::string> metrics_; ///< where they serve them
  std::set<std::uint64_t> told_;    ///< sessions that the run knows of
  std::set<std::uint64_t> refused_; ///< that it knows of as refused
  membership::allowance tells_;     ///< of those who are not let in
  timer<tick> timer_;
  report seen_; ///< of the run: what the facts have told
  version_id durable_ = 0;
  std::optional<instant> waits_since_;
  bool over_ = false;
};
using registrar_impl = registrar::stateful_impl<registrar_state>;

} // namespace troupe::cluster
