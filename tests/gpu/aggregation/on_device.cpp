#include "tests/gpu/aggregation/on_device.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace troupe::tests {

std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
  auto random = gpu::random_stream{seed, gpu::stream::user, 77};
  std::vector<float> result(count);
  for (auto& value : result)
    value = static_cast<float>(
        std::ldexp(random.normal(), static_cast<int>(random.below(12)) - 6));
  return result;
}

std::vector<std::vector<float>> random_updates(
    std::size_t members, std::size_t size, std::uint64_t seed) {
  std::vector<std::vector<float>> result;
  for (std::size_t i = 0; i < members; ++i)
    result.push_back(random_values(size, 1000 * seed + i));
  return result;
}

std::vector<std::uint32_t> bits(std::span<const float> values) {
  std::vector<std::uint32_t> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(),
      [](float x) { return std::bit_cast<std::uint32_t>(x); });
  return result;
}

TEST(aggregation_on_gpus, is_tested_where_there_is_one) {
  if (gpu_devices().empty())
    GTEST_SKIP() << "there is no GPU here: what follows ran on the CPU alone";
  EXPECT_EQ(test_devices().size(), 2u);
}

std::string device_name(const ::testing::TestParamInfo<gpu::device>& info) {
  auto name = to_string(info.param);
  std::replace(name.begin(), name.end(), ':', '_');
  return name;
}

} // namespace troupe::tests
