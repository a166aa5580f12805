#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "gpu/collective/communicator.hpp"
#include "protocols/collective/messages.hpp"
#include "protocols/timer.hpp"
#include "protocols/verbs.hpp"

namespace troupe::collective {

struct issuer_options {
  candidate who; ///< `device` as gpu::identity(where) has it
  gpu::device where;
  settings common; ///< as the convener's
  convener reports_to;
  user tells; ///< hears which epochs are open
  /// Null: NCCL itself, opened when it is first needed.
  const gpu::cuda::nccl_api* through = nullptr;
  duration look_busy = std::chrono::microseconds{200}; ///< NCCL is at something
  duration look_idle = std::chrono::milliseconds{50};  ///< for errors
  duration ask_again = std::chrono::seconds{1}; ///< when its device is taken
  duration look_back = std::chrono::seconds{1}; ///< for one that has failed
};

/// Owns one GPU's communicator and its stream, and is the only one to issue
/// collectives there: by number, one call at a time, whoever asked first. Spawn
/// it detached; it waits for nothing, but NCCL may take its time to abort.
/// Every operation is answered by `operation_time`.
class issuer_state {
public:
  static inline const char* name = "troupe.issuer";

  issuer_state(issuer::pointer self, issuer_options options);
  ~issuer_state();
  issuer::behavior_type make_behavior();

private:
  using event = std::function<void(instant, steps&)>;

  // messages
  void take(perform& what);
  void take(const rejected& what);
  void take(const name_epoch& what);
  void take(const form_epoch& what);
  void on_look();
  void on_wake();

  // carrying out steps
  void see(event what);
  void carry_out(steps& said);
  void close(const closing& what);
  void answer(const troupe::collective::answer& what);
  void tell(const report& what);
  void form(epoch_id epoch);
  void issue(const order& what);
  void through_with(const order& what);
  void look_back();
  void follow(event what) { next_ = std::move(what); }
  void broke(epoch_id epoch, std::string text);
  void look_in(duration time);

  const gpu::cuda::nccl_api& nccl() const;
  void enlist_again();

  issuer::pointer self_;
  issuer_options options_;
  sequence rule_;
  event next_; ///< brought about by carrying out the last one's steps
  form_epoch asked_;
  std::optional<gpu::device_stream> on_;
  /// Of the live epoch, without an answer: what the stream works on among them.
  std::map<operation_number, perform> parts_;
  /// What the stream may still work on, of epochs that were aborted.
  std::map<epoch_id, std::vector<std::shared_ptr<const void>>> aborted_;
  bool looks_back_ = false;      ///< the timer for those is set
  std::optional<order> calling_; ///< NCCL is not through with it
  std::optional<gpu::communicator> group_;
  bool knocks_ = false; ///< its device was taken: it enlists once more
  timer<look> looks_;
  timer<wake_up> timer_;
};
using issuer_impl = issuer::stateful_impl<issuer_state>;

} // namespace troupe::collective
