#include <atomic>

#include <gmock/gmock.h>

#include "tests/runtime/cluster/wire.hpp"

// What a connection bears: silence, slowness, and too much.

namespace troupe::cluster {
namespace {

using namespace tests;

const hello greeting{errand::node, "alpha", 7, "b", 3.0};

double seconds_since(clock::time_point then) {
  return std::chrono::duration<double>(clock::now() - then).count();
}

// Of the system, for what is on its way.
void has_little_room(half_bare& both) {
  on(both.io.context(), [&] {
    auto& socket = both.us->over().socket();
    socket.set_option(asio::socket_base::receive_buffer_size(65'536));
    socket.set_option(asio::socket_base::send_buffer_size(65'536));
  });
  both.them.socket().set_option(asio::socket_base::receive_buffer_size(65'536));
  both.them.socket().set_option(asio::socket_base::send_buffer_size(65'536));
}

TEST(connection_patience_test, ends_where_the_peer_is_silent) {
  half_bare both{{.silence = 200ms}};
  both.them.say(preamble() + framed(greeting));
  both.us.heard[0];
  const auto began = clock::now();

  EXPECT_EQ(both.us.heard.why(), "it was silent for 0.2 s");
  EXPECT_FALSE(both.us.heard.in_order());
  EXPECT_GT(seconds_since(began), 0.15);
  EXPECT_LT(seconds_since(began), 2.0);
}

TEST(connection_patience_test, takes_any_byte_for_a_sign_of_life) {
  const auto large = framed(refusal{std::string(60'000, 'x')});
  half_bare both{{.silence = 400ms}};
  both.them.say(preamble() + framed(greeting));
  both.us.heard[0];

  const auto began = clock::now();
  std::size_t at = 0;
  for (; seconds_since(began) < 1.2; ++at) {
    both.them.say(large.substr(at, 1));
    std::this_thread::sleep_for(10ms);
  }

  EXPECT_EQ(both.us.heard.endings(), 0);
  both.them.say(large.substr(at));
  EXPECT_EQ(both.us.heard.get<refusal>(1).why.size(), 60'000u);
  EXPECT_EQ(both.us.heard.why(), "it was silent for 0.4 s");
}

TEST(connection_patience_test, keeps_an_idle_pair_alive) {
  for (auto over : {medium::plain, medium::tls}) {
    both_ends both{over, {.silence = 300ms}};
    both.start();
    both.one->send(welcome{});
    both.other->send(greeting);
    both.one.heard[0];
    both.other.heard[0];

    std::this_thread::sleep_for(1500ms);

    EXPECT_EQ(both.one.heard.endings(), 0);
    EXPECT_EQ(both.other.heard.endings(), 0);
    EXPECT_EQ(both.one.heard.count(), 1u); // beats are nobody's business
  }
}

TEST(connection_patience_test, says_that_it_lives_and_no_more_than_that) {
  half_bare both{{.silence = 600ms}};
  both.them.say(preamble() + framed(greeting));
  both.us.heard[0];

  const auto heard = both.them.hear();

  EXPECT_EQ(both.us.heard.why(), "it was silent for 0.6 s");
  const auto beats = (heard.size() - preamble().size()) / framed(beat{}).size();
  EXPECT_EQ(
      heard.substr(0, 8 + framed(beat{}).size()), preamble() + framed(beat{}));
  EXPECT_GE(beats, 3u);
  EXPECT_LE(beats, 9u);
}

TEST(connection_patience_test, waits_so_long_for_a_greeting) {
  const connection_options how{.silence = 3600s, .greeting = 200ms};
  const auto began = clock::now();

  for (const auto& said :
      {std::string{}, preamble(), preamble() + framed(greeting).substr(0, 9),
          preamble() + framed(beat{})}) {
    half_bare both{how};
    both.them.say(said);
    EXPECT_EQ(both.us.heard.why(), "it said nothing within 0.2 s");
    EXPECT_EQ(both.us.heard.count(), 0u);
  }
  half_bare under_tls{how, self_signed()};
  EXPECT_EQ(under_tls.us.heard.why(), "it said nothing within 0.2 s");
  EXPECT_LT(seconds_since(began), 10.0);
}

TEST(connection_patience_test, ends_where_the_peer_does_not_read) {
  const auto before = resident_bytes();
  half_bare both;
  both.them.say(preamble() + framed(greeting));
  both.us.heard[0];
  const refusal large{std::string(60'000, 'x')};

  std::size_t sent = 0;
  while (both.us->send(large) && sent < 100'000)
    ++sent;

  EXPECT_LT(sent * 60'000, 64u << 20);
  EXPECT_GT(sent * 60'000, 4u << 20);
  EXPECT_EQ(both.us.heard.why(), "it does not take what it is sent");
  EXPECT_FALSE(both.us->send(large));
  EXPECT_LT(resident_bytes(), before + (128u << 20));
}

TEST(connection_patience_test, reads_no_more_than_its_actor_takes) {
  constexpr std::size_t most = 10, many = 3'000;
  half_bare both{{.silence = 500ms, .unheard = most}};
  has_little_room(both);
  const auto one = framed(refusal{std::string(1'000, 'x')});
  std::atomic<std::size_t> spoken = 0;
  std::thread speaks{[&] {
    both.them.say(preamble() + framed(greeting));
    for (; spoken < many; ++spoken)
      both.them.say(one);
  }};
  both.us.heard[most];

  // A peer that is not read is not silent.
  std::this_thread::sleep_for(1s);
  EXPECT_LT(spoken, many);
  EXPECT_LT(both.us.heard.count(), most + 70); // and what one read may bring
  EXPECT_EQ(both.us.heard.endings(), 0);

  for (std::size_t i = 0; i < many; ++i) {
    both.us.heard[i];
    both.us->took();
  }
  both.us.heard[many];
  EXPECT_EQ(both.us.heard.endings(), 0);
  speaks.join();
}

// Bytes that were never read would take back those that were said last.
TEST(connection_patience_test, says_all_though_it_has_not_heard_all) {
  half_bare both{{.unheard = 0}};
  has_little_room(both);
  const refusal large{std::string(60'000, 'x')};
  std::string all = preamble();
  both.them.say(preamble() + framed(greeting));
  both.them.say(framed(release{1}) + framed(release{2}));
  both.us.heard[0];
  for (int i = 0; i < 4; ++i, all += framed(large))
    ASSERT_TRUE(both.us->send(large));

  both.us->close("it is done");

  EXPECT_EQ(both.them.hear(), all);
  EXPECT_EQ(both.them.error(), asio::error::eof);
  EXPECT_EQ(both.us.heard.endings(), 0); // it waits
  both.them.close();
  EXPECT_EQ(both.us.heard.why(), "it is done");
}

TEST(connection_patience_test, waits_a_second_to_say_what_is_left) {
  half_bare both;
  both.them.say(preamble() + framed(greeting));
  both.us.heard[0];
  const refusal large{std::string(60'000, 'x')};
  for (int i = 0; i < 60; ++i)
    both.us->send(large);
  const auto began = clock::now();

  both.us->close("it is done");

  EXPECT_EQ(both.us.heard.why(), "it is done");
  EXPECT_GT(seconds_since(began), 0.9);
  EXPECT_LT(seconds_since(began), 4.0);
}

} // namespace
} // namespace troupe::cluster
