#include "runtime/simulation/plan.hpp"

#include "gpu/device.hpp"
#include "runtime/configuration/pace_choice.hpp"
#include "runtime/record/provenance.hpp"
#include "runtime/record/sha256.hpp"

namespace troupe::simulation {

plan plan_of(const topology& what, const std::vector<training::view>& clients,
    const tensor& begin) {
  const auto& c = what.config();
  plan result;
  result.rule = what.rule();
  result.order = federated::virtual_order{pace_of(c), first_lease(0)};
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
  result.press.scores = !what.test_data().empty();
  result.press.evaluate_every = c.run.evaluate_every;
  result.press.target_accuracy = c.run.target_accuracy;
  // The best and the last are stored alone: nothing is lost on the way.
  result.press.checkpoint_every = 0;
  return result;
}

} // namespace troupe::simulation
