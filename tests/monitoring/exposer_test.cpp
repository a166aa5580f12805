#include "monitoring/exposer.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "monitoring/listening_socket.hpp"
#include "monitoring/metrics.hpp"
#include "monitoring/process_figures.hpp"
#include "monitoring/targets.hpp"
#include "tests/monitoring/exposition.hpp"
#include "tests/monitoring/http_get.hpp"
#include "tests/monitoring/story.hpp"
#include "tests/monitoring/subprocess.hpp"

namespace troupe::monitoring {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

bool has_ipv6() {
  try {
    listening_socket probe{{"::1", 0}};
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

std::string inflated(const std::string& gzip) {
  std::string result(1 << 20, '\0');
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  result.resize(stream.total_out);
  inflateEnd(&stream);
  return result;
}

std::string refusal(const endpoint& where) {
  try {
    exposer open{where, {}};
    return "listens at " + open.where().text();
  } catch (const std::runtime_error& failure) {
    return failure.what();
  }
}

TEST(exposer_test, takes_a_free_port_and_says_which) {
  exposer open{{"127.0.0.1", 0}, {}};

  EXPECT_GT(open.where().port, 0);
  EXPECT_EQ(open.url(),
      fmt::format("http://127.0.0.1:{}/metrics", open.where().port));
}

TEST(exposer_test, serves_what_the_facts_said) {
  metrics figures;
  exposer open{{"127.0.0.1", 0}, {figures.collectable(), process_figures()}};
  figures.add(story{}.then(fashion_start()).then(accepted(1, 1)).told());

  const auto text = http_get(open.where().port, "/metrics");

  EXPECT_EQ(sample(text, "troupe_updates_total{outcome=\"accepted\"}"), "1");
  EXPECT_NE(sample(text, "process_resident_memory_bytes"), "absent");
}

TEST(exposer_test, serves_the_figures_of_the_moment) {
  metrics figures;
  story told;
  exposer open{{"127.0.0.1", 0}, {figures.collectable()}};

  for (std::uint64_t version = 1; version <= 3; ++version) {
    figures.add(told.then(facts::published{.version = version}).told());
    const auto text = http_get(open.where().port, "/metrics");

    EXPECT_EQ(sample(text, "troupe_model_version"), std::to_string(version));
  }
}

TEST(exposer_test, resolves_a_name) {
  exposer open{{"localhost", 0}, {process_figures()}};

  EXPECT_EQ(open.where().host, "localhost");
  EXPECT_NE(http_get(open.where().port, "/metrics"), "");
}

TEST(exposer_test, serves_over_ipv6) {
  if (!has_ipv6())
    GTEST_SKIP() << "this machine has no ::1";
  exposer open{{"::1", 0}, {process_figures()}};

  EXPECT_EQ(
      open.url(), fmt::format("http://[::1]:{}/metrics", open.where().port));
  EXPECT_NE(
      sample(http_get(open.where(), "/metrics"), "process_threads"), "absent");
}

TEST(exposer_test, serves_every_address_of_the_machine) {
  if (!has_ipv6())
    GTEST_SKIP() << "this machine has no ::1";
  exposer open{{"::", 0}, {process_figures()}};
  const auto port = open.where().port;

  for (const auto* host : {"::1", "127.0.0.1"})
    EXPECT_NE(http_get(endpoint{host, port}, "/metrics"), "") << host;
}

TEST(exposer_test, answers_curl_over_both_protocols) {
  if (!installed("curl"))
    GTEST_SKIP() << "curl is not installed";
  for (const auto* host : {"127.0.0.1", "::1"}) {
    if (host[0] == ':' && !has_ipv6())
      continue;
    exposer open{{host, 0}, {process_figures()}};

    const auto plain = run("curl -sSg --max-time 10 " + open.url());
    const auto small =
        run("curl -sSg --max-time 10 --compressed " + open.url());

    EXPECT_NE(sample(plain.output, "process_threads"), "absent")
        << plain.output;
    EXPECT_NE(sample(small.output, "process_threads"), "absent")
        << small.output;
  }
}

TEST(exposer_test, compresses_for_whoever_takes_it) {
  metrics figures;
  exposer open{{"127.0.0.1", 0}, {figures.collectable()}};
  const auto asked = [&](const std::string& encodings) {
    return http_answer(open.where(),
        "GET /metrics HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + encodings +
            "\r\n\r\n");
  };

  const auto small = asked("deflate, gzip;q=0.5");

  EXPECT_THAT(small, HasSubstr("Content-Encoding: gzip\r\n"));
  const auto body = small.substr(small.find("\r\n\r\n") + 4);
  EXPECT_EQ(inflated(body), exposition(*figures.collectable()));
  for (const auto* none : {"deflate", "gzip;q=0", "gzip;q=0.000", "", ";;"})
    EXPECT_THAT(asked(none), HasSubstr("# HELP troupe_run_active")) << none;
}

TEST(exposer_test, tells_prometheus_where_else_figures_are_served) {
  auto all = std::make_shared<targets>();
  exposer open{{"127.0.0.1", 0}, {process_figures()}, all};
  facts::node_joined joined;
  joined.name = "alpha";
  joined.address = "127.0.0.1:40000";
  all->hear(joined);
  all->hear(facts::node_serves{"alpha", "0.0.0.0:9465"});

  const auto answer = http_answer(
      open.where(), "GET /sd HTTP/1.1\r\nHost: coordinator:9464\r\n\r\n");

  EXPECT_THAT(answer,
      AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
          HasSubstr("Content-Type: application/json\r\n"),
          EndsWith(fmt::format("[{{\"targets\":[\"127.0.0.1:{}\"],\"labels\":"
                               "{{\"role\":\"coordinator\"}}}},{{\"targets\":"
                               "[\"coordinator:9465\"],\"labels\":"
                               "{{\"role\":\"node\",\"node\":\"alpha\"}}}}]\n",
              open.where().port))));
  EXPECT_NE(http_get(open.where(), "/metrics"), "");
}

TEST(exposer_test, knows_of_nobody_else_where_it_was_not_told) {
  exposer open{{"127.0.0.1", 0}, {process_figures()}};

  const auto answer =
      http_answer(open.where(), "GET /sd HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_THAT(answer, StartsWith("HTTP/1.1 404"));
}

TEST(exposer_test, answers_a_head_without_a_body) {
  exposer open{{"127.0.0.1", 0}, {process_figures()}};

  const auto answer =
      http_answer(open.where(), "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                          HasSubstr("Content-Type: text/plain; version=0.0.4"),
                          HasSubstr("Content-Length: "), EndsWith("\r\n\r\n")));
}

TEST(exposer_test, refuses_what_it_does_not_have) {
  exposer open{{"127.0.0.1", 0}, {}};
  const auto status = [&](const std::string& request) {
    return http_answer(open.where(), request).substr(9, 3);
  };

  EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), "404");
  EXPECT_EQ(status("GET /metrics/a HTTP/1.0\r\n\r\n"), "404");
  EXPECT_EQ(status("GET /metrics?name=a HTTP/1.1\r\n\r\n"), "200");
  EXPECT_EQ(status("POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"),
      "405");
  EXPECT_EQ(status("DELETE /metrics HTTP/1.1\r\n\r\n"), "405");
  EXPECT_EQ(status("what?\r\n\r\n"), "400");
  EXPECT_EQ(status("GET /metrics HTTP/1.1\r\nLong: " +
                   std::string(100'000, 'x') + "\r\n\r\n"),
      "400");
}

TEST(exposer_test, lets_nobody_wait_for_those_who_stall) {
  exposer open{{"127.0.0.1", 0}, {process_figures()}};
  std::vector<http_connection> stalled;
  for (int i = 0; i < 10; ++i) {
    stalled.emplace_back(open.where()).write("GET /metr");
    stalled.emplace_back(open.where());
  }

  const auto start = clock::now();
  const auto text = http_get(open.where(), "/metrics");

  EXPECT_LT(clock::now() - start, 100ms);
  EXPECT_NE(text, "");
}

TEST(exposer_test, shows_out_who_stalls) {
  exposer open{{"127.0.0.1", 0}, {}};
  http_connection silent{open.where()};
  http_connection hesitant{open.where()};
  hesitant.write("GET /metr");

  EXPECT_EQ(silent.read_all(), "");
  EXPECT_EQ(hesitant.read_all(), "");
}

TEST(exposer_test, shows_out_the_oldest_of_too_many) {
  exposer open{{"127.0.0.1", 0}, {process_figures()}};
  const auto start = clock::now();
  std::vector<http_connection> stalled;
  for (int i = 0; i < 200; ++i)
    stalled.emplace_back(open.where());

  EXPECT_NE(http_get(open.where(), "/metrics"), "");
  EXPECT_EQ(stalled.front().read_all(), "");
  EXPECT_LT(clock::now() - start, 4s);
}

TEST(exposer_test, names_a_taken_port_and_the_way_out) {
  exposer first{{"127.0.0.1", 0}, {}};
  const auto port = first.where().port;

  EXPECT_THAT(refusal({"127.0.0.1", port}),
      AllOf(HasSubstr(fmt::format("127.0.0.1:{}", port)),
          HasSubstr(fmt::format("port {} is taken", port)),
          HasSubstr("127.0.0.1:0 takes a free port")));
}

TEST(exposer_test, frees_its_port_when_it_closes) {
  auto first = std::make_unique<exposer>(
      endpoint{"127.0.0.1", 0}, exposer::collectables{});
  const auto where = first->where();

  first.reset();

  EXPECT_EQ(refusal(where), "listens at " + where.text());
}

TEST(exposer_test, closes_without_delay) {
  auto open = std::make_unique<exposer>(
      endpoint{"127.0.0.1", 0}, exposer::collectables{process_figures()});
  http_get(open->where().port, "/metrics");
  http_connection stalled{open->where()};

  const auto start = clock::now();
  open.reset();

  EXPECT_LT(clock::now() - start, 200ms);
}

TEST(exposer_test, names_an_unknown_host) {
  EXPECT_THAT(refusal({"no-such-host.invalid", 9464}),
      AllOf(HasSubstr("host \"no-such-host.invalid\" is unknown"),
          HasSubstr("127.0.0.1")));
}

TEST(exposer_test, names_an_address_of_another_machine) {
  EXPECT_THAT(refusal({"192.0.2.1", 0}),
      AllOf(HasSubstr("192.0.2.1 is not this machine"), HasSubstr("0.0.0.0")));
}

} // namespace

} // namespace troupe::monitoring
