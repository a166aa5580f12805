#include "runtime/simulation/account.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include <fmt/format.h>

namespace troupe::simulation {
namespace {

// In percent: whole numbers have no rounding.
int next_target(int percent) {
  return percent + (percent < 90 ? 10 : 1);
}

double part(double of, double whole) {
  return whole > 0.0 ? of / whole : 0.0;
}

double jain(const std::vector<std::uint32_t>& of) {
  double sum = 0.0, squares = 0.0;
  for (const auto each : of) {
    sum += each;
    squares += double(each) * each;
  }
  return part(sum * sum, double(of.size()) * squares);
}

std::string size(double bytes) {
  constexpr const char* units[]{"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; bytes >= 1000.0 && unit + 1 < std::size(units); ++unit)
    bytes /= 1000.0;
  return fmt::format("{:.4g} {}", bytes, units[unit]);
}

} // namespace

void account::pass(instant now) {
  busy_ += double(open_) * seconds(now - since_);
  since_ = now;
}

void account::lent(instant now) {
  pass(now);
  ++leases_;
  most_open_ = std::max(most_open_, ++open_);
}

void account::ended(instant now, duration wasted) {
  pass(now);
  --open_;
  wasted_ += seconds(wasted);
}

void account::accepted(client_id client, std::uint64_t staleness) {
  ++contributions_[client];
  ++updates_;
  staleness_ += staleness;
  stalest_ = std::max(stalest_, staleness);
}

void account::scored(double accuracy, instant now) {
  best_ = std::max(best_, accuracy);
  for (auto percent = 10; percent <= 100; percent = next_target(percent))
    if (best_ >= percent / 100.0)
      reached_.try_emplace(percent / 100.0, seconds(now.time_since_epoch()));
}

void account::back_to(const account& then) {
  contributions_ = then.contributions_;
  updates_ = then.updates_;
  staleness_ = then.staleness_;
  stalest_ = then.stalest_;
  best_ = then.best_;
  reached_ = then.reached_;
}

figures account::at(instant now) const {
  const auto all = double(most_open_) * seconds(now.time_since_epoch());
  const auto busy = busy_ + double(open_) * seconds(now - since_);
  return {.seconds = seconds(now.time_since_epoch()),
      .leases = leases_,
      .updates = updates_,
      .bytes_down = bytes_ * double(leases_),
      .bytes_up = up_,
      .mean_staleness = part(double(staleness_), double(updates_)),
      .max_staleness = stalest_,
      .idle = std::max(part(all - busy, all), 0.0),
      .wasted = part(wasted_, all),
      .fairness = jain(contributions_),
      .crashes = crashes_,
      .reached = reached_};
}

std::string to_text(const figures& of) {
  auto text = fmt::format(
      "  time      {:.4g} virtual seconds; places idle {:.1f} %, at work that "
      "came to nothing {:.1f} %\n"
      "  updates   {} of {} leases; staleness {:.2f}, at most {}; Jain's "
      "fairness {:.3f}\n"
      "  bytes     {} down, {} up\n",
      of.seconds, 100.0 * of.idle, 100.0 * of.wasted, of.updates, of.leases,
      of.mean_staleness, of.max_staleness, of.fairness, size(of.bytes_down),
      size(of.bytes_up));
  if (of.crashes > 0)
    text += fmt::format("  crashes   {} of the coordinator\n", of.crashes);
  if (of.reached.empty())
    return text;
  std::string times;
  for (const auto& [accuracy, when] : of.reached)
    times += fmt::format(
        "{}{:.2g} in {:.4g} s", times.empty() ? "" : ", ", accuracy, when);
  return text + "  accuracy  " + times + "\n";
}

} // namespace troupe::simulation
