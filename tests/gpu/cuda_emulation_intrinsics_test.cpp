// The emulation's intrinsics, which are functions of the host there.
#include <cuda_runtime.h>

#include <cuda_bf16.h>

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace {

TEST(cuda_emulation_intrinsics_test, round_and_saturate_as_a_gpu_does) {
  constexpr auto least = std::numeric_limits<long long>::min();
  constexpr auto most = std::numeric_limits<long long>::max();

  EXPECT_EQ(__double2ll_rn(2.5), 2);
  EXPECT_EQ(__double2ll_rn(-3.5), -4);
  EXPECT_EQ(__double2ll_rn(0x1p62 + 1024), 4611686018427388928);
  EXPECT_EQ(__double2ll_rn(1e300), most);
  EXPECT_EQ(__double2ll_rn(-0x1p63), least);
  EXPECT_EQ(__double2ll_rn(-1e300), least);
  EXPECT_EQ(__double2ll_rn(std::nan("")), least);
  EXPECT_EQ(__float2int_rn(1e30f), std::numeric_limits<int>::max());
  EXPECT_EQ(__float2int_rn(-0.5f), 0);
  EXPECT_EQ(__umulhi(0xffffffffu, 3), 2u);
  EXPECT_EQ(__clz(1), 31);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__fmaf_rn(0x1.000002p0f, 0x1.000002p0f, -0x1.000004p0f), 0x1p-46f);
}

TEST(cuda_emulation_intrinsics_test, rounds_bf16_to_the_nearest) {
  auto rounded = [](float a) {
    return __bfloat16_as_ushort(__float2bfloat16_rn(a));
  };

  EXPECT_EQ(rounded(1.0f), 0x3f80);
  EXPECT_EQ(rounded(0x1.01p0f), 0x3f80); // a tie, down to even
  EXPECT_EQ(rounded(0x1.03p0f), 0x3f82); // a tie, up to even
  EXPECT_EQ(rounded(0x1.010002p0f), 0x3f81);
  EXPECT_EQ(rounded(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(rounded(-std::nanf("")), 0x7fff);
  EXPECT_EQ(__bfloat162float(__float2bfloat16_rn(-2.5f)), -2.5f);
}

} // namespace
