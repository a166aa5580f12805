#include "gpu/kernel_sets.hpp"

#include <cstdlib>
#include <optional>
#include <string>

#include <gmock/gmock.h>

#include "gpu/device.hpp"

namespace troupe::gpu {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

/// Holds a variable of the environment as long as it lives.
class setting {
public:
  setting(const char* name, const std::string& value) : name_(name) {
    if (const auto* was = std::getenv(name))
      was_ = was;
    setenv(name, value.c_str(), 1);
  }
  ~setting() {
    if (was_)
      setenv(name_, was_->c_str(), 1);
    else
      unsetenv(name_);
  }
  setting(const setting&) = delete;
  setting& operator=(const setting&) = delete;

private:
  const char* name_;
  std::optional<std::string> was_;
};

TEST(kernel_sets_test, are_told_apart_by_their_fingerprints) {
  EXPECT_THAT(fingerprint_by("avx2"),
      MatchesRegex("cpu; OpenBLAS [0-9.]+ Haswell; kernels avx2; (gcc|clang) "
                   "[^;]+, glibc [0-9.]+"));
  EXPECT_THAT(
      fingerprint_by("avx512"), HasSubstr(" SkylakeX; kernels avx512; "));
  EXPECT_THAT(
      fingerprint_by("baseline"), HasSubstr(" Nehalem; kernels baseline; "));
  EXPECT_THAT(fingerprint_by("baseline"), EndsWith(" without fma"));
}

TEST(kernel_sets_test, are_known_by_name_alone) {
  EXPECT_FALSE(can_compute_by("sse9"));
  EXPECT_FALSE(computes_by("own"));
}

TEST(kernel_sets_test, end_where_a_person_has_chosen_less) {
  for (auto set : kernel_sets())
    if (!can_compute_by(set))
      GTEST_SKIP() << "this machine, or its environment, lacks " << set;
  const setting chosen{"TROUPE_INSTRUCTIONS", "avx2"};

  EXPECT_TRUE(can_compute_by("baseline"));
  EXPECT_TRUE(can_compute_by("avx2"));
  EXPECT_FALSE(can_compute_by("avx512"));
}

TEST(kernel_sets_test, leave_a_persons_own_kernels_alone) {
  {
    const setting chosen{"OPENBLAS_CORETYPE", "Nehalem"};
    EXPECT_FALSE(can_compute_by("avx2"));
  }
  const setting chosen{"OPENBLAS_CORETYPE", "Zen"};
  for (auto set : kernel_sets())
    EXPECT_FALSE(can_compute_by(set)) << set;
}

TEST(kernel_sets_test, may_be_left_again_by_who_was_started_for_one) {
  if (!can_compute_by("avx2"))
    GTEST_SKIP() << "this machine has no AVX2";
  const auto environment = environment_for("baseline");
  EXPECT_EQ(environment.at("OPENBLAS_CORETYPE"), "Nehalem");
  EXPECT_EQ(environment.at("TROUPE_INSTRUCTIONS"), "baseline");
  EXPECT_THAT(environment.at("GLIBC_TUNABLES").value(),
      EndsWith("glibc.cpu.hwcaps=-FMA,-FMA4"));
  const setting core{"OPENBLAS_CORETYPE", "Nehalem"};
  const setting ours{"TROUPE_INSTRUCTIONS", "other"};
  const setting most{
      "TROUPE_CEILING", environment.at("TROUPE_CEILING").value()};
  const setting tunables{
      "GLIBC_TUNABLES", "glibc.malloc.arena_max=1:glibc.cpu.hwcaps=-FMA,-FMA4"};

  EXPECT_TRUE(can_compute_by("avx2"));
  EXPECT_EQ(
      environment_for("avx2").at("GLIBC_TUNABLES"), "glibc.malloc.arena_max=1");
}

// It would be started for ever.
TEST(kernel_sets_test, are_not_tried_twice) {
  if (!can_compute_by("baseline") || computes_by("baseline"))
    GTEST_SKIP() << "nothing to be tried here";
  const setting ours{"TROUPE_INSTRUCTIONS", "baseline"};
  const setting most{"TROUPE_CEILING", "avx512"};

  EXPECT_FALSE(can_compute_by("baseline"));
}

} // namespace
} // namespace troupe::gpu
