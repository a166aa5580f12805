#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "protocols/tensor.hpp"
#include "runtime/cluster/loan.hpp"

namespace troupe::cluster {

/// The tensors that this process lends to others, by id. Ids are drawn at
/// random: no other process has the same ones, before or after a restart, and
/// whoever was not told one cannot ask for it. Thread-safe.
class shelf {
public:
  /// A handle to `block`, which is on the host, under an id of its own. The
  /// shelf holds it until it is released.
  tensor lend(gpu::shared_buffer block);
  /// Fetches that have begun go on to their end. An unknown id is nothing.
  void release(tensor_id id);
  /// Null if it is not lent.
  std::shared_ptr<const loan> find(tensor_id id) const;
  std::size_t size() const;

private:
  mutable std::mutex guard_;
  std::unordered_map<tensor_id, std::shared_ptr<const loan>> lent_;
};

} // namespace troupe::cluster
