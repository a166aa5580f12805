#pragma once

#include <cstddef>
#include <string>

#include "gpu/collective/collective.hpp"
#include "gpu/cuda/nccl_api.hpp"

namespace troupe::tests {

/// Plays NCCL inside one process, on host memory: ranks meet by their id, an
/// operation runs when it is every rank's turn for it (in the thread of the
/// last one to come, so it needs no thread of its own), and ranks that ask for
/// different things hang without a word, as NCCL's do. Usable from any thread.
///
/// The rest is held to NCCL's habits too: joining is over when all have joined;
/// whoever calls on before `state` says success gets an invalid argument; two
/// ranks on one GPU are an invalid usage; aborted work counts as done.
class simulated_nccl {
public:
  static const gpu::cuda::nccl_api& api();

  /// The last id that was made.
  static gpu::communicator_id last_id();

  // What goes wrong, from now on.

  /// This rank's end reports an error.
  static void break_down(const gpu::communicator_id& id, int rank,
      gpu::cuda::nccl_result code, const std::string& text);
  /// This rank takes no further part, and nobody is told.
  static void silence(const gpu::communicator_id& id, int rank);
  /// Every call of this rank's needs `polls` looks at its state; those inside a
  /// group say so, too.
  static void slow_down(const gpu::communicator_id& id, int rank, int polls);

  /// Ends that are neither aborted nor destroyed, over all communicators.
  static std::size_t open_ends();
  /// Collectives, and matched pairs of send and receive, that have run.
  static std::size_t operations(const gpu::communicator_id& id);
};

} // namespace troupe::tests
