#include "protocols/federated/deadline.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <numeric>

namespace troupe::federated {
namespace {

constexpr std::size_t enough_of_one = 3;
// A sum of a moment and this does not wrap.
constexpr duration longest = std::chrono::hours{24 * 365 * 100};

// Of an even number, the middle of the two in the middle.
duration median(std::vector<duration>& times) {
  const auto middle =
      times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  if (times.size() % 2 == 1)
    return *middle;
  const auto below = *std::max_element(times.begin(), middle);
  return duration{std::midpoint(below.count(), middle->count())};
}

} // namespace

deadline::deadline(duration fixed, double spread, double part)
    : fixed_(std::min(fixed, longest)), spread_(spread), part_(part) {
  assert(fixed >= duration{} && spread >= 0.0);
  assert(fixed == duration{} || spread == 0.0);
}

std::optional<duration> deadline::of(std::span<const client_id> cohort) const {
  if (fixed_ > duration{})
    return fixed_;
  std::vector<duration> all;
  for (const auto& round : rounds_)
    all.insert(all.end(), round.begin(), round.end());
  if (all.empty())
    return std::nullopt;
  const auto stranger = above_median(std::move(all));
  duration most{};
  for (auto client : cohort) {
    const auto times = own(client);
    most = std::max(most, times.size() < enough_of_one
                              ? stranger
                              : above_median({times.begin(), times.end()}));
  }
  return most;
}

std::optional<duration> deadline::sends_after(duration waits) const {
  if (part_ <= 0.0)
    return std::nullopt;
  return duration{
      static_cast<duration::rep>(part_ * static_cast<double>(waits.count()))};
}

void deadline::begin_round() {
  if (spread_ == 0.0)
    return;
  if (rounds_.size() > recent_rounds)
    rounds_.pop_front();
  rounds_.emplace_back();
}

void deadline::took(client_id client, duration time) {
  if (spread_ == 0.0)
    return;
  rounds_.back().push_back(time);
  if (client >= own_.size())
    own_.resize(std::size_t{client} + 1);
  auto& times = own_[client];
  if (times.size() == own_times)
    times.erase(times.begin());
  times.push_back(time);
}

duration deadline::above_median(std::vector<duration> times) const {
  const auto middle = median(times);
  for (auto& time : times)
    time = std::chrono::abs(time - middle);
  const auto above = spread_ * static_cast<double>(median(times).count());
  const auto room = longest - std::min(middle, longest);
  return above < static_cast<double>(room.count())
             ? middle + duration{static_cast<duration::rep>(above)}
             : longest;
}

std::span<const duration> deadline::own(client_id client) const noexcept {
  return client < own_.size() ? own_[client] : std::span<const duration>{};
}

} // namespace troupe::federated
