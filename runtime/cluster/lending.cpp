#include "runtime/cluster/lending.hpp"

#include <utility>

#include <fmt/format.h>

#include "gpu/training/fitness.hpp"
#include "runtime/cluster/resident.hpp"
#include "runtime/record/provenance.hpp"

namespace troupe::cluster {
namespace {

// Effective, and the program's own where it brings one.
reading configuration_of(
    const welcome& told, const std::optional<topology>& mine) {
  auto theirs = parse_effective_configuration(
      told.configuration, "the coordinator's configuration");
  if (!mine && !theirs)
    throw refused(fmt::format("{}", fmt::join(theirs.problems, "\n")));
  if (!mine)
    return theirs;
  auto own = mine->config();
  own.compute.instructions = theirs.value.compute.instructions; // settled
  const auto changed = differences(theirs.value, own);
  if (!changed.empty())
    throw refused(fmt::format("this program is another than the "
                              "coordinator's:\n  {}",
        fmt::join(changed, "\n  ")));
  return theirs;
}

topology topology_of(reading theirs, const join_options& how,
    const std::optional<topology>& mine) {
  if (mine)
    return *mine;
  if (!how.data.empty())
    theirs.value.data.path = how.data;
  return from(theirs.value, theirs.where);
}

topology topology_over(const training::shared_dataset& own,
    const reading& theirs, const std::optional<topology>& mine) {
  if (!mine)
    return at_home(theirs.value, own);
  if (mine->model())
    training::check_fit(*mine->model(), own);
  return *mine;
}

// One client at a time is all that a resident trains.
device_choice devices_for(configuration& config, const join_options& how) {
  config.compute.slots = how.slots > 0 ? slot_counts{how.slots} : slot_counts{};
  config.compute.instructions = "own"; // by which, was settled at the door
  if (!how.devices.empty())
    config.compute.devices = how.devices;
  auto on = choose_devices(config);
  if (!on.problems.empty())
    throw refused(fmt::format("{}", fmt::join(on.problems, "\n")));
  return on;
}

} // namespace

lending lend_to(const welcome& told, const join_options& how,
    const std::optional<topology>& mine) {
  auto theirs = configuration_of(told, mine);
  training::shared_dataset own;
  if (how.resident)
    own = own_samples(how.data, told.home);
  auto what = own ? topology_over(own, theirs, mine)
                  : topology_of(std::move(theirs), how, mine);
  auto config = what.config();
  auto on = devices_for(config, how);
  auto data = own ? std::vector<training::view>{own} : what.client_data();
  auto from = own ? facts::provenance{}
                  : provenance_of(data, what.test_data(), what.initial());
  return {told.configuration, told.home, std::move(what), on,
      settled(config, on), std::move(data), std::move(from), {}};
}

} // namespace troupe::cluster
