#include "tests/gpu/mlp_in_double.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace troupe::testing {
namespace {

struct descent_in_double {
  const training::recipe& how;
  double rate;
  std::vector<double> start;
  std::vector<double> velocity;
  std::vector<double> correction;

  void step(std::vector<double> g, std::vector<double>& w) {
    const auto mu = how.method == "fedprox"  ? double{how.mu}
                    : how.method == "feddyn" ? double{how.alpha}
                                             : 0.0;
    for (std::size_t i = 0; i < g.size(); ++i)
      g[i] += mu * (w[i] - start[i]) + correction[i];
    const auto norm =
        std::sqrt(std::inner_product(g.begin(), g.end(), g.begin(), 0.0));
    const auto scale =
        how.clip > 0.0f && norm > how.clip ? how.clip / norm : 1.0;
    for (std::size_t i = 0; i < g.size(); ++i) {
      velocity[i] =
          how.momentum * velocity[i] + scale * g[i] + how.weight_decay * w[i];
      w[i] -= rate * velocity[i];
    }
  }
};

} // namespace

std::vector<double> gradient_in_double(const std::vector<std::size_t>& widths,
    const std::vector<double>& parameters, const training::view& data) {
  const auto layers = widths.size() - 1;
  const auto scale = 1.0 / double(data.size());
  std::vector<double> gradient(parameters.size());
  std::vector<float> features(widths[0]);
  std::vector<std::uint8_t> label(1);
  std::vector<std::vector<double>> x(widths.size());
  for (std::uint32_t sample = 0; sample < data.size(); ++sample) {
    data.gather({&sample, 1}, features, label);
    x[0].assign(features.begin(), features.end());
    const auto* w = parameters.data();
    for (std::size_t l = 0; l < layers; ++l) {
      x[l + 1].assign(widths[l + 1], 0.0);
      for (std::size_t j = 0; j < widths[l + 1]; ++j) {
        const auto* row = w + j * widths[l];
        auto sum = w[widths[l] * widths[l + 1] + j];
        for (std::size_t i = 0; i < widths[l]; ++i)
          sum += row[i] * x[l][i];
        x[l + 1][j] = l + 1 < layers ? std::max(sum, 0.0) : sum;
      }
      w += (widths[l] + 1) * widths[l + 1];
    }
    auto dy = x[layers];
    const auto largest = *std::max_element(dy.begin(), dy.end());
    auto sum = 0.0;
    for (auto& value : dy)
      sum += value = std::exp(value - largest);
    for (auto& value : dy)
      value /= sum;
    dy[label[0]] -= 1.0;
    auto offset = parameters.size();
    for (std::size_t l = layers; l-- > 0;) {
      offset -= (widths[l] + 1) * widths[l + 1];
      std::vector<double> dx(widths[l]);
      for (std::size_t j = 0; j < dy.size(); ++j) {
        for (std::size_t i = 0; i < widths[l]; ++i) {
          dx[i] += dy[j] * parameters[offset + j * widths[l] + i];
          gradient[offset + j * widths[l] + i] += scale * dy[j] * x[l][i];
        }
        gradient[offset + widths[l] * dy.size() + j] += scale * dy[j];
      }
      for (std::size_t i = 0; i < dx.size(); ++i)
        if (x[l][i] == 0.0)
          dx[i] = 0.0;
      dy = dx;
    }
  }
  return gradient;
}

void descend_in_double(const std::vector<std::size_t>& widths,
    std::vector<double>& parameters, const training::view& data, double lr) {
  const auto gradient = gradient_in_double(widths, parameters, data);
  for (std::size_t i = 0; i < parameters.size(); ++i)
    parameters[i] -= lr * gradient[i];
}

void train_in_double(const std::vector<std::size_t>& widths,
    std::vector<double>& parameters, const training::assignment& work) {
  const auto& how = work.how;
  const auto samples = work.data.size();
  const auto batch = how.batch == 0 ? samples : std::size_t{how.batch};
  descent_in_double by{how, how.lr * std::pow(how.lr_decay, work.version),
      parameters, std::vector<double>(parameters.size()),
      std::vector<double>(parameters.size())};
  if (work.correction)
    std::ranges::copy(work.correction->span(), by.correction.begin());
  auto random = work.random;
  std::vector<std::uint32_t> order(samples);
  std::iota(order.begin(), order.end(), 0u);
  for (std::uint32_t epoch = 0; epoch < how.epochs; ++epoch) {
    random.shuffle(order);
    for (std::size_t first = 0; first < samples; first += batch) {
      std::vector<std::uint32_t> these;
      for (auto i = first; i < std::min(first + batch, samples); ++i)
        these.push_back(work.data.index(order[i]));
      by.step(gradient_in_double(widths, parameters,
                  {work.data.shared_set(), std::move(these)}),
          parameters);
    }
  }
}

double largest_error(
    const std::vector<float>& actual, const std::vector<double>& exact) {
  auto largest = 0.0;
  auto error = 0.0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    largest = std::max(largest, std::abs(exact[i]));
    error = std::max(error, std::abs(exact[i] - double(actual[i])));
  }
  return error / largest;
}

} // namespace troupe::testing
