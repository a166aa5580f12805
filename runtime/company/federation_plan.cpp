#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "protocols/federated/saved_rule.hpp"
#include "protocols/messages.hpp"
#include "runtime/company/federation.hpp"
#include "runtime/configuration/levels.hpp"
#include "runtime/configuration/pace_choice.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/configuration/rules.hpp"
#include "runtime/configuration/servers.hpp"
#include "runtime/configuration/switches.hpp"
#include "runtime/record/sha256.hpp"

// What a company's aggregator and its doors are told of the run.

namespace troupe {
namespace {

// Deltas in flight may take this much, but one a slot is always allowed.
constexpr std::size_t flight_bytes = std::size_t{16} << 20;
constexpr std::size_t deepest = 256;
// On a GPU, deltas that wait to be added together.
constexpr std::size_t waiting_bytes = std::size_t{256} << 20;
constexpr std::size_t most_waiting = 32;

// A resumed clock goes on from where it stood.
std::optional<federated::virtual_order> order_of(
    const configuration& c, std::uint64_t incarnation) {
  if (c.run.order != "virtual")
    return std::nullopt;
  return federated::virtual_order{pace_of(c), first_lease(incarnation)};
}

// `now` is in force: a run may have gone over to another rule.
federated::rule rule_of(const topology& what, const configuration& now,
    const past& before, std::optional<federated::virtual_order>& order) {
  auto rule = find_rule(now.federation.rule) ? make_rule(now) : what.rule();
  if (!before.state)
    return rule;
  if (!federated::load(before.state->rule, rule, order))
    throw std::runtime_error(fmt::format(
        "the checkpoint of version {} holds no state of the rule {}",
        before.state->version, now.federation.rule));
  rule.discard();
  rule.rounds(what.config().run.rounds);
  return rule;
}

// A version that was due and has no score yet; or one whose score is the target
// already, so that the run ends by it and not by later ones.
bool to_score_first(const configuration& c, const past& before) {
  if (!before.state || before.state->version == 0)
    return false;
  if (auto score = before.score())
    return c.run.target_accuracy > 0.0 &&
           score->accuracy >= c.run.target_accuracy;
  auto every = c.run.evaluate_every;
  return every > 0 && before.state->version % every == 0;
}

named_block block_of(const checkpoint& stored, std::string_view name) {
  for (const auto& each : stored.blocks)
    if (each.name == name)
      return each;
  throw std::runtime_error(fmt::format("the checkpoint of version {} has no "
                                       "block \"{}\", which its server keeps",
      stored.version, name));
}

// What samples are like, for those who bring their own; nothing where the
// topology has none.
void describe_samples(const topology& what, cluster::residence& to) {
  const auto sets = what.data_sets();
  if (sets.empty())
    return;
  to.shape.assign(sets.front()->shape.begin(), sets.front()->shape.end());
  to.classes = what.model() ? what.model()->classes : sets.front()->classes;
}

} // namespace

// Tiny models go through in handfuls, so that a slot need not wake for each; of
// large ones none waits at a slot, since each would hold a block of memory. A
// GPU has room, and a lane that waits for its next client wastes all of it.
std::size_t federation::depth() const {
  auto bytes = std::max<std::size_t>(gpu::size(layout_) * sizeof(float), 1);
  auto least = std::size_t{devices_.on_gpu() ? 2u : 1u};
  auto slots = std::max<std::uint64_t>(devices_.slots(), 1);
  return std::clamp(flight_bytes / bytes / slots, least, deepest);
}

// Sums have the same bits anywhere; a GPU adds what its own clients made
// without a detour, and several deltas in one pass.
gpu::device federation::sums_at() const {
  for (const auto& one : devices_.devices)
    if (one.where.kind == gpu::device_kind::cuda)
      return one.where;
  return {};
}

std::size_t federation::adding() const {
  if (sums_at() == gpu::device{})
    return 1;
  auto bytes = std::max<std::size_t>(gpu::size(layout_) * sizeof(float), 1);
  return std::clamp(waiting_bytes / bytes, std::size_t{1}, most_waiting);
}

gpu::shared_buffer federation::start(const past& before) {
  if (before.state)
    return before.state->parameters;
  if (what_.initial())
    return what_.initial();
  auto block = std::make_shared<gpu::buffer>(gpu::size(layout_));
  probe_->initialise(block->span(), what_.config().run.seed);
  return block;
}

// What the server keeps: as it was stored, or as it begins.
named_blocks federation::kept(const past& before) const {
  auto result = initial_blocks(server_of(settled_), gpu::size(layout_));
  if (before.state)
    for (auto& each : result)
      each = block_of(*before.state, each.name);
  return result;
}

aggregator_options federation::plan(
    const past& before, gpu::shared_buffer parameters, named_blocks blocks) {
  const auto& c = settled_;
  aggregator_options result;
  const auto regional = leases_regions(c);
  result.trains = devices_.trains && (!regional || cluster_);
  result.virtual_order = order_of(c, before.incarnation);
  const auto now =
      in_force(c, before.state ? before.state->configuration : std::string{});
  result.rule = rule_of(what_, now, before, result.virtual_order);
  result.make_successor = successors_of(c);
  result.switches = switches_of(now);
  if (now != c)
    result.configuration = to_toml(now);
  result.parameters = std::move(parameters);
  result.blocks = std::move(blocks);
  result.lends_variate = server_of(c).variate == gpu::variate_use::corrects;
  if (before.state) {
    result.states = before.state->states;
    for (const auto& each : before.state->blocks)
      if (const auto version = base_of(each.name))
        result.bases[*version] = each.values;
  }
  if (cluster_) {
    result.nodes = how_.cluster.nodes;
    result.nodes_least = how_.cluster.quorum;
    result.patience = from_seconds(how_.cluster.patience);
    result.then = how_.cluster.then;
    result.residents_wanted = c.federation.min_residents;
    result.residents = before.residents;
  }
  if (comes_and_goes()) {
    result.quorum = what_.movement()->quorum;
    result.patience = what_.movement()->patience;
  } else if (regional) {
    result.samples = samples_of_regions(c, data_);
  } else {
    for (const auto& view : data_)
      result.samples.push_back(view.size());
  }
  result.header = header(before, now.federation.rule, c.run.rounds);
  result.header.clients = result.samples.size();
  result.header.slots = devices_.trains ? devices_.slots() : 0;
  result.header.sha256 = sha256(std::as_bytes(result.parameters->span()));
  result.preface = preface(before);
  result.next_fact = before.last_fact + 1;
  result.evaluate_every = c.run.evaluate_every;
  result.score_first = !what_.test_data().empty() && to_score_first(c, before);
  result.target_accuracy = c.run.target_accuracy;
  result.checkpoint_every = c.run.checkpoint_every;
  result.depth = regional ? 1 : depth(); // whose clients queue by themselves
  result.adding = adding();
  result.kinds = {c.run.seed, devices_.shares()};
  result.lease_time = from_seconds(c.federation.lease_seconds);
  result.stop_grace = from_seconds(
      c.compute.stop_grace * static_cast<double>(aggregators_deep(c)));
  return result;
}

cluster::cluster_run federation::as_a_cluster(
    const run_directory& place, const past& before) const {
  const auto& c = settled_;
  cluster::cluster_run result{to_toml(c), from_, account_.fingerprint,
      gpu::size(layout_), before.incarnation};
  result.residents = c.federation.residents;
  result.placed = static_cast<client_id>(c.federation.clients);
  result.known = before.residents;
  result.max_norm = c.federation.max_norm;
  if (result.residents) {
    result.home.run = run_id(files::system(), place);
    describe_samples(what_, result.home);
  }
  return result;
}

} // namespace troupe
