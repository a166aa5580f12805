#include "protocols/federated/why_it_ended.hpp"

#include "protocols/errc.hpp"

namespace troupe::federated {

caf::error why_it_failed(ending how, version_id version, std::uint64_t rounds,
    const std::string& last_failure) {
  switch (how) {
  case ending::completed:
    if (version > 0 || rounds == 0)
      return {};
    return caf::make_error(errc::all_failed,
        "no round had enough updates for a version" + last_failure);
  case ending::all_failed:
    return caf::make_error(
        errc::all_failed, "all clients of a round failed" + last_failure);
  case ending::starved:
    return caf::make_error(
        errc::starved, "no client is left to train" + last_failure);
  }
  return {};
}

} // namespace troupe::federated
