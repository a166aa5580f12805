#include "protocols/federated/oort.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>
#include <utility>

#include "protocols/federated/selection.hpp"
#include "protocols/federated/urn.hpp"

namespace troupe::federated {
namespace {

constexpr double cut_off = 0.95;
constexpr double least_worth = 1e-12; // an urn wants more than nothing

template <class Value>
Value percentile(std::vector<Value> values, double part) {
  const auto size = static_cast<double>(values.size());
  const auto at = std::min(
      values.size() - 1, static_cast<std::size_t>(std::floor(part * size)));
  std::ranges::nth_element(
      values, values.begin() + static_cast<std::ptrdiff_t>(at));
  return values[at];
}

// Of those who took any.
duration preferred_time(std::span<const client_id> clients,
    const track_record& known, double part) {
  std::vector<duration> times;
  for (auto client : clients)
    if (known.of(client).times > 0)
      times.push_back(known.of(client).time());
  return part >= 1.0 || times.empty() ? duration::max()
                                      : percentile(std::move(times), part);
}

double largest_utility(std::span<const client_id> clients,
    const track_record& known, double part) {
  std::vector<double> utilities;
  for (auto client : clients)
    utilities.push_back(known.of(client).utility);
  const auto clip = percentile(std::move(utilities), part);
  return clip > 0.0 ? clip : 1.0;
}

std::vector<client_id> draw_best(std::span<const client_id> clients,
    std::span<const double> worths, std::size_t count,
    gpu::random_stream& random) {
  std::vector<client_id> result;
  if (count == 0)
    return result;
  std::vector<double> sorted(worths.begin(), worths.end());
  const auto last = sorted.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::ranges::nth_element(sorted, last, std::greater{});
  std::vector<client_id> admitted;
  std::vector<double> weights;
  for (std::size_t i = 0; i < clients.size(); ++i)
    if (worths[i] >= cut_off * *last) {
      admitted.push_back(clients[i]);
      weights.push_back(worths[i]);
    }
  urn of_best{weights};
  while (result.size() < count)
    result.push_back(admitted[of_best.take(random)]);
  return result;
}

} // namespace

oort::oort(options how)
    : how_(how), explore_(how.explore), preferred_(how.pacer) {
  assert(how.explore >= 0.0 && how.explore <= 1.0 && how.window > 0);
}

std::vector<client_id> oort::draw(std::uint64_t round,
    std::span<client_id> clients, std::size_t count, const track_record& known,
    gpu::random_stream& random) const {
  assert(count <= clients.size());
  std::vector<client_id> leased, fresh;
  for (auto client : clients)
    (known.of(client).was_leased() ? leased : fresh).push_back(client);
  const auto wanted = static_cast<std::size_t>(
      std::llround(explore_ * static_cast<double>(count)));
  const auto exploited =
      std::min(leased.size(), count - std::min(fresh.size(), wanted));
  auto result =
      draw_best(leased, worths(round, leased, known), exploited, random);
  const auto explored = draw_cohort(fresh, count - exploited, random);
  result.insert(result.end(), explored.begin(), explored.end());
  return result;
}

std::vector<double> oort::worths(std::uint64_t round,
    std::span<const client_id> clients, const track_record& known) const {
  std::vector<double> result;
  if (clients.empty())
    return result;
  const auto clip = largest_utility(clients, known, how_.clip);
  const auto preferred = preferred_time(clients, known, preferred_);
  for (auto client : clients) {
    const auto& x = known.of(client);
    auto worth = std::min(x.utility, clip) / clip +
                 std::sqrt(0.1 * std::log(static_cast<double>(round)) /
                           static_cast<double>(x.leased_in));
    if (x.times > 0 && preferred < x.time())
      worth *= std::pow(static_cast<double>(preferred.count()) /
                            static_cast<double>(x.time().count()),
          how_.penalty);
    result.push_back(std::max(worth, least_worth));
  }
  return result;
}

void oort::close(double utility) {
  explore_ = std::max(
      explore_ * how_.explore_decay, std::min(explore_, how_.explore_least));
  recent_ += utility;
  if (++closed_ % how_.window != 0)
    return;
  if (closed_ >= 2 * how_.window && before_ > recent_)
    preferred_ = std::min(1.0, preferred_ + how_.pacer);
  before_ = recent_;
  recent_ = 0.0;
}

} // namespace troupe::federated
