#include "runtime/simulation/plan.hpp"

#include <memory>
#include <utility>

#include "gpu/device.hpp"
#include "runtime/configuration/pace_choice.hpp"
#include "runtime/configuration/switches.hpp"
#include "runtime/record/provenance.hpp"
#include "runtime/record/sha256.hpp"

namespace troupe::simulation {

plan plan_of(const topology& what, const std::vector<training::view>& clients,
    const tensor& begin) {
  const auto& c = what.config();
  plan result;
  result.rule = what.rule();
  result.make_successor = successors_of(c);
  result.switches = switches_of(c);
  result.pace = pace_of(c);
  std::shared_ptr<const trace> traced;
  if (const auto& file = c.simulation.trace; !file.empty())
    traced = std::make_shared<trace>(
        read_trace(files::system(), file, clients.size()));
  result.dangers = hazards{c.run.seed, c.simulation, std::move(traced)};
  result.every_lease = c.simulation.journal == "full";
  for (const auto& view : clients)
    result.samples.push_back(view.size());
  auto& told = result.header;
  told.name = c.run.name;
  told.rule = c.federation.rule;
  told.fingerprint = gpu::numeric_fingerprint();
  told.seed = c.run.seed;
  told.clients = clients.size();
  told.parameters = begin ? begin->size() : 0;
  told.slots = 1;
  told.rounds = c.run.rounds;
  told.from = provenance_of(clients, what.test_data(), what.initial());
  told.unit = what.unit();
  if (begin)
    told.sha256 = sha256(std::as_bytes(begin->span()));
  const auto& training = c.simulation.training;
  result.press.scores =
      training == "model" || (training == "real" && !what.test_data().empty());
  result.press.evaluate_every = c.run.evaluate_every;
  result.press.target_accuracy = c.run.target_accuracy;
  // Where nothing is lost on the way, the best and the last are stored alone.
  result.press.checkpoint_every =
      result.dangers.crashes() ? c.run.checkpoint_every : 0;
  return result;
}

} // namespace troupe::simulation
