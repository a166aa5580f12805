#include "gpu/device.hpp"

#include "gpu/device_stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace troupe::gpu {
namespace {

using ::testing::HasSubstr;

TEST(device_test, names_places) {
  EXPECT_EQ(to_string(device{}), "cpu");
  EXPECT_EQ(to_string(device{device_kind::cuda, 1}), "cuda:1");
}

TEST(device_test, the_cpu_comes_first_and_has_slots_and_memory) {
  const auto all = devices();

  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all[0].where, device{});
  EXPECT_FALSE(all[0].name.empty());
  EXPECT_GE(all[0].slots, 1u);
  EXPECT_GT(all[0].memory, std::size_t{1} << 20);
  EXPECT_THAT(blas(), HasSubstr("OpenBLAS 0."));
}

TEST(device_test, the_fingerprint_tells_device_blas_kernels_and_build) {
  const auto fingerprint = numeric_fingerprint();

  EXPECT_THAT(fingerprint, HasSubstr("cpu; OpenBLAS "));
  EXPECT_THAT(fingerprint, HasSubstr("; kernels "));
  EXPECT_THAT(fingerprint, HasSubstr("glibc "));
  EXPECT_EQ(fingerprint, numeric_fingerprint());
}

// Summaries and checkpoints hold it: a word more would be another fingerprint.
TEST(device_test, the_fingerprint_of_a_cpu_has_the_parts_it_always_had) {
  EXPECT_THAT(numeric_fingerprint(),
      ::testing::MatchesRegex("cpu; OpenBLAS [0-9.]+ [A-Za-z0-9]+; kernels "
                              "[a-z0-9]+; (gcc|clang) [^;]+, glibc [0-9.]+"));
}

// Opening cuDNN takes no GPU.
TEST(device_test, says_which_library_convolves) {
  const auto found = dnn({device_kind::cuda, 0});

  EXPECT_EQ(dnn(device{}), "kernels of our own");
  if (!found.starts_with("cuDNN"))
    GTEST_SKIP() << found;
  EXPECT_THAT(found, ::testing::MatchesRegex("cuDNN 9\\.[0-9]+\\.[0-9]+"));
}

TEST(device_test, a_stream_on_a_missing_device_is_refused_by_name) {
  try {
    device_stream{device{device_kind::cuda, 3}};
    FAIL() << "not refused";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cuda:3"));
  }
}

} // namespace
} // namespace troupe::gpu
