#include "runtime/cluster/dialler.hpp"

#include <gtest/gtest.h>

#include "tests/support/loopback.hpp"

namespace troupe::cluster {
namespace {

TEST(dialler_test, knows_a_socket_that_has_met_itself) {
  asio::io_context io;
  tcp::socket alone{io};
  alone.open(tcp::v4());
  alone.bind({asio::ip::address_v4::loopback(), 0});
  EXPECT_FALSE(meets_itself(alone));

  alone.connect(alone.local_endpoint()); // TCP takes that for two that dial

  EXPECT_TRUE(meets_itself(alone));
}

TEST(dialler_test, knows_that_two_ends_are_two) {
  asio::io_context io;
  const auto both = tests::connected_sockets(io, io);

  EXPECT_FALSE(meets_itself(both.first));
  EXPECT_FALSE(meets_itself(both.second));
}

} // namespace
} // namespace troupe::cluster
