#include "actors/parallel/agreement.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "actors/clocks.hpp"
#include "actors/parallel/staging.hpp"
#include "gpu/optimisers/squared_norms.hpp"

namespace troupe::parallel {
namespace {

// Of step 0 there are none beside the parameters.
void broadcast(collective::group& with, std::uint32_t root, standing& at,
    state_held& what) {
  const auto move = [&](const tensor& from) {
    auto to = std::make_shared<gpu::buffer>(at.size());
    if (from.here)
      std::ranges::copy(from->span(), to->span().begin());
    with.broadcast(gpu::const_typed_span{to->span()}, to->span(), root);
    return gpu::shared_buffer{to};
  };
  what.parameters = move(what.parameters);
  if (what.step == 0)
    return;
  named_blocks blocks;
  for (const auto& name : at.blocks()) {
    const auto here = std::ranges::find(what.blocks, name, &named_block::name);
    blocks.push_back(
        {name, move(here == what.blocks.end() ? tensor{} : here->values)});
  }
  what.blocks = std::move(blocks);
}

share share_among(const plan& how, const collective::group& with) {
  const auto workers = with.ranks() - std::min(how.servers(), with.ranks());
  if (workers == 0)
    throw std::invalid_argument("of " + std::to_string(with.ranks()) +
                                " ranks " + std::to_string(how.servers()) +
                                " are shards, and none is left to work");
  return with.rank() < workers
             ? share_of(how.micro_batches, workers, with.rank())
             : share{};
}

} // namespace

agreement::agreement(const plan& how, collective::group& with)
    : how_(how), with_(with), mine_(share_among(how, with)) {}

void agreement::begin(standing& at, const muster& from) {
  if (from.from_seed)
    return at.begin();
  state_held all{from.step, from.parameters, from.blocks};
  if (with_.rank() == from.root && !all.parameters)
    all = at.save(at.parameters());
  if (with_.ranks() > 1)
    broadcast(with_, from.root, at, all);
  at.load(all);
}

state_held agreement::save(standing& at) {
  return at.save(parameters(at));
}

step_sums agreement::own_gradient(standing& at, std::span<float> to) {
  const auto since = wall_seconds();
  const auto count = mine_.size * rows();
  step_sums result{count, 0.0, 0.0};
  for (std::uint32_t i = 0; i < mine_.size; ++i)
    result.loss +=
        at.gradient(at.step() * how_.batch + (mine_.first + i) * rows(), rows(),
            count, {to, 1.0f, i == 0 ? 0.0f : 1.0f});
  result.computing = wall_seconds() - since;
  return result;
}

void agreement::mean_of_all(standing& at, gpu::buffer& to) {
  gpu::copy<float>(at.stream(), at.parameters(), to.span());
  if (with_.ranks() == 1)
    return;
  staging all{at.stream(), to.span()};
  const auto block = all.here();
  const auto even = how_.micro_batches % with_.ranks() == 0;
  if (!even)
    for (auto& value : block)
      value *= static_cast<float>(mine_.size) /
               static_cast<float>(how_.micro_batches);
  with_.all_reduce(gpu::const_typed_span{block}, block,
      even ? gpu::reduction::average : gpu::reduction::sum, how_.by);
  all.back();
}

void agreement::own_step(standing& at, std::span<const float> gradient) {
  const gpu::range all{0, at.size()};
  std::vector<double> tiles(gpu::tiles_of(at.layout()));
  gpu::squared_norms(at.stream(), at.layout(), all, gradient, tiles);
  at.descend(at.step(), scale_of(tiles, how_.optimiser.clip, at.step()), all,
      gradient, at.parameters());
}

float scale_of(std::span<const double> tiles, float clip, std::uint64_t step) {
  const auto norm = gpu::sum_in_order(tiles);
  if (!std::isfinite(norm))
    throw step_not_finite(
        "step " + std::to_string(step + 1) + ": the gradient is not finite");
  return gpu::clip_scale(norm, clip);
}

std::unique_ptr<agreement> make_agreement(
    const plan& how, collective::group& with) {
  switch (how.how) {
  case sync::all_reduce:
    return how.zero > 0 ? agree_on_shards(how, with)
                        : agree_on_gradients(how, with);
  case sync::local_sgd:
  case sync::diloco:
    return agree_on_parameters(how, with);
  case sync::gossip:
    return agree_in_pairs(how, with);
  case sync::parameter_server:
    return agree_through_shards(how, with);
  }
  throw std::invalid_argument(std::string{"parallel.sync = \""} +
                              to_string(how.how) +
                              "\" is not among what ranks can do");
}

} // namespace troupe::parallel
