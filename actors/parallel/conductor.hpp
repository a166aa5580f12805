#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/fact_stream.hpp"
#include "protocols/facts.hpp"
#include "protocols/parallel/mesh.hpp"
#include "protocols/parallel/messages.hpp"
#include "protocols/run.hpp"
#include "protocols/timer.hpp"
#include "protocols/verbs.hpp"

namespace troupe::parallel {

struct conductor_options {
  mesh_settings how;
  state_held from{}; ///< none: of step 0
  facts::run_header header;
  std::vector<fact> preface{}; ///< told before the run begins
  std::uint64_t next_fact = 1;
  std::uint64_t updates = 0; ///< samples of all versions so far
};

/// A mesh's voice: hears its ranks, has the rule (`mesh`) decide, and says so
/// to ranks, scribe and observers. Never computes.
class conductor_state {
public:
  static inline const char* name = "troupe.conductor";

  conductor_state(conductor::pointer self, conductor_options options);
  conductor::behavior_type make_behavior();

private:
  struct place {
    rank_actor who;
    std::string node; ///< empty: this process
    std::uint32_t lane = 0;
  };

  template <class What>
  void on(What&& what);
  template <class Fact>
  void note(const Fact& what);
  caf::result<run_report> start(const begin& what);
  void receive(const seated& what);
  void receive(const rank_gone& what);
  template <class Answer>
  void receive(const Answer& what);
  void receive(const stored& what);
  void receive(const storage_failed& what);
  void receive(interrupt);
  void receive(const tick& what);
  void on_down(const caf::down_msg& what);
  void seat(place where);
  void unseat(const caf::actor_addr& who, const std::string& why);

  void follow(decisions&& said);
  void follow(const order& what);
  void follow(const formed& what);
  void follow(const stretch& what);
  void follow(const version& what);
  void follow(const score& what);
  void follow(const keep& what);
  void follow(const lost& what);
  void follow(const waits& what);
  void follow(const ended& what);

  template <class Fact>
  void tell(Fact&& what);
  void flush();
  void arm();
  std::string seating(const std::vector<seat_id>& seats) const;

  /// Where the record stands at a version.
  struct told_version {
    std::uint64_t fact = 0; ///< that tells of it
    std::uint64_t samples = 0;
    bool scored = false;
  };

  conductor::pointer self_;
  conductor_options options_;
  mesh rule_;
  fact_stream facts_;
  std::map<seat_id, place> seats_;
  seat_id next_seat_ = 0;
  scribe record_;
  std::vector<observer> observers_;
  caf::typed_response_promise<run_report> promise_;
  run_report report_;
  std::map<step_id, told_version> told_; ///< that may yet be kept
  std::string stored_;                   ///< digest of what was stored last
  instant start_{}, now_{}, published_{}, first_{};
  timer<tick> timer_;
};
using conductor_impl = conductor::stateful_impl<conductor_state>;

} // namespace troupe::parallel
