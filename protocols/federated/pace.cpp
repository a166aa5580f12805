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

struct amount {
  double samples = 0.0; ///< that pass through the model
  double steps = 0.0;
  double batch = 0.0; ///< samples of a step
};

amount all_of(const training::recipe& how, std::uint64_t samples) {
  const auto all = std::max<std::uint64_t>(samples, 1);
  const auto batch =
      how.batch == 0 ? all : std::min<std::uint64_t>(how.batch, all);
  const auto in_one = static_cast<double>(batch);
  if (how.steps > 0)
    return {static_cast<double>(how.steps) * in_one,
        static_cast<double>(how.steps), in_one};
  const auto epochs = static_cast<double>(how.epochs);
  return {epochs * static_cast<double>(all),
      epochs * static_cast<double>((all + batch - 1) / batch), in_one};
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
  const auto from = static_cast<double>(client) * slow;
  const auto has_drawn = [&](double row) {
    gpu::random_stream draw{
        seed, gpu::stream::pace, slowest, static_cast<std::uint64_t>(row)};
    const auto place =
        row + static_cast<double>(draw.below(1 << 16)) / (1 << 16);
    return from <= place && place < from + slow;
  };
  const auto row = std::floor(from);
  return has_drawn(row) || has_drawn(row + 1.0);
}

double pace::lease_speed(const grant& what) const {
  return speed(what.client) *
         log_normal(jitter, gpu::random_stream{seed, gpu::stream::pace,
                                what.client, what.base + 1});
}

duration pace::of(const grant& what, std::uint64_t samples) const {
  const auto all = all_of(work.with_work(what.work), samples);
  const auto passed =
      what.most_steps == 0
          ? all.samples
          : std::min(
                all.samples, static_cast<double>(what.most_steps) * all.batch);
  return std::max(
      from_seconds(std::min(passed / lease_speed(what), longest)), duration{1});
}

std::uint64_t pace::steps_in_time(
    const grant& what, std::uint64_t samples, instant now) const {
  auto time = work.seconds > 0.0f ? double{work.seconds} : longest;
  if (what.send_by != instant{})
    time = std::min(time, seconds(what.send_by - now));
  const auto all = all_of(work.with_work(what.work), samples);
  const auto fit = std::floor(time * lease_speed(what) / all.batch);
  return fit >= all.steps ? 0 : static_cast<std::uint64_t>(std::max(fit, 1.0));
}

} // namespace troupe::federated
