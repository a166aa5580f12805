// What is counted of connections, channels, transfers and those who are turned
// away.
#include "monitoring/wire_figures.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/cluster/counted_channel.hpp"
#include "runtime/cluster/line.hpp"
#include "runtime/cluster/neighbours.hpp"
#include "runtime/cluster/port.hpp"
#include "tests/monitoring/exposition.hpp"
#include "tests/runtime/cluster/courier_fixture.hpp"
#include "tests/runtime/cluster/wire.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using cluster::connection;
using cluster::line;
using cluster::stream;
using monitoring::wire_figures;
using shared_figures = std::shared_ptr<wire_figures>;

/// 0: there is no such series.
double value(const shared_figures& of, const std::string& series) {
  const auto text =
      monitoring::sample(monitoring::scrape(of->all()), "troupe_" + series);
  return text == "absent" ? 0.0 : std::stod(text);
}

double bytes(const shared_figures& of, const std::string& direction,
    const std::string& over) {
  return value(of, "wire_bytes_total{direction=\"" + direction + "\",wire=\"" +
                       over + "\"}");
}

std::string name_of(medium over) {
  return over == medium::plain    ? "tcp"
         : over == medium::tls    ? "tls"
         : over == medium::memory ? "memory"
                                  : "ucx";
}

class over_each : public testing::TestWithParam<medium> {};

INSTANTIATE_TEST_SUITE_P(wires, over_each, testing::ValuesIn(every_medium()),
    [](const auto& of) { return to_string(of.param); });

TEST_P(over_each, channels_count_their_bytes) {
  io_thread one_thread, other_thread;
  const auto sent = std::make_shared<wire_figures>();
  const auto taken = std::make_shared<wire_figures>();
  auto [a, b] = connected_channels(
      one_thread.context(), other_thread.context(), GetParam());
  std::unique_ptr<cluster::channel> one =
      std::make_unique<cluster::counted_channel>(std::move(a), sent);
  std::unique_ptr<cluster::channel> other =
      std::make_unique<cluster::counted_channel>(std::move(b), taken);
  EXPECT_EQ(monitoring::to_string(one->over()), name_of(GetParam()));
  const std::vector<std::byte> from(100'000);
  std::vector<std::byte> to(from.size());
  std::promise<void> all;

  on(one_thread.context(), [&] { one->send(from, [](std::error_code) {}); });
  on(other_thread.context(),
      [&] { other->receive(to, [&](std::error_code) { all.set_value(); }); });
  result(all.get_future());
  on(one_thread.context(), [&] { one.reset(); });
  on(other_thread.context(), [&] { other.reset(); });

  EXPECT_EQ(bytes(sent, "out", name_of(GetParam())), 100'000.0);
  EXPECT_EQ(bytes(taken, "in", name_of(GetParam())), 100'000.0);
  EXPECT_EQ(bytes(sent, "in", name_of(GetParam())), 0.0);
}

TEST_P(over_each, connections_count_bytes_and_beats) {
  if (GetParam() != medium::plain && GetParam() != medium::tls)
    GTEST_SKIP() << "a connection goes over a socket";
  const auto figures = std::make_shared<wire_figures>();
  cluster::connection_options how;
  how.silence = 300ms;
  how.figures = figures;
  both_ends both{GetParam(), how};
  const auto over = name_of(GetParam());

  both.start();
  both.one->send(cluster::welcome{"alpha", 1, "", {}, ""});
  both.other->send(cluster::hello{cluster::errand::node, "alpha", 7, "", 3.0});
  both.one.heard[0];
  both.other.heard[0];

  EXPECT_TRUE(eventually([&] {
    return value(figures, "heartbeats_total{direction=\"in\"}") >= 4.0;
  }));
  EXPECT_GE(value(figures, "heartbeats_total{direction=\"out\"}"), 4.0);
  EXPECT_GT(bytes(figures, "in", over), 50.0);
  EXPECT_GE(bytes(figures, "out", over), bytes(figures, "in", over));
  EXPECT_LT(both.one->pulse()->silence(), 10.0);
}

/// Two processes with a line between them, and what each of them counts.
class lines_test : public testing::Test {
protected:
  struct end {
    io_thread io;
    shared_figures figures = std::make_shared<wire_figures>(3.0);
    std::shared_ptr<line> at;
    std::promise<cluster::fetched> brought;
    std::promise<cluster::parted> over;

    void take(cluster::tcp::socket socket,
        boost::asio::ssl::stream_base::handshake_type as,
        cluster::clock::duration silence = 3s) {
      cluster::connection_options how;
      how.silence = silence;
      how.figures = figures;
      auto made = std::make_shared<connection>(stream{std::move(socket)}, how);
      at = std::make_shared<line>(made, plenty);
      on(io.context(), [&] {
        made->start(as, {});
        at->open();
      });
      at->listen({.said = [](cluster::frame&&) {},
          .brought =
              [this](cluster::fetched&& what) {
                brought.set_value(std::move(what));
              },
          .over =
              [this](cluster::parted&& what) {
                over.set_value(std::move(what));
              }});
    }
  };

  lines_test() {
    auto [a, b] = connected_sockets(one.io.context(), other.io.context());
    one.take(std::move(a), boost::asio::ssl::stream_base::server);
    other.take(std::move(b), boost::asio::ssl::stream_base::client);
    one.at->send(cluster::welcome{});
    other.at->send(cluster::hello{});
  }
  ~lines_test() override {
    for (auto* each : {&one, &other})
      if (each->at)
        on(each->io.context(), [&] { each->at->abort("the test is over"); });
  }

  void open_channels() {
    using side = cluster::memory_channel::side;
    auto [a, b] = connected_streams(one.io.context(), other.io.context());
    on(one.io.context(), [&] { one.at->attach(std::move(a), side::makes); });
    on(other.io.context(),
        [&] { other.at->attach(std::move(b), side::opens); });
  }

  end one, other;
};

TEST_F(lines_test, count_a_transfer_and_how_long_it_took) {
  const auto block = noise(50'000);
  open_channels();

  other.at->fetch(handle(one.at->lend(block)));

  const auto here = result(other.brought.get_future());
  EXPECT_EQ(here.failed, "");
  const auto& f = other.figures;
  EXPECT_EQ(value(f, "transfers_started_total"), 1.0);
  EXPECT_EQ(value(f, "transfers_total{outcome=\"completed\"}"), 1.0);
  EXPECT_EQ(value(f, "transfer_bytes_total{wire=\"memory\"}"), 200'000.0);
  EXPECT_EQ(value(f, "transfer_seconds_count{wire=\"memory\"}"), 1.0);
  EXPECT_GT(value(f, "transfer_seconds_sum{wire=\"memory\"}"), 0.0);
  EXPECT_EQ(value(f, "channels_opened_total{wire=\"memory\"}"), 1.0);
  EXPECT_GT(bytes(f, "in", "memory"), 200'000.0);
  EXPECT_TRUE(eventually(
      [&] { return bytes(one.figures, "out", "memory") > 200'000.0; }));
  EXPECT_EQ(value(one.figures, "transfers_started_total"), 0.0);
}

TEST_F(lines_test, count_a_transfer_that_fails) {
  open_channels();
  auto lent = handle(one.at->lend(noise(10)));
  one.at->take_back(lent.id);

  other.at->fetch(lent);

  EXPECT_NE(result(other.brought.get_future()).failed, "");
  EXPECT_EQ(value(other.figures, "transfers_total{outcome=\"failed\"}"), 1.0);
  EXPECT_EQ(
      value(other.figures, "transfers_total{outcome=\"completed\"}"), 0.0);
}

TEST_F(lines_test, count_a_transfer_that_ends_with_its_session) {
  other.at->fetch(handle(one.at->lend(noise(10))));

  on(other.io.context(), [&] { other.at->abort("enough"); });
  result(other.over.get_future());
  auto figures = other.figures;
  other.at.reset();

  EXPECT_TRUE(eventually([&] {
    return value(figures, "transfers_total{outcome=\"cancelled\"}") == 1.0;
  }));
  EXPECT_EQ(value(figures, "transfers_total{outcome=\"failed\"}"), 0.0);
}

// The other end of its channel takes what is said, and then is gone.
TEST_F(lines_test, count_transfers_whose_channel_breaks) {
  using side = cluster::memory_channel::side;
  auto [a, b] = connected_streams(one.io.context(), other.io.context());
  std::promise<std::unique_ptr<cluster::channel>> opened;
  std::promise<std::string> broken;
  on(one.io.context(), [&] {
    cluster::open_channel(std::move(a), side::makes,
        [&](std::unique_ptr<cluster::channel> best, std::error_code) {
          opened.set_value(std::move(best));
        });
  });
  on(other.io.context(), [&] {
    other.at->attach(std::move(b), side::opens,
        [&](const std::string& why) { broken.set_value(why); });
  });
  auto mute = result(opened.get_future());
  other.at->fetch(handle(one.at->lend(noise(10))));
  EXPECT_TRUE(
      eventually([&] { return bytes(other.figures, "out", "memory") > 0.0; }));

  on(one.io.context(), [&] { mute.reset(); });

  EXPECT_NE(result(broken.get_future()), "");
  EXPECT_EQ(value(other.figures, "transfers_retried_total"), 1.0);
  open_channels();
  EXPECT_EQ(result(other.brought.get_future()).failed, "");
  EXPECT_EQ(
      value(other.figures, "transfers_total{outcome=\"completed\"}"), 1.0);
  EXPECT_EQ(
      value(other.figures, "channels_opened_total{wire=\"memory\"}"), 2.0);
}

TEST_F(lines_test, show_a_peer_as_long_as_its_session_lasts) {
  const std::string series = "silence_seconds{peer=\"alpha\"}";
  const auto shown = [&](const shared_figures& of) {
    return monitoring::sample(
               monitoring::scrape(of->all()), "troupe_" + series) != "absent";
  };
  EXPECT_FALSE(shown(one.figures));

  one.at->call("alpha");
  EXPECT_TRUE(eventually([&] { return shown(one.figures); }));
  EXPECT_LT(value(one.figures, series), 10.0);

  on(other.io.context(), [&] { other.at->abort("enough"); });
  result(one.over.get_future());
  EXPECT_FALSE(shown(one.figures));
  one.at->call("alpha");
  on(one.io.context(), [] {});
  EXPECT_FALSE(shown(one.figures)) << "its session is over";
}

TEST(silent_line_test, tells_how_long_a_lost_peer_was_silent) {
  io_thread io;
  boost::asio::io_context context;
  auto [a, b] = connected_sockets(io.context(), context);
  bare_end mute{std::move(b)};
  cluster::connection_options how;
  how.silence = 300ms;
  auto made = std::make_shared<connection>(stream{std::move(a)}, how);
  auto at = std::make_shared<line>(made);
  std::promise<cluster::parted> over;
  on(io.context(), [&] {
    made->start(boost::asio::ssl::stream_base::server, {});
    at->open();
  });
  at->listen({.said = [](cluster::frame&&) {},
      .brought = [](cluster::fetched&&) {},
      .over = [&](cluster::parted&& what) { over.set_value(what); }});

  mute.say(preamble() + framed(cluster::hello{}));

  const auto how_it_ended = result(over.get_future());
  EXPECT_FALSE(how_it_ended.in_order);
  EXPECT_GE(how_it_ended.silence, 0.3);
  EXPECT_LT(how_it_ended.silence, 30.0);
}

/// A port, and those who dial it and are no nodes.
class port_test : public testing::Test {
protected:
  void open(const cluster::shared_tls& tls = {}) {
    cluster::port_options how;
    how.where = {"127.0.0.1", 0};
    if (tls)
      how.tls = [tls] { return tls; };
    how.connections.figures = figures;
    how.most_greeting = most_greeting;
    port.emplace(std::move(how));
    port->open(
        {[](const auto&, const auto&) {}, [](const auto&, const auto&) {}, {}});
  }

  bare_end dial() {
    cluster::tcp::socket socket{context};
    socket.connect({boost::asio::ip::make_address("127.0.0.1"),
        monitoring::endpoint::parse(port->text()).port});
    return bare_end{std::move(socket)};
  }

  bool counts(const std::string& reason) {
    return eventually([&] {
      return value(figures,
                 "connections_refused_total{reason=\"" + reason + "\"}") == 1.0;
    });
  }

  boost::asio::io_context context;
  shared_figures figures = std::make_shared<wire_figures>();
  std::size_t most_greeting = 256;
  std::optional<cluster::port> port;
};

TEST_F(port_test, counts_who_does_not_speak_as_troupe_does) {
  open();
  auto visitor = dial();

  visitor.say("GET / HTTP/1.1\r\n\r\n");

  EXPECT_TRUE(counts("preamble"));
}

TEST_F(port_test, counts_who_does_not_say_who_it_is) {
  open();
  auto visitor = dial();

  visitor.say(preamble() + framed(cluster::drain{}));

  EXPECT_TRUE(counts("hello"));
}

TEST_F(port_test, counts_who_says_what_cannot_be_read) {
  open();
  auto visitor = dial();

  visitor.say(preamble() + length(4) + "none");

  EXPECT_TRUE(counts("hello"));
}

TEST_F(port_test, counts_couriers_of_no_session) {
  open();
  auto visitor = dial();

  visitor.say(preamble() + framed(cluster::hello{
                               cluster::errand::courier, "", 99, "", 3.0}));

  EXPECT_TRUE(counts("session"));
}

TEST_F(port_test, counts_who_comes_in_the_clear_to_tls) {
  open(self_signed());
  auto visitor = dial();

  visitor.say(preamble() + framed(cluster::hello{}));

  EXPECT_TRUE(counts("handshake"));
}

TEST_F(port_test, counts_who_comes_where_too_many_are_greeted) {
  most_greeting = 1;
  open();
  auto first = dial();
  first.say(preamble());
  // It is accepted before the second.
  auto second = dial();

  EXPECT_TRUE(counts("crowded"));
}

TEST_F(port_test, counts_nobody_who_asks_as_he_should) {
  open();
  auto visitor = dial();
  visitor.say(preamble() +
              framed(cluster::hello{cluster::errand::status, "", 0, "", 3.0}));
  visitor.hear(preamble().size());

  for (const auto* reason :
      {"handshake", "preamble", "hello", "name", "session", "crowded"})
    EXPECT_EQ(value(figures, "connections_refused_total{reason=\"" +
                                 std::string{reason} + "\"}"),
        0.0)
        << reason;
}

} // namespace
} // namespace troupe::tests
