#include "gpu/models/model.hpp"

#include "gpu/models/network.hpp"

#include <stdexcept>

namespace troupe::models {

gpu::layout layout(const model& what) {
  return network{what}.parameters();
}

model softmax(std::size_t inputs, std::size_t classes) {
  return {"softmax", {inputs}, classes, {linear{classes}}};
}

model mlp(const std::vector<std::size_t>& widths) {
  if (widths.size() < 2)
    throw std::invalid_argument("model mlp has " +
                                std::to_string(widths.size()) +
                                " widths; it takes two or more, such as "
                                "[784, 200, 200, 10]");
  model result{"mlp", {widths.front()}, widths.back(), {}};
  for (std::size_t i = 1; i < widths.size(); ++i) {
    if (i > 1)
      result.layers.push_back(relu{});
    result.layers.push_back(linear{widths[i]});
  }
  return result;
}

model lenet5(std::size_t classes) {
  return {"lenet5", {1, 28, 28}, classes,
      {conv2d{6, 5}, relu{}, max_pool{}, conv2d{16, 5}, relu{}, max_pool{},
          flatten{}, linear{120}, relu{}, linear{84}, relu{}, linear{classes}}};
}

model cnn(std::size_t classes) {
  return {"cnn", {1, 28, 28}, classes,
      {conv2d{32, 5, 2}, relu{}, max_pool{}, conv2d{64, 5, 2}, relu{},
          max_pool{}, flatten{}, linear{512}, relu{}, linear{classes}}};
}

} // namespace troupe::models
