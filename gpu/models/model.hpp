#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "gpu/layout.hpp"

namespace troupe::models {

/// The layers that a model is described with. Each takes what the one before
/// it leaves; a `linear` takes vectors, so images are flattened before.
struct linear {
  std::size_t outputs = 0;
};
struct conv2d {
  std::size_t channels = 0; ///< that leave
  std::size_t kernel = 0;   ///< width and height
  std::size_t padding = 0;  ///< zeroes at every edge
};
/// Windows side by side; rows and columns that fill no window are left out.
struct max_pool {
  std::size_t window = 2;
};
struct relu {};
struct flatten {};

using layer = std::variant<linear, conv2d, max_pool, relu, flatten>;

/// A model as a value: what goes in and which layers it passes. The last
/// layer's outputs are the classes' logits; the loss is their cross-entropy.
struct model {
  std::string name;
  std::vector<std::size_t> shape; ///< one sample, channels first: {1, 28, 28}
  std::size_t classes = 0;
  std::vector<layer> layers;
};

/// The parameters' views, named as PyTorch would: conv1.weight [out, in,
/// height, width], conv1.bias, …, fc1.weight [out, in], fc1.bias, …. Throws
/// `std::invalid_argument` when the layers do not fit together.
gpu::layout layout(const model& what);

/// Softmax (multinomial logistic) regression.
model softmax(std::size_t inputs, std::size_t classes);

/// Linear layers with ReLU between them: mlp({784, 200, 200, 10}).
model mlp(const std::vector<std::size_t>& widths);

/// LeNet-5 (LeCun et al. 1998) with max-pooling and ReLU, for 28 x 28 pixels:
/// convolutions of 6 and 16 channels, 5 x 5, without padding; 120-84-classes.
model lenet5(std::size_t classes = 10);

/// The convolutional network of McMahan et al. 2017: convolutions of 32 and 64
/// channels, 5 x 5, padded to keep the size; 512-classes. With 10 classes it
/// has 1,663,370 parameters.
model cnn(std::size_t classes = 10);

} // namespace troupe::models
