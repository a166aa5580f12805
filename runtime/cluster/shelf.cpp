#include "runtime/cluster/shelf.hpp"

#include <cassert>
#include <random>
#include <utility>

namespace troupe::cluster {
namespace {

tensor_id draw() {
  std::random_device system;
  return (tensor_id{system()} << 32) | system();
}

} // namespace

tensor shelf::lend(gpu::shared_buffer block) {
  assert(block && "nothing is not lent");
  const auto lent = loan::of(block);
  std::lock_guard lock{guard_};
  auto id = draw();
  while (id == 0 || !lent_.try_emplace(id, lent).second)
    id = draw();
  return {std::move(block), id};
}

void shelf::release(tensor_id id) {
  std::shared_ptr<const loan> last; // freed outside the lock
  std::lock_guard lock{guard_};
  if (auto found = lent_.find(id); found != lent_.end()) {
    last = std::move(found->second);
    lent_.erase(found);
  }
}

std::shared_ptr<const loan> shelf::find(tensor_id id) const {
  std::lock_guard lock{guard_};
  auto found = lent_.find(id);
  return found == lent_.end() ? nullptr : found->second;
}

std::size_t shelf::size() const {
  std::lock_guard lock{guard_};
  return lent_.size();
}

} // namespace troupe::cluster
