#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/block.hpp"
#include "gpu/copy.hpp"
#include "gpu/device_stream.hpp"
#include "gpu/lanes.hpp"
#include "gpu/random.hpp"
#include "tests/support/devices.hpp"

namespace troupe::tests {

inline constexpr auto nan = std::numeric_limits<float>::quiet_NaN();
inline constexpr auto infinity = std::numeric_limits<float>::infinity();

/// The same values twice: on the host, and on a GPU.
template <class T>
class twin {
public:
  twin(std::vector<T> values, gpu::device_stream& on)
      : host_(std::move(values)), gpu_(host_.size(), on) {
    gpu::copy(on, std::span<const T>{host_}, gpu_.span());
    on.synchronise();
  }
  /// Those on the stream's device.
  std::span<T> at(const gpu::device_stream& on) {
    return on.on_gpu() ? gpu_.span() : std::span<T>{host_};
  }
  std::size_t size() const { return host_.size(); }
  const std::vector<T>& host() const { return host_; }
  /// What the GPU has come to.
  std::vector<T> fetched(gpu::device_stream& on) const {
    std::vector<T> result(host_.size());
    gpu::copy(on, gpu_.span(), std::span<T>{result});
    on.synchronise();
    return result;
  }

private:
  std::vector<T> host_;
  gpu::block<T> gpu_;
};

/// A test of operators on a GPU against their twins on the host, with inputs of
/// its own in each run. TROUPE_SEED repeats one.
class on_gpu : public ::testing::TestWithParam<gpu::device> {
protected:
  void SetUp() override;

  gpu::device_stream host;
  gpu::device_stream& gpu() { return *gpu_; }
  /// Another stream of the GPU, whose products are in bf16.
  gpu::device_stream& in_bf16() { return *in_bf16_; }
  /// Calls work(on) for the host and for the GPU, and waits.
  template <class Work>
  void on_both(Work work) {
    work(host);
    work(gpu());
    gpu().synchronise();
  }

  std::uint32_t below(std::uint32_t bound) { return random_.below(bound); }
  std::vector<float> random_values(std::size_t size); ///< in [-1, 1)
  std::vector<std::uint8_t> random_bytes(std::size_t size, std::uint32_t below);
  /// Steps of up to `share` rows, some of none and, where there are several,
  /// one of all; sinks of all kinds.
  std::vector<gpu::lane_step> random_steps(
      std::size_t lanes, std::size_t share);

  template <class T>
  twin<T> sent(std::vector<T> values) {
    return {std::move(values), gpu()};
  }
  twin<float> random(std::size_t size) { return sent(random_values(size)); }
  /// What nobody may read: NaN.
  twin<float> poison(std::size_t size) {
    return sent(std::vector<float>(size, nan));
  }
  /// Random values; NaN in rows of each lane's share that its step lacks.
  twin<float> random_rows(std::span<const gpu::lane_step> steps,
      std::size_t share, std::size_t columns);

  /// The same bits on both sides, NaN included.
  void expect_same(const twin<float>& x);
  /// As far apart as `bounds` at most; NaN where the host has it.
  void expect_near(const twin<float>& x, std::span<const float> bounds);
  void expect_near(const twin<float>& x, float bound) {
    expect_near(x, std::vector<float>(x.size(), bound));
  }

private:
  std::optional<gpu::device_stream> gpu_;
  std::optional<gpu::device_stream> in_bf16_;
  gpu::random_stream random_{0};
  std::optional<::testing::ScopedTrace> trace_;
};

std::vector<float> absolute(std::vector<float> values);
std::vector<float> scaled(std::vector<float> values, float by);
/// Each rounded to bf16.
std::vector<float> rounded(std::vector<float> values);
/// |actual - expected| / |expected|, of what are numbers on both sides.
double distance(std::span<const float> actual, std::span<const float> expected);
std::vector<std::uint32_t> bits(std::span<const float> values);

/// The GPUs, or one that is not there, for tests to skip.
std::vector<gpu::device> gpus_or_none();
/// "cuda_0"
std::string device_name(const ::testing::TestParamInfo<gpu::device>& info);

} // namespace troupe::tests

#define TROUPE_ON_EVERY_GPU(suite)                                             \
  INSTANTIATE_TEST_SUITE_P(gpus, suite,                                        \
      ::testing::ValuesIn(troupe::tests::gpus_or_none()),                      \
      troupe::tests::device_name)
