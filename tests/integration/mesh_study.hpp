#pragma once

#include <filesystem>
#include <string>

#include <fmt/format.h>

#include "gpu/random.hpp"
#include "tests/integration/record.hpp"
#include "tests/runtime/data/idx_content.hpp"

namespace troupe::tests {

/// Samples of three classes that can be told apart, in a directory.
inline void draw_mesh_samples(const std::filesystem::path& to) {
  constexpr std::uint32_t count = 96;
  constexpr std::uint32_t width = 12;
  std::filesystem::create_directories(to);
  for (const std::string part : {"train", "t10k"}) {
    gpu::random_stream random{1, gpu::stream::user, part.size()};
    std::string features, labels;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto label = random.below(3);
      labels += static_cast<char>(label);
      for (std::uint32_t j = 0; j < width; ++j)
        features +=
            static_cast<char>(random.below(100) + (j % 3 == label ? 120 : 0));
    }
    write(to / (part + "-images"), idx_bytes({count, 1, width}, features));
    write(to / (part + "-labels"), idx_bytes({count}, labels));
  }
}

/// Two ranks that learn these; a step takes a millisecond or less.
inline std::string quick_mesh(
    const std::filesystem::path& samples, std::uint64_t steps) {
  return fmt::format(R"([run]
name = "quick"
steps = {}
evaluate_every = 20
checkpoint_every = 10
[data]
set = "idx"
path = "{}"
[model]
kind = "mlp"
layers = [12, 16, 3]
[parallel]
workers = 2
batch = 24
micro_batches = 4
[optimiser]
kind = "adamw"
lr = 0.01
[compute]
device = "cpu"
)",
      steps, samples.string());
}

} // namespace troupe::tests
