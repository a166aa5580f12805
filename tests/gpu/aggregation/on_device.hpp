#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/buffer.hpp"
#include "gpu/copy.hpp"
#include "gpu/random.hpp"
#include "tests/support/devices.hpp"

namespace troupe::tests {

inline constexpr auto not_a_number = std::numeric_limits<float>::quiet_NaN();
inline constexpr auto infinity = std::numeric_limits<float>::infinity();

/// A test that runs on every device there is, under the device's name.
class on_device : public ::testing::TestWithParam<gpu::device> {
public:
  gpu::device_stream on{GetParam()};

  /// The same values in the device's memory.
  gpu::buffer sent(std::span<const float> values) {
    auto result = gpu::buffer(values.size(), on);
    gpu::copy(on, values, result.span());
    on.synchronise();
    return result;
  }
  /// An output that nobody has written yet: NaN.
  gpu::buffer poisoned(std::size_t size) {
    return sent(std::vector<float>(size, not_a_number));
  }
  std::vector<float> fetched(std::span<const float> values) {
    std::vector<float> result(values.size());
    gpu::copy(on, values, std::span{result});
    on.synchronise();
    return result;
  }
};

/// Several updates in a device's memory, and the spans that operators take.
struct sent_updates {
  sent_updates(on_device& test, const std::vector<std::vector<float>>& host) {
    for (const auto& each : host)
      held.push_back(test.sent(each));
    for (const auto& each : held)
      spans.push_back(each.span());
  }
  std::vector<gpu::buffer> held;
  std::vector<std::span<const float>> spans;
};

/// Normal values of magnitudes from 2^-6 to 2^5.
std::vector<float> random_values(std::size_t count, std::uint64_t seed);
std::vector<std::vector<float>> random_updates(
    std::size_t members, std::size_t size, std::uint64_t seed);

/// The bits, since NaN equals nothing and -0 equals 0.
std::vector<std::uint32_t> bits(std::span<const float> values);

/// "cpu", "cuda_0".
std::string device_name(const ::testing::TestParamInfo<gpu::device>& info);

} // namespace troupe::tests

#define TROUPE_ON_EVERY_DEVICE(suite)                                          \
  INSTANTIATE_TEST_SUITE_P(devices, suite,                                     \
      ::testing::ValuesIn(troupe::tests::test_devices()),                      \
      troupe::tests::device_name)
