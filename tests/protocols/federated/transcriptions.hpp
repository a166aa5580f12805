#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gpu/random.hpp"
#include "protocols/ids.hpp"
#include "protocols/time.hpp"

/// Ways of choosing clients as their papers write them down, in the plainest
/// code: whole histories are kept, everything is sorted, and drawn by walking
/// along. `fault` names one thing that is done wrong; empty: nothing is.
namespace troupe::federated::transcribed {

/// What one client did in one round.
struct lease {
  std::uint64_t round = 0;
  bool answered = false;
  double seconds = -1.0; ///< that it took, or had; below 0: it failed
  double loss = 0.0;
  double square_loss = 0.0;
  std::uint64_t samples = 0;
};

struct client {
  std::uint64_t samples = 1;
  std::vector<lease> leases;

  bool fresh() const { return leases.empty(); }
  std::uint64_t last() const { return leases.back().round; }
  double time() const {
    double sum = 0.0, times = 0.0;
    for (const auto& x : leases)
      if (x.seconds >= 0.0) {
        sum += x.seconds;
        times += 1.0;
      }
    return times > 0.0 ? sum / times : std::numeric_limits<double>::infinity();
  }
  const lease* answer() const {
    for (auto x = leases.rbegin(); x != leases.rend(); ++x)
      if (x->answered)
        return &*x;
    return nullptr;
  }
  double loss() const {
    return answer() ? answer()->loss : std::numeric_limits<double>::infinity();
  }
  double utility() const {
    const auto* x = answer();
    return x ? static_cast<double>(x->samples) * std::sqrt(x->square_loss)
             : 0.0;
  }
};

using clients = std::vector<client>;
using draws = std::vector<client_id>;

inline draws everybody(const clients& all) {
  draws result(all.size());
  std::iota(result.begin(), result.end(), client_id{0});
  return result;
}

inline draws draw_alike(
    draws from, std::size_t count, gpu::random_stream& random) {
  for (std::size_t i = 0; i < count; ++i)
    std::swap(from[i],
        from[i + random.below(static_cast<std::uint32_t>(from.size() - i))]);
  from.resize(count);
  return from;
}

inline std::size_t draw_one(
    const std::vector<double>& weights, gpu::random_stream& random) {
  auto rest =
      random.uniform() * std::accumulate(weights.begin(), weights.end(), 0.0);
  std::size_t i = 0;
  while (i + 1 < weights.size() && rest >= weights[i])
    rest -= weights[i++];
  return i;
}

inline draws draw_weighted(draws from, std::vector<double> weights,
    std::size_t count, gpu::random_stream& random) {
  draws result;
  while (result.size() < count) {
    const auto at = static_cast<std::ptrdiff_t>(draw_one(weights, random));
    result.push_back(from[static_cast<std::size_t>(at)]);
    from.erase(from.begin() + at);
    weights.erase(weights.begin() + at);
  }
  return result;
}

inline double percentile(std::vector<double> values, double part) {
  std::ranges::sort(values);
  const auto at =
      static_cast<std::size_t>(part * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

class by_size {
public:
  explicit by_size(std::string fault = "") : fault_(std::move(fault)) {}

  draws draw(const clients& all, std::uint64_t, std::size_t count,
      gpu::random_stream& random) {
    return draw_among(everybody(all), all, count, random);
  }
  draws draw_among(const draws& who, const clients& all, std::size_t count,
      gpu::random_stream& random) const {
    std::vector<double> sizes;
    for (auto i : who)
      sizes.push_back(fault_ == "counts clients, not samples"
                          ? 1.0
                          : static_cast<double>(all[i].samples));
    return draw_weighted(who, sizes, count, random);
  }

private:
  std::string fault_;
};

/// Cho et al. 2020, pi_rpow-d.
class power_of_choice {
public:
  explicit power_of_choice(std::size_t d, std::string fault = "")
      : d_(d), fault_(std::move(fault)) {}

  draws draw(const clients& all, std::uint64_t, std::size_t count,
      gpu::random_stream& random) {
    auto result =
        by_size{fault_}.draw(all, 0, std::min(d_, all.size()), random);
    std::ranges::stable_sort(
        result, [&](auto i, auto j) { return rank(all[i]) > rank(all[j]); });
    result.resize(count);
    return result;
  }

private:
  double rank(const client& x) const {
    if (fault_ == "takes the smallest losses")
      return -x.loss();
    if (fault_ == "takes the unknown for fitted" && !x.answer())
      return 0.0;
    if (fault_ == "goes by the first loss" && x.answer())
      return std::ranges::find(x.leases, true, &lease::answered)->loss;
    return x.loss();
  }

  std::size_t d_;
  std::string fault_;
};

/// Lai et al. 2021, Algorithm 1, T being a percentile.
class oort {
public:
  explicit oort(std::string fault = "") : fault_(std::move(fault)) {}

  draws draw(const clients& all, std::uint64_t round, std::size_t count,
      gpu::random_stream& random) {
    draws old, fresh;
    for (auto i : everybody(all))
      (all[i].fresh() ? fresh : old).push_back(i);
    const auto part = fault_ == "explores for ever"
                          ? 0.9
                          : std::max(0.2, 0.9 * std::pow(0.98, round - 1.0));
    const auto explored = std::min<std::size_t>(
        fresh.size(), std::llround(part * static_cast<double>(count)));
    const auto exploited = std::min(old.size(), count - explored);
    auto result = exploit(all, old, round, exploited, random);
    for (auto i : draw_alike(fresh, count - exploited, random))
      result.push_back(i);
    return result;
  }

private:
  draws exploit(const clients& all, const draws& old, std::uint64_t round,
      std::size_t count, gpu::random_stream& random) {
    if (count == 0)
      return {};
    std::vector<double> utilities, times;
    for (auto i : old) {
      utilities.push_back(all[i].utility());
      if (all[i].time() < std::numeric_limits<double>::infinity())
        times.push_back(all[i].time());
    }
    const auto clip =
        percentile(utilities, fault_ == "does not clip" ? 1.0 : 0.95);
    const auto preferred = percentile(times, preferred_part(all, round));
    std::vector<double> worths;
    for (auto i : old)
      worths.push_back(worth(all[i], round, clip, preferred));
    auto sorted = worths;
    std::ranges::sort(sorted, std::greater{});
    draws admitted;
    std::vector<double> weights;
    for (std::size_t i = 0; i < old.size(); ++i)
      if (worths[i] >= 0.95 * sorted[count - 1]) {
        admitted.push_back(old[i]);
        weights.push_back(fault_ == "draws the best alike" ? 1.0 : worths[i]);
      }
    return draw_weighted(admitted, weights, count, random);
  }

  double worth(const client& x, std::uint64_t round, double clip,
      double preferred) const {
    auto result = std::min(x.utility(), clip) / clip;
    if (fault_ != "gives no bonus")
      result += std::sqrt(0.1 * std::log(static_cast<double>(round)) /
                          static_cast<double>(x.last()));
    if (preferred < x.time() && x.time() < 1e18 &&
        fault_ != "does not mind the slow")
      result *= std::pow(
          preferred / x.time(), fault_ == "minds the slow less" ? 1.0 : 2.0);
    return result;
  }

  // The sums of utility over rounds before this one, in windows of 20.
  double preferred_part(const clients& all, std::uint64_t round) const {
    double part = 0.2;
    const auto sum = [&](std::uint64_t from, std::uint64_t to) {
      double result = 0.0;
      for (auto r = from; r < to; ++r)
        for (const auto& one : all)
          for (const auto& x : one.leases)
            if (x.round == r && x.answered)
              result +=
                  static_cast<double>(x.samples) * std::sqrt(x.square_loss);
      return result;
    };
    for (std::uint64_t end = 41; end <= round; end += 20)
      if (sum(end - 40, end - 20) > sum(end - 20, end) &&
          fault_ != "has no pacer")
        part += 0.2;
    return part < 0.999 ? part : 1.0;
  }

  std::string fault_;
};

/// Chai et al. 2020, Algorithm 2, accuracy being the loss that is known.
class tifl {
public:
  tifl(std::size_t count, std::uint64_t credits, std::uint64_t interval,
      std::string fault = "")
      : credits_(count, credits),
        chances_(count, 1.0 / static_cast<double>(count)),
        start_(credits),
        interval_(interval),
        fault_(std::move(fault)) {}

  draws draw(const clients& all, std::uint64_t, std::size_t count,
      gpu::random_stream& random) {
    auto who = everybody(all);
    if (fault_ != "goes by name")
      std::ranges::sort(who, {}, [&](auto i) {
        return std::tuple{!all[i].fresh(), all[i].time(), i};
      });
    const auto fresh =
        static_cast<std::size_t>(std::ranges::count_if(all, &client::fresh));
    auto from = who.begin();
    auto size = std::max(fresh, count);
    if (fresh == 0 || fault_ == "profiles nobody") {
      size = who.size() / credits_.size();
      from += static_cast<std::ptrdiff_t>(next_tier(all, who, random) * size);
    }
    draws tier(from, from + static_cast<std::ptrdiff_t>(size));
    std::ranges::sort(tier);
    return draw_alike(tier, count, random);
  }

private:
  std::size_t next_tier(
      const clients& all, const draws& who, gpu::random_stream& random) {
    std::vector<double> losses;
    const auto size = who.size() / credits_.size();
    for (std::size_t t = 0; t < credits_.size(); ++t) {
      double sum = 0.0, told = 0.0;
      for (auto i = t * size; i < (t + 1) * size; ++i)
        if (all[who[i]].answer()) {
          sum += all[who[i]].loss();
          told += 1.0;
        }
      losses.push_back(sum / told);
    }
    history_.push_back(losses);
    const auto r = history_.size() - 1;
    if (r % interval_ == 0 && r >= interval_ && fault_ != "never adapts" &&
        losses[tier_] >= history_[r - interval_][tier_])
      change_chances(losses);
    if (start_ > 0 && std::ranges::count(credits_, 0u) ==
                          static_cast<std::ptrdiff_t>(credits_.size()))
      credits_.assign(credits_.size(), start_);
    // "While true: select one; if it has credits, break", in one draw.
    auto chances = chances_;
    for (std::size_t t = 0; t < chances.size(); ++t)
      if (!has_credits(t))
        chances[t] = 0.0;
    if (std::accumulate(chances.begin(), chances.end(), 0.0) == 0.0)
      for (std::size_t t = 0; t < chances.size(); ++t)
        chances[t] = has_credits(t) ? 1.0 : 0.0;
    tier_ = draw_one(chances, random);
    if (start_ > 0)
      --credits_[tier_];
    return tier_;
  }

  bool has_credits(std::size_t tier) const {
    return start_ == 0 || credits_[tier] > 0 || fault_ == "gives on credit";
  }

  void change_chances(const std::vector<double>& losses) {
    std::vector<std::pair<double, std::size_t>> sorted;
    for (std::size_t t = 0; t < losses.size(); ++t)
      if (has_credits(t))
        sorted.emplace_back(
            fault_ == "helps the best" ? losses[t] : -losses[t], t);
    std::ranges::sort(sorted);
    const auto n = static_cast<double>(sorted.size());
    chances_.assign(losses.size(), 0.0);
    for (std::size_t i = 0; i < sorted.size(); ++i)
      chances_[sorted[i].second] =
          n > 1.0 ? (n - static_cast<double>(i + 1)) / (n * (n - 1.0) / 2.0)
                  : 1.0;
  }

  std::vector<std::uint64_t> credits_;
  std::vector<double> chances_;
  std::uint64_t start_;
  std::uint64_t interval_;
  std::string fault_;
  std::vector<std::vector<double>> history_;
  std::size_t tier_ = 0;
};

} // namespace troupe::federated::transcribed
