#pragma once

#include <exception>
#include <memory>
#include <utility>

#include <caf/error.hpp>

#include "protocols/cluster/interfaces.hpp"
#include "protocols/errc.hpp"
#include "runtime/cluster/own_states.hpp"

namespace troupe::cluster {

/// Keeps a resident's states for its host. Waits for the disk, so spawn it
/// detached. Outlives the sessions of its node, as the states do.
class state_keeper_state {
public:
  static inline const char* name = "troupe.state_keeper";

  state_keeper_state(
      state_keeper::pointer, std::shared_ptr<own_states> of) // this actor's
      : states_(std::move(of)) {}

  state_keeper::behavior_type make_behavior() {
    return {
        [this](const keep_state& what) -> caf::result<void> {
          return tried<void>([&] { states_->keep(what.name, what.values); });
        },
        [this](const recall_state& what) -> caf::result<recalled_state> {
          return tried<recalled_state>(
              [&] { return recalled_state{states_->recall(what.name)}; });
        },
        [this](const state_stored& what) -> caf::result<void> {
          return tried<void>([&] { states_->settle(what.state); });
        },
    };
  }

private:
  template <class Result, class Work>
  caf::result<Result> tried(Work&& work) {
    try {
      if constexpr (std::is_void_v<Result>) {
        work();
        return caf::unit;
      } else {
        return work();
      }
    } catch (const std::exception& error) {
      return caf::make_error(errc::storage_failed, std::string{error.what()});
    }
  }

  std::shared_ptr<own_states> states_;
};
using state_keeper_impl = state_keeper::stateful_impl<state_keeper_state>;

} // namespace troupe::cluster
