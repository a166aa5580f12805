#include "runtime/data/synthetic.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
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

// One client's model and distribution, and the stream that its samples go on
// to draw from.
class source {
public:
  source(double alpha, double beta, std::uint64_t seed, std::uint64_t client)
      : random_(seed, gpu::stream::synthetic, client) {
    auto size = std::exp(4.0 + 2.0 * random_.normal());
    size_ = 50 + static_cast<std::size_t>(std::floor(std::min(size, 1e9)));
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
  std::size_t size_ = 0;
  std::array<double, features * classes> weights_{};
  std::array<double, classes> biases_{};
  std::array<double, features> means_{};
};

dataset empty_set() {
  return {.shape = {features},
      .classes = classes,
      .features = std::vector<float>{},
      .labels = {}};
}

void append(dataset& set, const sample& x, std::uint8_t label) {
  auto& values = std::get<std::vector<float>>(set.features);
  values.insert(values.end(), x.begin(), x.end());
  set.labels.push_back(label);
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
  auto train = empty_set();
  auto test = empty_set();
  std::vector<std::size_t> borders{0};
  for (std::size_t client = 0; client < clients; ++client) {
    auto from = source{alpha, beta, seed, client};
    auto held_out = from.size() / 10;
    if (train.size() + from.size() > std::numeric_limits<std::uint32_t>::max())
      throw std::invalid_argument(
          fmt::format("{} clients have more than 2^32 samples, {} have fewer",
              clients, client));
    for (std::size_t i = 0; i < from.size(); ++i) {
      auto x = from.draw();
      append(i < held_out ? test : train, x, from.label(x));
    }
    borders.push_back(train.size());
  }
  auto all = training::view{std::make_shared<const dataset>(std::move(train))};
  federation result;
  for (std::size_t client = 0; client < clients; ++client)
    result.clients.push_back(
        all.slice(borders[client], borders[client + 1] - borders[client]));
  result.test = std::make_shared<const dataset>(std::move(test));
  return result;
}

} // namespace troupe::data
