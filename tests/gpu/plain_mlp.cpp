#include "tests/gpu/plain_mlp.hpp"

#include "gpu/operators/linear.hpp"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace troupe::testing {
namespace {

/// One linear layer: its weights [out, in], then its biases.
struct plain_layer {
  float* w;
  std::size_t in;
  std::size_t out;

  gpu::matrix weight() const { return {{w, in * out}, out, in}; }
};

void forward(const plain_layer& of, const std::vector<float>& x,
    std::size_t rows, bool cut, products by, std::vector<float>& y) {
  const auto [w, in, out] = of;
  y.resize(rows * out);
  if (by == products::ours) {
    gpu::device_stream on;
    const auto then = cut ? gpu::activation::relu : gpu::activation::none;
    gpu::linear_forward(on, {x, rows, in}, of.weight().span(),
        std::span{w + in * out, out}, then, {y, rows, out});
    return;
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, int(rows), int(out),
      int(in), 1.0f, x.data(), int(in), w, int(in), 0.0f, y.data(), int(out));
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] += w[in * out + i % out];
    if (cut && y[i] < 0.0f)
      y[i] = 0.0f;
  }
}

double loss_and_gradient(const std::vector<float>& logits,
    const std::vector<std::uint8_t>& labels, std::size_t classes,
    std::vector<float>& gradient) {
  gradient.resize(logits.size());
  auto loss = 0.0;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const auto* x = &logits[row * classes];
    const auto largest = *std::max_element(x, x + classes);
    auto sum = 0.0f;
    for (std::size_t j = 0; j < classes; ++j)
      sum += std::exp(x[j] - largest);
    loss += double(largest + std::log(sum) - x[labels[row]]);
    for (std::size_t j = 0; j < classes; ++j)
      gradient[row * classes + j] =
          (std::exp(x[j] - largest) / sum - (j == labels[row] ? 1.0f : 0.0f)) *
          (1.0f / float(labels.size()));
  }
  return loss;
}

/// Descends along dy and replaces dy by the gradient of the layer's inputs.
void backward(const plain_layer& of, const std::vector<float>& x,
    std::size_t rows, float lr, products by, std::vector<float>& dy) {
  const auto [w, in, out] = of;
  std::vector<float> dx(rows * in);
  if (by == products::ours) {
    gpu::device_stream on;
    gpu::linear_backward(on, {x, rows, in}, of.weight().span(), {dy, rows, out},
        {dx, rows, in}, {of.weight().span(), -lr, 1.0f});
  } else {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, int(rows), int(in),
        int(out), 1.0f, dy.data(), int(out), w, int(in), 0.0f, dx.data(),
        int(in));
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, int(out), int(in),
        int(rows), -lr, dy.data(), int(out), x.data(), int(in), 1.0f, w,
        int(in));
  }
  for (std::size_t j = 0; j < out; ++j) {
    auto sum = 0.0f;
    for (std::size_t row = 0; row < rows; ++row)
      sum += dy[row * out + j];
    w[in * out + j] = -lr * sum + w[in * out + j];
  }
  for (std::size_t i = 0; i < dx.size(); ++i)
    if (x[i] == 0.0f)
      dx[i] = 0.0f;
  dy = dx;
}

} // namespace

training::outcome train_plain_mlp(const std::vector<std::size_t>& widths,
    std::vector<float>& parameters, const training::assignment& work,
    products by) {
  training::outcome result;
  auto losses = 0.0;
  auto random = work.random;
  std::vector<std::uint32_t> order(work.data.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto layers = widths.size() - 1;
  std::vector<std::vector<float>> x(widths.size());
  for (std::uint32_t epoch = 0; epoch < work.how.epochs; ++epoch) {
    random.shuffle(order);
    for (std::size_t first = 0; first < order.size(); first += work.how.batch) {
      const auto rows =
          std::min<std::size_t>(work.how.batch, order.size() - first);
      std::vector<std::uint8_t> labels(rows);
      x[0].resize(rows * widths[0]);
      work.data.gather({&order[first], rows}, x[0], labels);
      auto* w = parameters.data();
      for (std::size_t i = 0; i < layers; ++i) {
        forward({w, widths[i], widths[i + 1]}, x[i], rows, i + 1 < layers, by,
            x[i + 1]);
        w += (widths[i] + 1) * widths[i + 1];
      }
      std::vector<float> dy;
      losses += loss_and_gradient(x[layers], labels, widths.back(), dy);
      for (std::size_t i = layers; i-- > 0;) {
        w -= (widths[i] + 1) * widths[i + 1];
        backward(
            {w, widths[i], widths[i + 1]}, x[i], rows, work.how.lr, by, dy);
      }
      ++result.steps;
      result.samples += rows;
    }
  }
  result.loss = losses / double(result.samples);
  return result;
}

} // namespace troupe::testing
