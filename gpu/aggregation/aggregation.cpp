#include "gpu/aggregation/aggregation.hpp"

#include <algorithm>
#include <cassert>

#include "gpu/copy.hpp"

namespace troupe::gpu {
namespace {

// Calls `each` with both blocks of every name that the server has.
template <class Each>
void for_each_block(const server_blocks<const float>& from,
    const server_blocks<float>& to, Each each) {
  each(from.parameters, to.parameters);
  each(from.momentum, to.momentum);
  each(from.variance, to.variance);
  each(from.variate, to.variate);
}

// A version's blocks on a GPU.
struct staged {
  staged(device_stream& on, const server_blocks<const float>& from)
      : parameters(from.parameters.size(), on),
        momentum(from.momentum.size(), on),
        variance(from.variance.size(), on),
        variate(from.variate.size(), on) {
    for_each_block(from, span(),
        [&](auto host, auto here) { copy<float>(on, host, here); });
  }
  server_blocks<float> span() {
    return {
        parameters.span(), momentum.span(), variance.span(), variate.span()};
  }
  server_blocks<const float> span() const {
    return {
        parameters.span(), momentum.span(), variance.span(), variate.span()};
  }

  buffer parameters, momentum, variance, variate;
};

} // namespace

aggregation::aggregation(
    device_stream& on, const server_options& how, const range& of)
    : how_(how), sums_(on, of.size, of.first) {
  if (how_.variate != variate_use::none)
    drift_.emplace(on, of.size, of.first);
}

std::vector<receipt> aggregation::add(device_stream& on,
    std::span<const contribution> some, std::span<const double> drifts) {
  const auto result = sums_.add(on, some);
  std::vector<contribution> moving;
  for (std::size_t i = 0; drift_ && i < drifts.size(); ++i)
    if (result[i] == admission::added && drifts[i] > 0.0)
      moving.push_back({some[i].values, drifts[i], drifts[i]});
  if (!moving.empty())
    for (const auto& each : drift_->add(on, moving)) {
      assert(each == admission::added && "its weight is no larger");
      static_cast<void>(each);
    }
  return result;
}

void aggregation::clear(device_stream& on) {
  sums_.clear(on);
  if (drift_)
    drift_->clear(on);
}

aggregation::held aggregation::hand_over(device_stream& on) {
  held result{sums_.save(on), {}};
  if (drift_)
    result.drift = drift_->save(on);
  clear(on);
  return result;
}

// What weighs in the variate is no larger than what it weighs in the mean.
admission aggregation::merge(
    device_stream& on, const accumulator& sums, const accumulator* drift) {
  const auto said = sums_.merge(on, sums);
  if (said == admission::added && drift_ && drift)
    return drift_->merge(on, *drift);
  return said;
}

sum_total aggregation::publish(device_stream& on,
    const server_blocks<const float>& from, double scale,
    const server_blocks<float>& to, const variate_step& moved) {
  if (contributions() == 0) {
    for_each_block(
        from, to, [](auto x, auto y) { std::ranges::copy(x, y.begin()); });
    return {};
  }
  const sum_total result{sums_.weight(), sums_.share(), sums_.checksum(on)};
  auto how = how_;
  how.lr *= scale;
  if (on.on_gpu()) {
    staged here{on, from};
    step(on, how, moved, std::as_const(here).span(), here.span());
    for_each_block(std::as_const(here).span(), to,
        [&](auto device, auto host) { copy<float>(on, device, host); });
    on.synchronise();
  } else {
    step(on, how, moved, from, to);
  }
  clear(on);
  return result;
}

void aggregation::step(device_stream& on, const server_options& how,
    const variate_step& moved, const server_blocks<const float>& from,
    const server_blocks<float>& to) {
  if (how.rule == server_rule::average)
    sums_.publish(on, from.parameters, how.lr, to.parameters);
  else
    server_step(on, how, sums_.mean(), from, to);
  if (drift_)
    move_variate(on, how.variate, moved, drift_->exact_sums(), from, to);
}

} // namespace troupe::gpu
