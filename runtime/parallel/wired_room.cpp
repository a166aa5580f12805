#include "runtime/parallel/wired_room.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "runtime/collective/channel_group.hpp"
#include "runtime/collective/sockets.hpp"
#include "runtime/parallel/local_room.hpp"

namespace troupe::parallel {
namespace {

using collective::medium;

// Whoever is waited for in vain is told so by the conductor, before.
constexpr std::chrono::minutes longest_wait{5};

constexpr std::string_view anywhere = "0.0.0.0:";
constexpr std::string_view loopback = "127.";

medium medium_for(mesh_wire by, const std::string& address) {
  if (by == mesh_wire::automatic)
    return address.starts_with(loopback) ? medium::memory : medium::tcp;
  return by == mesh_wire::memory ? medium::memory : medium::tcp;
}

} // namespace

mesh_wire mesh_wire_named(std::string_view name) noexcept {
  if (name == "memory")
    return mesh_wire::memory;
  return name == "tcp" ? mesh_wire::tcp : mesh_wire::automatic;
}

wired_room::wired_room(wired_room_options how) : how_(std::move(how)) {
  try {
    collective::endpoint_of(how_.host + ":0");
  } catch (const std::exception&) {
    throw std::runtime_error("ranks meet by IPv4, and \"" + how_.host +
                             "\" has no such address: listen, or dial, at one "
                             "that has");
  }
}

std::string wired_room::open(const convene& what) {
  auto made = std::make_unique<collective::meeting_place>(how_.host + ":0");
  auto address = made->address();
  std::lock_guard lock{guard_};
  open_.clear(); // where nobody met
  open_[what.epoch] = std::move(made);
  return address;
}

wired_room::place wired_room::take(epoch_id epoch) {
  std::lock_guard lock{guard_};
  auto found = open_.extract(epoch);
  if (!found)
    throw std::logic_error("this epoch was not opened here");
  return std::move(found.mapped());
}

std::string wired_room::reached(const std::string& address) const {
  if (!address.starts_with(anywhere))
    return address;
  return how_.lobby + address.substr(anywhere.size() - 1);
}

std::unique_ptr<collective::group> wired_room::meet(
    const muster& what, std::stop_token until) {
  collective::appointment when{longest_wait};
  when.stop = until;
  when.number = what.epoch;
  if (how_.shows)
    when.by = how_.shows();
  std::unique_ptr<collective::wire> met;
  if (what.rank == 0) {
    auto at = take(what.epoch);
    met = collective::meet_as_first(
        *at, what.ranks, medium_for(how_.by, at->address()), when);
  } else {
    met = collective::meet(reached(what.at), what.rank, what.ranks, when);
  }
  return std::make_unique<collective::channel_group>(
      std::move(met), longest_step, std::move(until));
}

} // namespace troupe::parallel
