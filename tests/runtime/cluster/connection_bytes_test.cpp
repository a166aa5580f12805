#include <cstddef>
#include <random>

#include <gmock/gmock.h>

#include "tests/runtime/cluster/wire.hpp"

#include <boost/asio/read.hpp>

// A connection and the bytes that come and go at its other end.

namespace troupe::cluster {
namespace {

using namespace tests;
using testing::HasSubstr;

const hello greeting{errand::node, "alpha", 7, "b", 3.0};

// As the kernel counts them: <linux/tcp.h> and Asio's headers exclude each
// other.
std::uint32_t segments_from(connection& at) {
  struct {
    tcp_info head;
    std::uint64_t rates[4];
    std::uint32_t others[5];
    std::uint32_t data_segments_out;
  } info{};
  static_assert(offsetof(decltype(info), data_segments_out) == 156);
  socklen_t size = sizeof info;
  ::getsockopt(
      at.over().socket().native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size);
  return info.data_segments_out;
}

TEST(connection_bytes_test, are_a_preamble_and_then_frames) {
  half_bare both;

  both.us->send(greeting);
  both.us->send(release{7});

  const auto all = preamble() + framed(greeting) + framed(release{7});
  EXPECT_EQ(both.them.hear(all.size()), all);
  EXPECT_EQ(all.substr(0, 8), (std::string{"troupe\0\5", 8}));
}

TEST(connection_bytes_test, are_read_however_they_are_cut) {
  std::string all = preamble() + framed(greeting);
  for (std::uint64_t i = 0; i < 2'000; ++i)
    all += framed(release{i}) +
           framed(refusal{std::string(i % 50 == 0 ? 9'000 : i % 20, 'x')}) +
           framed(beat{i});
  half_bare both;
  std::minstd_rand dice{1};

  both.them.say(all.substr(0, 3));
  for (std::size_t at = 3; at < all.size();) {
    const auto size = dice() % 3 == 0 ? dice() % 4 : dice() % 20'000;
    both.them.say(all.substr(at, size));
    at += size;
  }

  EXPECT_EQ(both.us.heard.get<hello>(0).session, 7u);
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    EXPECT_EQ(both.us.heard.get<release>(2 * i + 1).what, i);
    EXPECT_EQ(both.us.heard.get<refusal>(2 * i + 2).why.size(),
        i % 50 == 0 ? 9'000u : i % 20);
    both.us->took();
    both.us->took();
  }
}

TEST(connection_bytes_test, gather_and_go_out_in_few_writes) {
  half_bare both;
  both.us->send(greeting);
  both.them.hear(preamble().size() + framed(greeting).size());
  const auto before = segments_from(*both.us.at());

  on(both.io.context(), [&] {
    for (std::uint64_t i = 0; i < 10'000; ++i)
      both.us->send(release{i});
  });

  EXPECT_EQ(both.them.hear(10'000 * framed(release{}).size()).size(),
      10'000 * framed(release{}).size());
  EXPECT_LT(segments_from(*both.us.at()) - before, 100u);
}

TEST(connection_bytes_test, that_are_no_preamble_end_it) {
  for (std::string said : {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02", "x",
           "troupE\0\1", "trouble"}) {
    half_bare both;
    both.them.say(said);
    EXPECT_EQ(both.us.heard.why(), "it does not speak as Troupe does") << said;
    EXPECT_FALSE(both.us.heard.in_order());
  }
}

TEST(connection_bytes_test, of_another_version_end_it) {
  half_bare both;

  both.them.say(preamble(258) + framed(greeting));

  EXPECT_EQ(both.us.heard.why(),
      "it speaks version 258 of the wire, and this is version " +
          std::to_string(cluster::wire_version));
  EXPECT_EQ(both.us.heard.count(), 0u);
}

TEST(connection_bytes_test, in_the_clear_end_one_that_is_under_tls) {
  half_bare both{{}, self_signed()};

  both.them.say(preamble() + framed(greeting));

  EXPECT_THAT(both.us.heard.why(), HasSubstr("the peer speaks no TLS"));
}

// Nothing of the frame is ever sent: its length alone ends it.
TEST(connection_bytes_test, that_announce_too_much_end_it) {
  struct {
    std::uint32_t size;
    bool first;
    const char* why;
  } cases[] = {
      {0, true, "it sent a frame of 0 bytes, and 4096 are the most"},
      {4'097, true, "it sent a frame of 4097 bytes, and 4096 are the most"},
      {65'536, true, "it sent a frame of 65536 bytes, and 4096 are the most"},
      {0xffffffff, true,
          "it sent a frame of 4294967295 bytes, and 4096 are the most"},
      {0, false, "it sent a frame of 0 bytes, and 65536 are the most"},
      {65'537, false, "it sent a frame of 65537 bytes, and 65536 are the most"},
      {0xffffffff, false,
          "it sent a frame of 4294967295 bytes, and 65536 are the most"},
  };
  const auto before = resident_bytes();
  for (const auto& each : cases) {
    half_bare both;
    both.them.say(preamble());
    if (!each.first) {
      both.them.say(framed(greeting));
      both.us.heard[0];
    }

    both.them.say(length(each.size));

    EXPECT_EQ(both.us.heard.why(), each.why);
    EXPECT_EQ(both.us.heard.count(), each.first ? 0u : 1u);
  }
  EXPECT_LT(resident_bytes(), before + (64u << 20));
}

TEST(connection_bytes_test, that_stop_within_a_frame_are_no_frame) {
  const auto whole = framed(greeting);
  for (std::size_t size : {1u, 4u, 5u, unsigned(whole.size()) - 1}) {
    half_bare both;
    both.them.say(preamble() + whole.substr(0, size));
    both.them.hear(preamble().size()); // or else it would be reset
    both.them.close();
    EXPECT_EQ(both.us.heard.why(), "it closed the connection");
    EXPECT_EQ(both.us.heard.count(), 0u);
  }
}

TEST(connection_bytes_test, that_are_no_kind_of_frame_end_it) {
  const auto whole = framed(greeting).substr(4);
  const std::vector<std::string> wrong{
      "\x16",                            // there are 22 kinds
      "\xff",                            //
      "\x80",                            //
      std::string(100, '\0'),            // an errand and empty texts, and more
      whole + '\0',                      // one byte too much
      whole.substr(0, whole.size() - 1), // one too few
      std::string{"\0\5", 2} + whole.substr(2), // there are 5 errands
      std::string{"\2\xff\xff\xff\xff\7", 6},   // a text of 2 GB
      std::string{"\x10\0\0", 3} + std::string(33, '\0') +
          "\xff\xff\xff\xff\7", // as many nodes
  };
  for (const auto& body : wrong) {
    half_bare both;
    both.them.say(
        preamble() + length(static_cast<std::uint32_t>(body.size())) + body);
    EXPECT_EQ(both.us.heard.why(), "it sent a frame that cannot be read");
    EXPECT_EQ(both.us.heard.count(), 0u);
  }
}

TEST(connection_bytes_test, that_are_not_of_a_frame_go_with_its_stream) {
  half_bare both;
  std::promise<stream> given;
  std::string rest(9, ' ');
  on(both.io.context(), [&] {
    both.us->hear({.said =
                       [&](frame&&) {
                         both.us->hand_over([&](stream over) {
                           given.set_value(std::move(over));
                         });
                       },
        .ended = {}});
  });

  both.them.say(preamble() + framed(greeting) + "too ear");
  auto over = given.get_future().get();
  both.them.say("ly");

  std::promise<network_error> read;
  on(both.io.context(), [&] {
    asio::async_read(over, asio::buffer(rest),
        [&](network_error e, std::size_t) { read.set_value(e); });
  });
  EXPECT_FALSE(read.get_future().get());
  EXPECT_EQ(rest, "too early");
}

// Whoever has it reads, and hears that it is broken.
TEST(connection_bytes_test, that_cannot_go_out_do_not_keep_its_stream) {
  half_bare both;
  std::promise<void> asked, given;
  auto is_given = given.get_future();
  on(both.io.context(), [&] {
    both.us->over().socket().set_option(
        asio::socket_base::send_buffer_size(16'384));
    both.us->hear({.said =
                       [&](frame&&) {
                         for (int i = 0; i < 60; ++i)
                           both.us->send(refusal{std::string(60'000, 'x')});
                         both.us->hand_over([&](stream) { given.set_value(); });
                         asked.set_value();
                       },
        .ended = {}});
  });
  both.them.say(preamble() + framed(greeting));
  asked.get_future().get();
  EXPECT_EQ(is_given.wait_for(200ms), std::future_status::timeout);

  both.them.socket().set_option(asio::socket_base::linger(true, 0));
  both.them.close();

  EXPECT_EQ(is_given.wait_for(hearer::patience), std::future_status::ready);
}

TEST(connection_bytes_test, are_none_of_its_when_its_stream_is_given_away) {
  half_bare both;
  std::promise<stream> given;
  on(both.io.context(), [&] {
    both.us->hear({.said =
                       [&](frame&&) {
                         both.us->hand_over([&](stream over) {
                           given.set_value(std::move(over));
                         });
                       },
        .ended = {}});
  });
  both.them.say(preamble() + framed(greeting));
  auto over = given.get_future().get();

  EXPECT_FALSE(both.us->send(release{1}));
  both.us->took();
  both.us->close("it is not there");
  on(both.io.context(), [&] { both.us->abort("nor there"); });

  EXPECT_EQ(both.us.heard.endings(), 0);
  EXPECT_TRUE(on(both.io.context(), [&] { return over.socket().is_open(); }));
}

} // namespace
} // namespace troupe::cluster
