#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "protocols/parallel/meeting_room.hpp"
#include "runtime/collective/meeting.hpp"

namespace troupe::parallel {

/// What joins a mesh's ranks of several processes.
enum class mesh_wire : std::uint8_t {
  automatic, ///< memory where only this host can come, else TCP
  memory,
  tcp,
};
/// As `parallel.wire` has it.
mesh_wire mesh_wire_named(std::string_view name) noexcept;

struct wired_room_options {
  std::string host;  ///< of this process, as the others reach it
  std::string lobby; ///< of whoever opens at any of its addresses
  mesh_wire by = mesh_wire::automatic;
  /// What ranks show each other, asked for each meeting; empty: they meet in
  /// the clear.
  std::function<collective::credentials()> shows{};
};

/// Where ranks of several processes meet, of which some are threads of this
/// one: rank 0's process opens a port of its own for each epoch.
class wired_room final : public meeting_room {
public:
  /// Throws `std::runtime_error` where ranks cannot meet at that host.
  explicit wired_room(wired_room_options how);

  std::string open(const convene& what) override;
  std::unique_ptr<collective::group> meet(
      const muster& what, std::stop_token until) override;

private:
  using place = std::unique_ptr<collective::meeting_place>;

  place take(epoch_id epoch);
  std::string reached(const std::string& address) const;

  wired_room_options how_;
  std::mutex guard_;
  std::map<epoch_id, place> open_; ///< the last one
};

} // namespace troupe::parallel
