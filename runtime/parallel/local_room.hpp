#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "protocols/parallel/meeting_room.hpp"
#include "runtime/collective/wire.hpp"

namespace troupe::parallel {

/// Where all ranks are threads of one process: they see one memory.
class local_room final : public meeting_room {
public:
  std::string open(const convene& what) override;
  std::unique_ptr<collective::group> meet(
      const muster& what, std::stop_token until) override;

private:
  using wires = std::vector<std::unique_ptr<collective::wire>>;

  std::mutex guard_;
  std::map<epoch_id, wires> open_; ///< the last one
};

/// How long a member of a group may say nothing. It may be computing: whoever
/// has died is told by other means.
inline constexpr std::chrono::hours longest_step{24};

} // namespace troupe::parallel
