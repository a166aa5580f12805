#pragma once

#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "gpu/collective/communicator.hpp"

namespace troupe::tests {

/// Calls `body(rank)` for 0 to n - 1, each in a thread of its own, and returns
/// when all have.
inline void as_ranks(int n, const std::function<void(int)>& body) {
  std::vector<std::jthread> threads;
  for (int rank = 0; rank < n; ++rank)
    threads.emplace_back([&body, rank] { body(rank); });
}

/// Waits until what was queued is done.
inline void finish(gpu::communicator& group, gpu::device_stream& on) {
  group.wait_ready();
  std::promise<void> done;
  group.notify(on, [&] { done.set_value(); });
  done.get_future().wait();
}

} // namespace troupe::tests
