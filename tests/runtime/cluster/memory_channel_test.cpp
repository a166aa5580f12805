#include "runtime/cluster/memory_channel.hpp"

#include <array>

#include "tests/runtime/cluster/courier_fixture.hpp"

namespace troupe::tests {
namespace {

using cluster::memory_channel;
using cluster::shared_region;
using side = memory_channel::side;

// Both ends of one region, and what they share.
class memory_channel_test : public testing::Test {
public:
  memory_channel_test() {
    auto mine = shared_region::make();
    theirs = shared_region::open(mine->name());
    auto [a, b] =
        connected_channels(io.context(), other.context(), medium::plain);
    bell = std::move(b);
    channel = std::make_unique<memory_channel>(std::move(a),
        cluster::post_to(io.context().get_executor()), std::move(*mine),
        side::makes);
  }
  ~memory_channel_test() override {
    run(io, [this] { channel.reset(); });
    run(other, [this] { bell.reset(); });
  }

  static void run(io_thread& on, std::function<void()> work) {
    std::promise<void> done;
    boost::asio::post(on.context(), [&] {
      work();
      done.set_value();
    });
    result(done.get_future());
  }
  std::future<std::error_code> receive(std::span<std::byte> to) {
    auto promise = std::make_shared<std::promise<std::error_code>>();
    run(io, [&] {
      channel->receive(to, [promise](auto e) { promise->set_value(e); });
    });
    return promise->get_future();
  }

  io_thread io, other;
  std::optional<shared_region> theirs;
  channel_end channel, bell;
  std::array<std::byte, 100> bytes{};
};

TEST_F(memory_channel_test, believes_no_count_beyond_the_ring) {
  theirs->front().rings[1].written = shared_region::ring_bytes + 1;

  EXPECT_EQ(result(receive(bytes)), std::errc::bad_message);
}

TEST_F(memory_channel_test, believes_no_count_that_goes_back) {
  theirs->front().rings[1].written = 100;
  EXPECT_FALSE(result(receive(bytes)));
  theirs->front().rings[1].written = 99;

  EXPECT_EQ(result(receive(bytes)), std::errc::bad_message);
}

TEST_F(memory_channel_test, reads_what_is_there_when_the_other_end_goes) {
  theirs->bytes(1)[99] = std::byte{7};
  theirs->front().rings[1].written = 150;
  run(other, [this] { bell.reset(); });

  EXPECT_FALSE(result(receive(bytes)));
  EXPECT_EQ(bytes[99], std::byte{7});
  EXPECT_TRUE(result(receive(bytes)));
}

} // namespace
} // namespace troupe::tests
