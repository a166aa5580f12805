#include "tests/gpu/cuda/on_gpu.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <random>

namespace troupe::tests {
namespace {

std::uint64_t fresh_seed() {
  if (const auto* given = std::getenv("TROUPE_SEED"))
    return std::strtoull(given, nullptr, 10);
  return std::random_device{}();
}

} // namespace

void on_gpu::SetUp() {
  if (gpu_devices().empty())
    GTEST_SKIP() << gpu::why_no_gpu();
  const auto seed = fresh_seed();
  random_ = gpu::random_stream{seed, gpu::stream::user};
  trace_.emplace(__FILE__, __LINE__, "TROUPE_SEED=" + std::to_string(seed));
  gpu_.emplace(GetParam());
  in_bf16_.emplace(GetParam(), gpu::precision::bf16);
}

std::vector<float> on_gpu::random_values(std::size_t size) {
  std::vector<float> result(size);
  for (auto& value : result)
    value = float(2.0 * random_.uniform() - 1.0);
  return result;
}

std::vector<std::uint8_t> on_gpu::random_bytes(
    std::size_t size, std::uint32_t below) {
  std::vector<std::uint8_t> result(size);
  for (auto& byte : result)
    byte = std::uint8_t(random_.below(below));
  return result;
}

std::vector<gpu::lane_step> on_gpu::random_steps(
    std::size_t lanes, std::size_t share) {
  std::vector<gpu::lane_step> result(lanes);
  for (std::size_t i = 0; i < lanes; ++i) {
    auto& step = result[i];
    step.rows = i == 1   ? 0
                : i == 2 ? std::uint32_t(share)
                         : random_.below(std::uint32_t(share) + 1);
    step.completes = random_.below(3) > 0;
    step.moving = random_.below(2);
    step.scale = step.rows > 0 ? 1.0f / float(step.rows) : 0.0f;
    step.rate = float(random_.uniform());
    step.alpha = i % 2 == 0 ? -step.rate : 1.0f;
    step.beta = i % 3 == 0 ? 0.0f : float(i % 3) / 2.0f;
  }
  return result;
}

twin<float> on_gpu::random_rows(std::span<const gpu::lane_step> steps,
    std::size_t share, std::size_t columns) {
  auto values = random_values(steps.size() * share * columns);
  for (std::size_t lane = 0; lane < steps.size(); ++lane)
    for (auto i = steps[lane].rows * columns; i < share * columns; ++i)
      values[lane * share * columns + i] = nan;
  return sent(std::move(values));
}

void on_gpu::expect_same(const twin<float>& x) {
  const auto actual = x.fetched(gpu());
  for (std::size_t i = 0; i < actual.size(); ++i)
    ASSERT_EQ(std::bit_cast<std::uint32_t>(actual[i]),
        std::bit_cast<std::uint32_t>(x.host()[i]))
        << "at " << i << ": " << actual[i] << " for " << x.host()[i];
}

void on_gpu::expect_near(const twin<float>& x, std::span<const float> bounds) {
  const auto actual = x.fetched(gpu());
  const auto& expected = x.host();
  ASSERT_EQ(bounds.size(), actual.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(expected[i]) || std::isinf(expected[i]))
      ASSERT_EQ(std::isnan(expected[i]) ? std::isnan(actual[i])
                                        : actual[i] == expected[i],
          true)
          << "at " << i << ": " << actual[i] << " for " << expected[i];
    else
      ASSERT_LE(std::abs(actual[i] - expected[i]), bounds[i])
          << "at " << i << ": " << actual[i] << " for " << expected[i];
  }
}

std::vector<float> absolute(std::vector<float> values) {
  for (auto& value : values)
    value = std::abs(value);
  return values;
}

std::vector<float> scaled(std::vector<float> values, float by) {
  for (auto& value : values)
    value *= by;
  return values;
}

std::vector<float> rounded(std::vector<float> values) {
  for (auto& value : values)
    value = gpu::to_float(gpu::to_bf16(value));
  return values;
}

double distance(
    std::span<const float> actual, std::span<const float> expected) {
  double apart = 0.0, size = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!std::isnan(actual[i]) && !std::isnan(expected[i])) {
      apart += std::pow(double(actual[i]) - expected[i], 2);
      size += std::pow(double(expected[i]), 2);
    }
  return std::sqrt(apart / size);
}

std::vector<std::uint32_t> bits(std::span<const float> values) {
  std::vector<std::uint32_t> result(values.size());
  std::ranges::transform(values, result.begin(),
      [](float value) { return std::bit_cast<std::uint32_t>(value); });
  return result;
}

std::vector<gpu::device> gpus_or_none() {
  auto result = gpu_devices();
  if (result.empty())
    result.push_back({gpu::device_kind::cuda, 0});
  return result;
}

std::string device_name(const ::testing::TestParamInfo<gpu::device>& info) {
  return "cuda_" + std::to_string(info.param.index);
}

} // namespace troupe::tests
