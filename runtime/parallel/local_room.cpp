#include "runtime/parallel/local_room.hpp"

#include <stdexcept>
#include <utility>

#include "runtime/collective/channel_group.hpp"
#include "runtime/collective/memory_wire.hpp"

namespace troupe::parallel {

std::string local_room::open(const convene& what) {
  auto made = collective::wires_within_process(what.ranks);
  std::lock_guard lock{guard_};
  open_.clear(); // wires that nobody took
  open_[what.epoch] = std::move(made);
  return "here";
}

std::unique_ptr<collective::group> local_room::meet(
    const muster& what, std::stop_token until) {
  std::lock_guard lock{guard_};
  const auto at = open_.find(what.epoch);
  if (at == open_.end() || !at->second.at(what.rank))
    throw std::logic_error("this epoch was not opened here");
  return std::make_unique<collective::channel_group>(
      std::move(at->second[what.rank]), longest_step, std::move(until));
}

} // namespace troupe::parallel
