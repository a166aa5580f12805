#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gpu/random.hpp"
#include "protocols/clocks/samples.hpp"

namespace troupe::clocks {

using weights = std::vector<double>;

inline void add(weights& to, const weights& what) {
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] += what[i];
}

/// Half the mean squared error of y = x w on samples that one w fits exactly;
/// each worker has rows of its own.
class least_squares {
public:
  least_squares(std::uint64_t seed, worker_id workers, std::size_t dimension,
      std::uint32_t rows)
      : seed_(seed), rows_(rows), data_(workers) {
    gpu::random_stream random{seed, gpu::stream::user, 43};
    for (std::size_t i = 0; i < dimension; ++i)
      truth_.push_back(random.normal());
    for (auto& part : data_)
      for (std::uint32_t row = 0; row < rows; ++row)
        part.push_back(draw(random));
  }

  weights start() const { return weights(truth_.size()); }

  /// A worker's update in a step from what it reads: one step of SGD on a batch
  /// that the seed, the worker and the step draw.
  weights update(
      worker_id worker, step_id step, const weights& from, double rate) const {
    constexpr int batch = 4;
    auto random = samples_of(seed_, worker, step);
    auto result = start();
    for (int i = 0; i < batch; ++i) {
      const auto& x = data_[worker][random.below(rows_)];
      const auto error = product(x, from) - product(x, truth_);
      for (std::size_t j = 0; j < result.size(); ++j)
        result[j] -= rate / batch * error * x[j];
    }
    return result;
  }

  /// To the weights that fit.
  double distance(const weights& w) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < w.size(); ++i)
      sum += (w[i] - truth_[i]) * (w[i] - truth_[i]);
    return std::sqrt(sum);
  }

private:
  weights draw(gpu::random_stream& random) const {
    weights row;
    for (std::size_t i = 0; i < truth_.size(); ++i)
      row.push_back(random.normal());
    return row;
  }
  static double product(const weights& a, const weights& b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i)
      sum += a[i] * b[i];
    return sum;
  }

  std::uint64_t seed_;
  std::uint32_t rows_;
  weights truth_;
  std::vector<std::vector<weights>> data_; // by worker, then by row
};

} // namespace troupe::clocks
