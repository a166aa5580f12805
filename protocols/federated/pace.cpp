#include "protocols/federated/pace.hpp"

#include <algorithm>
#include <cmath>

#include "gpu/random.hpp"

namespace troupe::federated {
namespace {

// About thirty years: what is slower never ends.
constexpr double longest = 1e9;
/// Beyond all clients: streams that say which ones are slow.
constexpr std::uint64_t slowest = std::uint64_t{1} << 40;

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
  const auto usual = samples_per_second *
                     log_normal(spread, gpu::random_stream{seed,
                                            gpu::stream::pace, client, 0});
  return is_slow(client) ? usual / slow_by : usual;
}

// One of every so many, whichever the seed draws of them.
bool pace::is_slow(client_id client) const {
  if (slow <= 0.0)
    return false;
  const auto at = static_cast<double>(client) * slow;
  const auto row = std::floor(at);
  gpu::random_stream draw{
      seed, gpu::stream::pace, slowest, static_cast<std::uint64_t>(row)};
  const auto drawn = static_cast<double>(draw.below(1 << 16)) / (1 << 16);
  return at - row <= drawn && drawn < at - row + slow;
}

duration pace::of(const grant& what, std::uint64_t samples) const {
  const auto mood = log_normal(jitter,
      gpu::random_stream{seed, gpu::stream::pace, what.client, what.base + 1});
  const auto takes = processed(work.with_work(what.work), samples) /
                     (speed(what.client) * mood);
  return std::max(from_seconds(std::min(takes, longest)), duration{1});
}

} // namespace troupe::federated
