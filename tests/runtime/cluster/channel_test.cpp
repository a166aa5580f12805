#include "runtime/cluster/channel.hpp"

#include <future>
#include <memory>
#include <numeric>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "gpu/random.hpp"
#include "tests/support/loopback.hpp"

namespace troupe::tests {
namespace {

using bytes = std::vector<std::byte>;

bytes noise(std::size_t size) {
  auto random = gpu::random_stream{size, gpu::stream::user};
  bytes made(size);
  for (auto& byte : made)
    byte = static_cast<std::byte>(random.below(256));
  return made;
}

// Cuts `whole` into pieces of up to `most` bytes, none among them too.
template <class Span>
std::vector<Span> pieces(Span whole, std::uint32_t most, std::uint64_t seed) {
  auto random = gpu::random_stream{seed, gpu::stream::user};
  std::vector<Span> cut;
  while (!whole.empty()) {
    const auto size =
        std::min<std::size_t>(random.below(most + 1), whole.size());
    cut.push_back(whole.first(size));
    whole = whole.subspan(size);
  }
  return cut;
}

class channel_test : public testing::TestWithParam<medium> {
public:
  channel_test() {
    std::tie(one, other) = connected_channels(
        one_thread.context(), other_thread.context(), GetParam());
  }
  ~channel_test() override {
    on(one_thread, [&] { one.reset(); });
    on(other_thread, [&] { other.reset(); });
  }

  static void on(io_thread& thread, std::function<void()> work) {
    std::packaged_task<void()> task{std::move(work)};
    boost::asio::post(thread.context(), [&] { task(); });
    task.get_future().get();
  }

  io_thread one_thread, other_thread;
  std::unique_ptr<cluster::channel> one, other;
};

TEST_P(channel_test, keeps_the_order_however_spans_are_cut) {
  const auto sent = noise(3'000'000);
  bytes received(sent.size());
  const auto from = pieces(std::span{sent}, 40'000, 1);
  const auto to = pieces(std::span{received}, 70'000, 2);
  std::vector<std::size_t> finished;
  std::promise<void> all;

  on(one_thread, [&] {
    for (const auto& piece : from)
      one->send(piece, [](std::error_code e) { EXPECT_FALSE(e); });
  });
  on(other_thread, [&] {
    for (std::size_t i = 0; i < to.size(); ++i)
      other->receive(to[i], [&, i](std::error_code e) {
        EXPECT_FALSE(e);
        finished.push_back(i);
        if (finished.size() == to.size())
          all.set_value();
      });
  });
  all.get_future().get();

  EXPECT_EQ(received, sent);
  std::vector<std::size_t> in_order(to.size());
  std::iota(in_order.begin(), in_order.end(), std::size_t{0});
  EXPECT_EQ(finished, in_order);
}

TEST_P(channel_test, moves_both_ways_at_once) {
  const auto there = noise(2'000'000);
  const auto back = noise(2'000'001);
  bytes got_there(there.size());
  bytes got_back(back.size());
  std::promise<std::error_code> whole_there, whole_back;

  on(one_thread, [&] {
    one->send(there, [](std::error_code) {});
    one->receive(got_back, [&](auto e) { whole_back.set_value(e); });
  });
  on(other_thread, [&] {
    other->send(back, [](std::error_code) {});
    other->receive(got_there, [&](auto e) { whole_there.set_value(e); });
  });

  EXPECT_FALSE(whole_there.get_future().get());
  EXPECT_FALSE(whole_back.get_future().get());
  EXPECT_EQ(got_there, there);
  EXPECT_EQ(got_back, back);
}

TEST_P(channel_test, never_calls_back_inside_the_call) {
  bool inside = false;
  bool nested = false;
  std::promise<void> done;

  on(one_thread, [&] {
    inside = true;
    one->send({}, [&](std::error_code) {
      nested = inside;
      done.set_value();
    });
    inside = false;
  });
  done.get_future().get();

  EXPECT_FALSE(nested);
}

TEST_P(channel_test, closing_fails_what_is_under_way_and_what_comes_later) {
  bytes never(10);
  std::promise<std::error_code> before, after;

  on(other_thread, [&] {
    other->receive(never, [&](auto e) { before.set_value(e); });
    other->close();
    other->receive(never, [&](auto e) { after.set_value(e); });
  });

  EXPECT_TRUE(before.get_future().get());
  EXPECT_TRUE(after.get_future().get());
}

TEST_P(channel_test, hears_that_the_other_end_went) {
  bytes never(10);
  std::promise<std::error_code> heard;
  on(other_thread,
      [&] { other->receive(never, [&](auto e) { heard.set_value(e); }); });

  on(one_thread, [&] { one.reset(); });

  EXPECT_TRUE(heard.get_future().get());
}

TEST_P(channel_test, may_be_destroyed_in_a_callback) {
  const auto sent = noise(20);
  bytes received(10), never(11);
  std::promise<std::error_code> last;
  on(other_thread, [&] {
    other->receive(received, [&](std::error_code) { other.reset(); });
    other->receive(never, [&](auto e) { last.set_value(e); });
  });

  on(one_thread, [&] { one->send(sent, [](std::error_code) {}); });

  EXPECT_TRUE(last.get_future().get());
}

INSTANTIATE_TEST_SUITE_P(over, channel_test, testing::ValuesIn(every_medium()),
    [](const auto& of) { return to_string(of.param); });

} // namespace
} // namespace troupe::tests
