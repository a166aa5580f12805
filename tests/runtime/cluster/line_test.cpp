#include "runtime/cluster/line.hpp"

#include <memory>

#include <gtest/gtest.h>

#include "tests/runtime/cluster/wire.hpp"

namespace troupe::cluster {
namespace {

using namespace tests;

gpu::shared_buffer block(std::size_t bytes) {
  auto result = std::make_shared<gpu::buffer>(bytes / sizeof(float));
  for (auto& x : result->span())
    x = 1.0f;
  return result;
}

/// A line to a peer that has greeted, and reads when it is made to.
struct along_a_line_test : testing::Test {
  half_bare both;
  std::shared_ptr<line> at = std::make_shared<line>(both.us.at(), 1 << 20);

  along_a_line_test() {
    const asio::socket_base::send_buffer_size little{65'536};
    on(both.io.context(), [&] { both.us->over().socket().set_option(little); });
    both.them.socket().set_option(
        asio::socket_base::receive_buffer_size(65'536));
    both.them.say(
        preamble() + framed(hello{errand::node, "alpha", 7, "", 3.0}));
    both.us.heard[0];
    on(both.io.context(), [&] { at->open(); });
  }
  ~along_a_line_test() override { at->close("the test is over"); }
};

TEST_F(along_a_line_test, passes_values_of_small_tensors_and_lends_others) {
  const auto most = connection_options{}.along;

  EXPECT_EQ(at->pass(block(most)).id, 0u);
  EXPECT_NE(at->pass(block(most + sizeof(float))).id, 0u);
}

// Nobody is cut off for tensors that could as well be fetched.
TEST_F(along_a_line_test, lends_small_tensors_too_where_the_peer_is_slow) {
  constexpr std::size_t many = 5'000, bytes = 4'000;
  const auto one = block(bytes);
  std::size_t along = 0;

  for (std::size_t i = 0; i < many; ++i) {
    update what;
    what.result.delta = at->pass(one);
    along += what.result.delta.id == 0;
    ASSERT_TRUE(at->send(what)) << i;
  }

  EXPECT_GT(along, 100u);
  EXPECT_LT(along, many / 2);
  EXPECT_FALSE(at->is_over());
}

} // namespace
} // namespace troupe::cluster
