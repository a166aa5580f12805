#include "runtime/cluster/wire_choice.hpp"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

namespace troupe::tests {
namespace {

using cluster::wire_choice;

wire_choice under(const char* value) {
  ::setenv("TROUPE_WIRE", value, 1);
  const auto result = wire_choice::of_environment();
  ::unsetenv("TROUPE_WIRE");
  return result;
}

TEST(wire_choice_test, is_memory_first_and_ucx_for_rdma_alone) {
  std::error_code none;
  const bool has_rdma =
      !std::filesystem::is_empty("/sys/class/infiniband", none) && !none;

  for (const auto& of : {wire_choice::of_environment(), under("pigeons")}) {
    EXPECT_TRUE(of.memory);
    EXPECT_EQ(of.ucx, has_rdma);
    EXPECT_FALSE(of.ucx_first);
    EXPECT_FALSE(of.beside_tls);
    EXPECT_EQ(of.transports, "ib");
  }
}

TEST(wire_choice_test, takes_what_it_is_told) {
  EXPECT_TRUE(under("ucx").ucx_first);
  EXPECT_EQ(under("ucx").transports, "");
  EXPECT_FALSE(under("ucx").beside_tls);
  EXPECT_TRUE(under("ucx-clear").ucx_first);
  EXPECT_TRUE(under("ucx-clear").beside_tls);
  EXPECT_FALSE(under("tcp").memory);
  EXPECT_FALSE(under("tcp").ucx);
}

} // namespace
} // namespace troupe::tests
