#include "protocols/federated/tiers.hpp"

#include <algorithm>
#include <cassert>
#include <functional>
#include <limits>
#include <tuple>
#include <utility>

#include "protocols/federated/urn.hpp"

namespace troupe::federated {
namespace {

// Of those who have told of any; infinite of none.
double mean_loss(
    std::span<const client_id> clients, const track_record& known) {
  double sum = 0.0, told = 0.0;
  for (auto client : clients)
    if (const auto& x = known.of(client); x.has_loss()) {
      sum += x.loss;
      told += 1.0;
    }
  return told > 0.0 ? sum / told : std::numeric_limits<double>::infinity();
}

// Clients that never were leased come first.
std::vector<client_id> by_speed(
    std::span<const client_id> clients, const track_record& known) {
  std::vector<client_id> result(clients.begin(), clients.end());
  std::ranges::sort(result, {}, [&](client_id client) {
    const auto& x = known.of(client);
    return std::tuple{x.was_leased(), x.time(), client};
  });
  return result;
}

} // namespace

tiers::tiers(options how) : how_(how) {
  assert(how.count > 0 && how.interval > 0);
  now_.all.resize(how.count, {.credits = how.credits});
}

std::vector<client_id> tiers::draw(std::span<const client_id> clients,
    std::size_t cohort, const track_record& known, gpu::random_stream& random) {
  assert(any() && cohort <= clients.size());
  next_ = now_;
  const auto sorted = by_speed(clients, known);
  const auto fresh = static_cast<std::size_t>(std::ranges::count_if(sorted,
      [&](client_id client) { return !known.of(client).was_leased(); }));
  const auto edge = [&](std::size_t i) {
    return i * sorted.size() / how_.count;
  };
  std::size_t from = 0, to = fresh;
  if (fresh == 0) {
    std::vector<double> losses;
    for (std::size_t i = 0; i < how_.count; ++i)
      losses.push_back(mean_loss(
          std::span{sorted}.subspan(edge(i), edge(i + 1) - edge(i)), known));
    look_back(losses);
    const auto drawn = draw_tier(random);
    from = edge(drawn);
    to = edge(drawn + 1);
  }
  from = std::min(from, sorted.size() - cohort);
  to = std::max(to, from + cohort);
  std::vector<client_id> result(
      sorted.begin() + static_cast<std::ptrdiff_t>(from),
      sorted.begin() + static_cast<std::ptrdiff_t>(to));
  std::ranges::sort(result);
  return result;
}

// Whether the last round's tier gets better; else the worst get more rounds.
void tiers::look_back(std::span<const double> losses) {
  auto& all = next_.all;
  if (next_.rounds % how_.interval != 0)
    return;
  if (next_.rounds > 0 && losses[next_.last] >= all[next_.last].loss) {
    std::vector<std::size_t> ranks;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (may_run(all[i]))
        ranks.push_back(i);
    std::ranges::stable_sort(
        ranks, std::greater{}, [&](std::size_t i) { return losses[i]; });
    for (auto& x : all)
      x.chance = 0;
    for (std::size_t i = 0; i < ranks.size(); ++i)
      all[ranks[i]].chance = ranks.size() - 1 - i;
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i].loss = losses[i];
}

// Where only tiers without a chance have credits, each is as likely.
std::size_t tiers::draw_tier(gpu::random_stream& random) {
  auto& all = next_.all;
  if (std::ranges::none_of(all, [&](const auto& x) { return may_run(x); }))
    for (auto& x : all)
      x.credits = how_.credits;
  const auto luckless = std::ranges::none_of(
      all, [&](const auto& x) { return may_run(x) && x.chance > 0; });
  std::vector<std::size_t> open;
  std::vector<double> chances;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (may_run(all[i]) && (luckless || all[i].chance > 0)) {
      open.push_back(i);
      chances.push_back(luckless ? 1.0 : static_cast<double>(all[i].chance));
    }
  const auto drawn = open[urn{chances}.take(random)];
  ++next_.rounds;
  next_.last = drawn;
  if (how_.credits > 0)
    --all[drawn].credits;
  return drawn;
}

} // namespace troupe::federated
