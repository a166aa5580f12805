#include "runtime/cluster/connection.hpp"

#include <algorithm>

#include <gmock/gmock.h>

#include "tests/runtime/cluster/wire.hpp"

#include <boost/asio/read.hpp>

namespace troupe::cluster {
namespace {

using namespace tests;
using asio::ssl::stream_base;

class connection_test : public testing::TestWithParam<medium> {
protected:
  both_ends both{GetParam()};
  speaker& one = both.one;
  speaker& other = both.other;
  asio::io_context& one_io = both.one_thread.context();
  asio::io_context& other_io = both.other_thread.context();

  // Each end has heard the other.
  void meet() {
    both.start();
    one->send(welcome{"alpha", 1, "", {}, ""});
    other->send(hello{errand::node, "alpha", 7, "", 3.0});
    one.heard[0];
    other.heard[0];
  }
};

TEST_P(connection_test, carries_frames_both_ways_in_order) {
  constexpr std::uint64_t many = 5'000;
  both.start();

  std::thread speaks{[&] {
    for (std::uint64_t i = 0; i < many; ++i)
      EXPECT_TRUE(one->send(release{i}));
  }};
  for (std::uint64_t i = 0; i < many; ++i)
    EXPECT_TRUE(other->send(arrived{i}));
  speaks.join();

  for (std::uint64_t i = 0; i < many; ++i) {
    EXPECT_EQ(other.heard.get<release>(i).what, i);
    EXPECT_EQ(one.heard.get<arrived>(i).what, i);
    one->took();
    other->took();
  }
}

TEST_P(connection_test, carries_what_fills_a_frame) {
  const std::string text(64 * 1024 - 100, 'x');
  meet();

  EXPECT_TRUE(one->send(refusal{text}));

  EXPECT_EQ(other.heard.get<refusal>(1).why, text);
}

TEST_P(connection_test, sends_more_a_frame_where_its_peer_takes_more) {
  connection_options takes;
  takes.frame = std::size_t{1} << 20;
  both_ends wide{GetParam(), {}, takes};
  const std::string text(500'000, 'x');
  wide.start();
  wide.one->send(welcome{"alpha", 1, "", {}, ""});
  wide.other.heard[0];

  wide.one->widen(takes.frame);
  EXPECT_TRUE(wide.one->send(refusal{text}));

  EXPECT_EQ(wide.other.heard.get<refusal>(1).why, text);
}

TEST_P(connection_test, carries_the_values_of_small_tensors) {
  auto values = std::make_shared<gpu::buffer>(tensor::most_along);
  std::ranges::fill(values->span(), 0.5f);
  meet();
  update what;
  what.result.delta = values;
  what.result.state = tensor{values};

  ASSERT_TRUE(one->send(what));

  const auto there = other.heard.get<update>(1).result;
  ASSERT_TRUE(there.delta.here && there.state.value().here);
  EXPECT_TRUE(std::ranges::equal(there.delta->span(), values->span()));
  EXPECT_TRUE(std::ranges::equal(there.state.value()->span(), values->span()));
}

TEST_P(connection_test, takes_tensors_along_while_little_waits) {
  both_ends pair{GetParam(), {.along = 400, .unsent_along = 10'000}};
  EXPECT_TRUE(pair.one->takes_along(400));
  EXPECT_FALSE(pair.one->takes_along(401));

  for (int i = 0; i < 20; ++i)
    pair.one->send(refusal{std::string(1'000, 'x')});
  EXPECT_FALSE(pair.one->takes_along(4));
  pair.start();

  pair.other.heard[19];
  EXPECT_TRUE(eventually([&] { return pair.one->takes_along(400); }));
}

// However the sending meets the handshake's end, and more than the system
// takes at once.
TEST_P(connection_test, sends_in_order_while_it_begins) {
  constexpr std::uint64_t rounds = 8, each = 20;
  both_ends pair{GetParam(), {.unsent = 64 << 20}};
  auto& io = pair.one_thread.context();
  std::function<void(std::uint64_t)> say = [&](std::uint64_t round) {
    for (auto i = round * each; i < (round + 1) * each; ++i)
      ASSERT_TRUE(
          pair.one->send(refusal{std::string(50'000, static_cast<char>(i))}));
    if (round + 1 < rounds)
      asio::post(io, [&, round] { say(round + 1); });
  };

  on(io, [&] {
    pair.one.start();
    asio::post(io, [&] {
      pair.one->send(welcome{});
      say(0);
    });
  });
  pair.other.start(true);
  pair.other->send(hello{});

  for (std::uint64_t i = 0; i < rounds * each; ++i)
    ASSERT_EQ(pair.other.heard.get<refusal>(i + 1).why,
        std::string(50'000, static_cast<char>(i)))
        << i;
}

TEST_P(connection_test, says_what_was_sent_before_it_closes) {
  meet();

  for (std::uint64_t i = 0; i < 1'000; ++i)
    one->send(release{i});
  one->close("it is done");

  EXPECT_EQ(other.heard.why(), "it closed the connection");
  EXPECT_FALSE(other.heard.in_order());
  EXPECT_EQ(other.heard.count(), 1'001u);
  EXPECT_EQ(one.heard.why(), "it is done");
  EXPECT_TRUE(one.heard.in_order());
  EXPECT_FALSE(one->send(release{0}));
}

TEST_P(connection_test, says_what_was_sent_though_it_closes_at_once) {
  both.start();

  one->send(refusal{"no"});
  one->close("it is done");

  EXPECT_EQ(other.heard.get<refusal>(0).why, "no");
  EXPECT_EQ(one.heard.why(), "it is done");
}

TEST_P(connection_test, ends_once_however_often_it_is_closed) {
  meet();

  for (int i = 0; i < 3; ++i) {
    one->close("it is done");
    other->close("it is done too");
  }
  on(one_io, [&] { one->abort("it is over"); });

  one.heard.why();
  other.heard.why();
  on(one_io, [&] { one->abort("again"); });
  EXPECT_EQ(one.heard.endings(), 1);
  EXPECT_EQ(other.heard.endings(), 1);
}

TEST_P(connection_test, is_gone_when_it_has_ended_and_nobody_holds_it) {
  auto [a, b] = connected_sockets(one_io, other_io);
  auto made = std::make_shared<connection>(
      stream{std::move(a), GetParam() == medium::tls ? self_signed() : nullptr},
      connection_options{});
  hearer heard;
  made->start(stream_base::server, heard.events());
  std::weak_ptr<connection> weak{made};
  made.reset();

  b.close();

  heard.why();
  EXPECT_TRUE(eventually([&] { return weak.expired(); }));
}

TEST_P(connection_test, tells_others_from_the_frame_on_that_changes_it) {
  hearer second;
  auto first = other.heard.events();
  first.said = [&, say = first.said](frame&& what) {
    say(std::move(what));
    other->hear(second.events());
  };
  one.start();
  other->start(stream_base::client, first);

  for (std::uint64_t i = 0; i < 100; ++i)
    one->send(release{i});
  one->close("it is done");

  second.why();
  EXPECT_EQ(other.heard.count(), 1u);
  EXPECT_EQ(other.heard.endings(), 0);
  EXPECT_EQ(second.get<release>(0).what, 1u);
  EXPECT_EQ(second.count(), 99u);
}

// What is called lives until it returns.
TEST_P(connection_test, may_be_ended_by_what_it_tells) {
  hearer last;
  auto held = std::make_shared<std::string>("held by who is told");
  const std::weak_ptr<std::string> weak{held};
  connection::events events = last.events();
  events.said = [&, held = std::move(held)](frame&&) {
    other->abort("it has heard enough");
    EXPECT_EQ(*held, "held by who is told");
  };
  one.start();
  other->start(stream_base::client, std::move(events));

  one->send(release{1});
  one->send(release{2});

  EXPECT_EQ(last.why(), "it has heard enough");
  EXPECT_TRUE(last.in_order());
  EXPECT_TRUE(eventually([&] { return weak.expired(); }));
}

TEST_P(connection_test, does_not_send_what_must_not_leave) {
  meet();
  const tensor own{std::make_shared<const gpu::buffer>(tensor::most_along + 1)};

  EXPECT_FALSE(one->send(score{1, 2, 3, own, 4}));

  EXPECT_THAT(one.heard.why(), testing::HasSubstr("a troupe::tensor without"));
  EXPECT_FALSE(one.heard.in_order());
  EXPECT_EQ(other.heard.why(), "it closed the connection");
  EXPECT_EQ(other.heard.count(), 1u);
}

TEST_P(connection_test, does_not_send_what_would_be_refused) {
  meet();

  EXPECT_FALSE(one->send(refusal{std::string(70'000, 'x')}));

  EXPECT_THAT(one.heard.why(),
      testing::MatchesRegex("a frame of 7000. bytes is too large"));
}

TEST_P(connection_test, hands_its_stream_on) {
  std::promise<stream> at_one, at_other;
  one->start(stream_base::server,
      {.said =
              [&](frame&&) {
                one->send(welcome{"alpha", 1, "", {}, ""});
                one->hand_over(
                    [&](stream over) { at_one.set_value(std::move(over)); });
              },
          .ended = {}});
  other->start(stream_base::client,
      {.said =
              [&](frame&& what) {
                other.heard.add(std::move(what));
                other->hand_over(
                    [&](stream over) { at_other.set_value(std::move(over)); });
              },
          .ended = {}});
  other->send(hello{errand::courier, "", 7, "", 3.0});

  auto from = at_one.get_future().get();
  auto to = at_other.get_future().get();

  EXPECT_EQ(other.heard.get<welcome>(0).name, "alpha");
  std::string there = "there and back", here(there.size(), ' ');
  std::promise<network_error> written, read;
  on(one_io, [&] {
    asio::async_write(from, asio::buffer(there),
        [&](network_error e, std::size_t) { written.set_value(e); });
  });
  on(other_io, [&] {
    asio::async_read(to, asio::buffer(here),
        [&](network_error e, std::size_t) { read.set_value(e); });
  });
  EXPECT_FALSE(written.get_future().get());
  EXPECT_FALSE(read.get_future().get());
  EXPECT_EQ(here, there);
}

INSTANTIATE_TEST_SUITE_P(over, connection_test,
    testing::Values(medium::plain, medium::tls),
    [](const auto& of) { return to_string(of.param); });

} // namespace
} // namespace troupe::cluster
