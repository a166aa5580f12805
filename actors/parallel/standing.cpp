#include "actors/parallel/standing.hpp"

#include "gpu/copy.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace troupe::parallel {
namespace {

void clear(gpu::device_stream& on, gpu::buffer& what) {
  const std::vector<float> zeroes(what.size());
  gpu::copy<float>(on, zeroes, what.span());
  on.synchronise();
}

} // namespace

standing::standing(const plan& how, const assignment& what, gpu::device where)
    : how_(how),
      data_(what.data),
      initial_(what.initial),
      replica_(what.model, where),
      order_(how.seed, static_cast<std::uint32_t>(what.data.size())),
      optimiser_(gpu::make_optimiser(how.optimiser)),
      parameters_(gpu::size(replica_.parameters()), where) {
  for (const auto name : optimiser_->states())
    names_.emplace_back(name);
  if (how.how == sync::diloco)
    for (const auto name : {"anchor", "outer_momentum"}) {
      names_.emplace_back(name);
      more_.emplace_back(size(), where);
    }
  keep({0, size()});
}

void standing::keep(const gpu::range& own) {
  kept_ = own;
  states_.clear();
  for (std::size_t i = 0; i < optimiser_->states().size(); ++i)
    states_.emplace_back(own.size, stream());
}

gpu::buffer& standing::block(std::size_t number) {
  return number < states_.size() ? states_[number]
                                 : more_[number - states_.size()];
}

void standing::begin() {
  gpu::buffer start{size()};
  if (initial_)
    std::ranges::copy(initial_->span(), start.span().begin());
  else
    replica_.initialise(start.span(), how_.seed);
  load({0, std::make_shared<gpu::buffer>(std::move(start)), {}});
}

// Of step 0 there are no blocks: they are zeroes, and all agree on what they
// begin with.
void standing::load(const state_held& from) {
  gpu::copy<float>(stream(), from.parameters->span(), parameters());
  for (std::size_t i = 0; i < names_.size(); ++i) {
    auto& to = block(i);
    const auto at =
        std::ranges::find(from.blocks, names_[i], &named_block::name);
    if (at != from.blocks.end())
      gpu::copy<float>(stream(),
          i < states_.size() ? kept_.of(at->values->span())
                             : at->values->span(),
          to.span());
    else if (from.step > 0)
      throw std::invalid_argument("what training is to go on from has no \"" +
                                  names_[i] + "\", which its optimiser keeps");
    else if (names_[i] == "anchor")
      gpu::copy<float>(stream(), from.parameters->span(), to.span());
    else
      clear(stream(), to);
  }
  stream().synchronise();
  step_ = from.step;
}

state_held standing::save(std::span<const float> parameters) {
  state_held result{step_, copied(parameters), {}};
  for (std::size_t i = 0; i < names_.size(); ++i)
    result.blocks.push_back({names_[i], copied(block(i).span())});
  return result;
}

gpu::shared_buffer standing::copied(std::span<const float> from) {
  auto result = std::make_shared<gpu::buffer>(from.size());
  gpu::copy<float>(stream(), from, result->span());
  stream().synchronise();
  return result;
}

double standing::gradient(std::uint64_t first, std::size_t count,
    std::size_t of, gpu::gradient_sink to) {
  samples_.resize(count);
  order_.take(first, samples_);
  return replica_.gradient(parameters(), data_, samples_, of, to);
}

void standing::descend(std::uint64_t number, float scale,
    const gpu::range& part, std::span<const float> gradient,
    std::span<float> parameters) {
  const gpu::range within{part.first - kept_.first, part.size};
  std::vector<std::span<float>> states;
  for (auto& one : states_)
    states.push_back(within.of(one.span()));
  optimiser_->step(stream(), number, scale, gradient, parameters, states);
}

} // namespace troupe::parallel
