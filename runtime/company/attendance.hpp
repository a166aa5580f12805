#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "protocols/ids.hpp"

namespace troupe {

/// Who takes part in a run while it goes on. The run's clients are those of its
/// topology, with their data; here they come and go. Calls may come from any
/// thread; after the run's end they do nothing.
class attendance {
public:
  class hall;
  explicit attendance(std::shared_ptr<hall> where);

  /// A client of the topology is there from now on. Throws `std::out_of_range`
  /// for one that it does not have.
  void join(client_id client);
  /// It is gone; what it was leased is void. It may join again.
  void leave(client_id client);
  /// One more slot on the CPU; its id. Waits for the aggregator's word.
  /// Throws `std::runtime_error` where the run is ending.
  slot_id lend();
  /// A slot finishes what it has, and takes no more.
  void withdraw(slot_id slot);

private:
  std::shared_ptr<hall> hall_;
};

/// Clients that are not there at first. A run begins with a quorum of them and
/// stands still when nobody is left to train or nowhere to train at, for as
/// long as it has patience.
struct coming_and_going {
  std::size_t quorum = 1;
  std::chrono::nanoseconds patience = std::chrono::minutes{1};
  /// Runs in a thread of its own beside the run, which tells it to stop when it
  /// ends, and waits for it.
  std::function<void(attendance&, const std::stop_token&)> script;
};

} // namespace troupe
