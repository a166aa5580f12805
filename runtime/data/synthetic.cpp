#include "runtime/data/synthetic.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gpu/random.hpp"

namespace troupe::data {

namespace {

using gpu::random_stream;
using training::dataset;

constexpr std::size_t features = 60;
constexpr std::size_t classes = 10;

using sample = std::array<double, features>;

random_stream stream_of(std::uint64_t seed, std::uint64_t client) {
  return random_stream{seed, gpu::stream::synthetic, client};
}

// The first that a client's stream is asked for.
std::size_t draw_size(random_stream& random) {
  auto size = std::exp(4.0 + 2.0 * random.normal());
  return 50 + static_cast<std::size_t>(std::floor(std::min(size, 1e9)));
}

// One client's model and distribution, and the stream that its samples go on
// to draw from.
class source {
public:
  source(double alpha, double beta, std::uint64_t seed, std::uint64_t client)
      : random_(stream_of(seed, client)), size_(draw_size(random_)) {
    auto model = alpha * random_.normal();
    auto center = beta * random_.normal();
    for (auto& weight : weights_)
      weight = model + random_.normal();
    for (auto& bias : biases_)
      bias = model + random_.normal();
    for (auto& mean : means_)
      mean = center + random_.normal();
  }

  std::size_t size() const { return size_; }

  sample draw() {
    sample x{};
    for (std::size_t j = 0; j < features; ++j)
      x[j] = means_[j] + deviation(j) * random_.normal();
    return x;
  }

  std::uint8_t label(const sample& x) const {
    auto scores = biases_;
    for (std::size_t j = 0; j < features; ++j)
      for (std::size_t label = 0; label < classes; ++label)
        scores[label] += x[j] * weights_[j * classes + label];
    auto best = std::max_element(scores.begin(), scores.end());
    return static_cast<std::uint8_t>(best - scores.begin());
  }

private:
  static double deviation(std::size_t j) {
    static const auto all = [] {
      std::array<double, features> result{};
      for (std::size_t i = 0; i < features; ++i)
        result[i] = std::pow(static_cast<double>(i + 1), -0.6);
      return result;
    }();
    return all[j];
  }

  random_stream random_;
  std::size_t size_;
  std::array<double, features * classes> weights_{};
  std::array<double, classes> biases_{};
  std::array<double, features> means_{};
};

/// Where a client's samples begin among everybody's.
struct position {
  std::size_t train = 0;
  std::size_t test = 0;
};

std::size_t held_out(std::size_t size) {
  return size / 10;
}

// One more than there are clients: each ends where the next begins.
std::vector<position> positions(std::size_t clients, std::uint64_t seed) {
  std::vector<position> result(clients + 1);
  for (std::size_t client = 0; client < clients; ++client) {
    auto random = stream_of(seed, client);
    auto size = draw_size(random);
    const auto& begin = result[client];
    result[client + 1] = {
        begin.train + size - held_out(size), begin.test + held_out(size)};
    if (result[client + 1].train > std::numeric_limits<std::uint32_t>::max())
      throw std::invalid_argument(
          fmt::format("{} clients have more than 2^32 samples, {} have fewer",
              clients, client));
  }
  return result;
}

// Takes all its memory at once: growing would take it twice.
dataset blank_set(std::size_t samples) {
  return {.shape = {features},
      .classes = classes,
      .features = std::vector<float>(samples * features),
      .labels = std::vector<std::uint8_t>(samples)};
}

void put(dataset& set, std::size_t at, const sample& x, std::uint8_t label) {
  auto& values = std::get<std::vector<float>>(set.features);
  for (std::size_t j = 0; j < features; ++j)
    values[at * features + j] = static_cast<float>(x[j]);
  set.labels[at] = label;
}

// Calls `work` for every number below `count`, on all processors if it is
// worth it. Where a limit allows no more threads, there are fewer.
template <class Work>
void for_each(std::size_t count, bool worth_it, Work&& work) {
  std::atomic<std::size_t> next = 0;
  auto some = [&] {
    for (auto i = next++; i < count; i = next++)
      work(i);
  };
  std::vector<std::jthread> others;
  try {
    for (auto n = std::thread::hardware_concurrency(); worth_it && n > 1; --n)
      others.emplace_back(some);
  } catch (const std::system_error&) {
  }
  some();
}

void check(double alpha, double beta, std::size_t clients) {
  for (auto [name, value] : {std::pair{"alpha", alpha}, {"beta", beta}})
    if (!(value >= 0.0) || !std::isfinite(value))
      throw std::invalid_argument(
          fmt::format("{} = {} is not a finite number from 0 up", name, value));
  if (clients == 0)
    throw std::invalid_argument("cannot make data for no clients");
}

} // namespace

federation synthetic(
    double alpha, double beta, std::size_t clients, std::uint64_t seed) {
  check(alpha, beta, clients);
  constexpr std::size_t many = 20'000;
  auto at = positions(clients, seed);
  auto train = blank_set(at.back().train);
  auto test = blank_set(at.back().test);
  for_each(clients, train.size() > many, [&](std::size_t client) {
    auto from = source{alpha, beta, seed, client};
    auto [in_train, in_test] = at[client];
    for (std::size_t i = 0; i < from.size(); ++i) {
      auto x = from.draw();
      if (i < held_out(from.size()))
        put(test, in_test++, x, from.label(x));
      else
        put(train, in_train++, x, from.label(x));
    }
  });
  auto all = training::view{std::make_shared<const dataset>(std::move(train))};
  federation result;
  result.clients.reserve(clients);
  for (std::size_t client = 0; client < clients; ++client)
    result.clients.push_back(
        all.slice(at[client].train, at[client + 1].train - at[client].train));
  result.test = std::make_shared<const dataset>(std::move(test));
  return result;
}

} // namespace troupe::data
