#include "protocols/federated/pace.hpp"

#include <algorithm>
#include <cmath>

#include "gpu/random.hpp"

namespace troupe::federated {
namespace {

// About thirty years: what is slower never ends.
constexpr double longest = 1e9;

// Samples that pass through the model.
double processed(const training::recipe& how, std::uint64_t samples) {
  const auto all = std::max<std::uint64_t>(samples, 1);
  if (how.steps == 0)
    return static_cast<double>(how.epochs) * static_cast<double>(all);
  const auto batch =
      how.batch == 0 ? all : std::min<std::uint64_t>(how.batch, all);
  return static_cast<double>(how.steps) * static_cast<double>(batch);
}

double log_normal(double deviation, gpu::random_stream draw) {
  return deviation > 0.0 ? std::exp(deviation * draw.normal()) : 1.0;
}

} // namespace

double pace::speed(client_id client) const {
  return samples_per_second *
         log_normal(
             spread, gpu::random_stream{seed, gpu::stream::pace, client, 0});
}

duration pace::of(const grant& what, std::uint64_t samples) const {
  const auto mood = log_normal(jitter,
      gpu::random_stream{seed, gpu::stream::pace, what.client, what.base + 1});
  const auto takes = processed(work.with_work(what.work), samples) /
                     (speed(what.client) * mood);
  return std::max(from_seconds(std::min(takes, longest)), duration{1});
}

} // namespace troupe::federated
