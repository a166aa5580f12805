#pragma once

#include <cstdint>
#include <map>

#include "protocols/collective/ensemble.hpp"
#include "protocols/collective/messages.hpp"
#include "protocols/timer.hpp"
#include "protocols/verbs.hpp"

namespace troupe::collective {

/// Runs an ensemble: hears from the issuers, watches that they live, and tells
/// them what it decides. It knows each by the handle of the incarnation that
/// the ensemble took in.
class convener_state {
public:
  static inline const char* name = "troupe.convener";

  /// `incarnation` counts starts of the convener, from 0.
  convener_state(
      convener::pointer self, settings common, std::uint64_t incarnation = 0);
  convener::behavior_type make_behavior();

private:
  struct issuer_of {
    std::uint64_t incarnation = 0;
    issuer handle;
  };

  template <class Event>
  void see(Event&& event);
  void take(const enlist& what);
  void on_down(const caf::down_msg& what);
  void carry_out(const decisions& said);
  void reject(const issuer& whom, const rejection& what);
  void dismiss(member_id member, refusal why, const std::string& text);
  void form(const formation& what);

  convener::pointer self_;
  ensemble rule_;
  std::map<member_id, issuer_of> issuers_;
  timer<wake_up> timer_;
};
using convener_impl = convener::stateful_impl<convener_state>;

} // namespace troupe::collective
