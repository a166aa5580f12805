#include "runtime/simulation/hazards.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "gpu/random.hpp"

namespace troupe::simulation {
namespace {

// Beside those that gpu/random.hpp has.
constexpr std::uint32_t of_fates = 32;      // a = client, b = lease
constexpr std::uint32_t of_ways = 33;       // a = client, b = 0 down, 1 up
constexpr std::uint32_t of_presence = 34;   // a = client, b = stay + 1
constexpr std::uint32_t of_crashes = 35;    // a = start
constexpr std::uint32_t of_partitions = 36; // a = partition
constexpr std::uint32_t of_sides = 37;      // a = partition, b = client

// About thirty years.
constexpr double longest = 1e9;
/// From one partition to the next, so that they can be counted.
constexpr duration least_gap = std::chrono::milliseconds{1};

duration bounded(double seconds) {
  return std::max(from_seconds(std::min(seconds, longest)), duration{});
}

duration exponential(double mean, gpu::random_stream& draw) {
  return bounded(-mean * std::log1p(-draw.uniform()));
}

double over(double bytes, double rate) {
  return rate > 0.0 ? bytes / rate : 0.0;
}

} // namespace

double hazards::way(
    double median, std::uint64_t client, std::uint64_t which) const {
  if (median <= 0.0 || how_.bandwidth_spread <= 0.0)
    return median;
  gpu::random_stream draw{seed_, of_ways, client, which};
  return median * std::exp(how_.bandwidth_spread * draw.normal());
}

const trace::speeds* hazards::speeds_of(client_id client) const {
  if (!told_)
    return nullptr;
  const auto found = told_->of.find(client);
  return found == told_->of.end() ? nullptr : &found->second;
}

double hazards::down(client_id client) const {
  const auto* told = speeds_of(client);
  return told ? told->down : way(how_.down, client, 0);
}

double hazards::up(client_id client) const {
  const auto* told = speeds_of(client);
  return told ? told->up : way(how_.up, client, 1);
}

duration hazards::slower(const federated::pace& than,
    const federated::grant& what,
    std::span<const std::uint64_t> samples) const {
  const auto* told = speeds_of(what.client);
  if (!told)
    return {};
  const auto ratio = than.speed(what.client) / told->samples_per_second;
  const auto own = than.of(what, samples[what.client]);
  const auto takes = bounded(seconds(own) * ratio);
  return std::max(takes, duration{1}) - own;
}

// Each draw is taken whatever came of the ones before: one chance that changes
// moves no other.
fate hazards::of(const federated::grant& what, double bytes) const {
  fate result;
  auto takes = over(bytes, down(what.client)) + over(bytes, up(what.client));
  if (how_.failure + how_.loss + how_.delay + how_.duplicate > 0.0) {
    gpu::random_stream draw{seed_, of_fates, what.client, what.lease};
    const auto fails = draw.uniform() < how_.failure;
    const auto is_lost = draw.uniform() < how_.loss;
    const auto is_late = draw.uniform() < how_.delay;
    const auto lateness = exponential(how_.delay_seconds, draw);
    const auto doubled = draw.uniform() < how_.duplicate;
    const auto echo = exponential(how_.delay_seconds, draw);
    if (is_late)
      result.beside += lateness;
    if (fails)
      result.what = fate::result::fails;
    else if (is_lost)
      result.what = fate::result::is_lost;
    else if (doubled)
      result.again = echo;
    if (result.what == fate::result::is_lost)
      takes += how_.notice_seconds;
  }
  result.beside += bounded(takes);
  return result;
}

// One after the other, none at the start.
const hazards::partition& hazards::nth_partition(std::size_t number) const {
  while (partitions_.size() <= number) {
    gpu::random_stream draw{seed_, of_partitions, partitions_.size(), 0};
    const auto gap = exponential(how_.partition_seconds, draw);
    const auto length = exponential(how_.heal_seconds, draw);
    const auto last = partitions_.empty() ? instant{} : partitions_.back().end;
    const auto begin = last + std::max(gap, least_gap);
    partitions_.push_back({begin, begin + length});
  }
  return partitions_[number];
}

instant hazards::reachable(client_id client, instant from) const {
  while (partitions_.empty() || partitions_.back().begin <= from)
    nth_partition(partitions_.size());
  const auto first =
      std::ranges::upper_bound(partitions_, from, {}, &partition::end);
  for (auto i = static_cast<std::size_t>(first - partitions_.begin());
       nth_partition(i).begin <= from; ++i) {
    gpu::random_stream draw{seed_, of_sides, i, client};
    if (from < nth_partition(i).end && draw.uniform() < how_.partition_part)
      from = nth_partition(i).end;
  }
  return from;
}

duration hazards::cut_off(client_id client, instant now, duration takes) const {
  if (how_.partition_seconds <= 0.0 || how_.partition_part <= 0.0)
    return {};
  const auto begins = reachable(client, now);
  return reachable(client, begins + takes) - now - takes;
}

bool hazards::is_there(client_id client) const {
  gpu::random_stream draw{seed_, of_presence, client, 0};
  return draw.uniform() < how_.available;
}

duration hazards::stay(
    client_id client, std::uint64_t number, bool there) const {
  gpu::random_stream draw{seed_, of_presence, client, number + 1};
  const auto away = how_.stay_seconds * (1.0 - how_.available) / how_.available;
  return std::max(
      exponential(there ? how_.stay_seconds : away, draw), duration{1});
}

duration hazards::up_time(std::uint64_t number) const {
  gpu::random_stream draw{seed_, of_crashes, number, 0};
  return std::max(exponential(how_.crash_seconds, draw), duration{1});
}

} // namespace troupe::simulation
