#include "monitoring/wire_figures.hpp"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/monitoring/exposition.hpp"

namespace troupe::monitoring {

namespace {

using testing::HasSubstr;
using testing::Not;

class wire_figures_test : public testing::Test {
protected:
  std::string value(const std::string& series) const {
    return sample(scrape(figures_.all()), "troupe_" + series);
  }

  wire_figures figures_{3.0};
};

TEST_F(wire_figures_test, count_bytes_by_wire_and_direction) {
  figures_.moved(wire::memory, direction::out, 400);
  figures_.moved(wire::memory, direction::out, 100);
  figures_.moved(wire::tls, direction::in, 7);
  figures_.moved(wire::ucx, direction::in, 8);

  EXPECT_EQ(
      value("wire_bytes_total{direction=\"out\",wire=\"memory\"}"), "500");
  EXPECT_EQ(value("wire_bytes_total{direction=\"in\",wire=\"memory\"}"), "0");
  EXPECT_EQ(value("wire_bytes_total{direction=\"in\",wire=\"tls\"}"), "7");
  EXPECT_EQ(value("wire_bytes_total{direction=\"in\",wire=\"ucx\"}"), "8");
  EXPECT_EQ(value("wire_bytes_total{direction=\"in\",wire=\"tcp\"}"), "0");
}

TEST_F(wire_figures_test, count_beats_of_both_sides) {
  figures_.beat(direction::in);
  figures_.beat(direction::in);
  figures_.beat(direction::out);

  EXPECT_EQ(value("heartbeats_total{direction=\"in\"}"), "2");
  EXPECT_EQ(value("heartbeats_total{direction=\"out\"}"), "1");
}

TEST_F(wire_figures_test, count_transfers_by_what_becomes_of_them) {
  using outcome = wire_figures::outcome;
  for (int i = 0; i < 4; ++i)
    figures_.transfer_started();
  figures_.transfer_completed(wire::tcp, 1000, 0.25);
  figures_.transfer_ended(outcome::failed);
  figures_.transfer_ended(outcome::cancelled);
  figures_.transfers_retried(2);
  figures_.channel_opened(wire::tcp);

  EXPECT_EQ(value("transfers_started_total"), "4");
  EXPECT_EQ(value("transfers_total{outcome=\"completed\"}"), "1");
  EXPECT_EQ(value("transfers_total{outcome=\"failed\"}"), "1");
  EXPECT_EQ(value("transfers_total{outcome=\"cancelled\"}"), "1");
  EXPECT_EQ(value("transfers_retried_total"), "2");
  EXPECT_EQ(value("transfer_bytes_total{wire=\"tcp\"}"), "1000");
  EXPECT_EQ(value("transfer_bytes_total{wire=\"memory\"}"), "0");
  EXPECT_EQ(value("transfer_seconds_sum{wire=\"tcp\"}"), "0.25");
  EXPECT_EQ(value("transfer_seconds_count{wire=\"tcp\"}"), "1");
  EXPECT_EQ(value("channels_opened_total{wire=\"tcp\"}"), "1");
}

TEST_F(wire_figures_test, count_connections_that_came_to_nothing) {
  figures_.refused(wire_figures::refusal::handshake);
  figures_.refused(wire_figures::refusal::crowded);
  figures_.refused(wire_figures::refusal::crowded);

  EXPECT_EQ(value("connections_refused_total{reason=\"handshake\"}"), "1");
  EXPECT_EQ(value("connections_refused_total{reason=\"crowded\"}"), "2");
  EXPECT_EQ(value("connections_refused_total{reason=\"session\"}"), "0");
}

TEST_F(wire_figures_test, show_since_when_those_who_are_there_were_not_heard) {
  const auto now = pulse::clock::now();
  auto heard = std::make_shared<pulse>(now - std::chrono::hours{1});
  EXPECT_EQ(value("silence_seconds{peer=\"alpha\"}"), "absent");

  auto shown = figures_.watch("alpha", heard);
  EXPECT_GE(std::stod(value("silence_seconds{peer=\"alpha\"}")), 3600.0);

  heard->felt(pulse::clock::now());
  EXPECT_LT(std::stod(value("silence_seconds{peer=\"alpha\"}")), 60.0);
  EXPECT_EQ(value("silence_limit_seconds"), "3");

  shown.reset();
  EXPECT_EQ(value("silence_seconds{peer=\"alpha\"}"), "absent");
}

// A label for each that ever came would grow for ever.
TEST_F(wire_figures_test, show_nobody_whose_session_is_over) {
  for (int i = 0; i < 1000; ++i)
    auto shown =
        figures_.watch("node-" + std::to_string(i), std::make_shared<pulse>());

  EXPECT_THAT(scrape(figures_.all()), Not(HasSubstr("node-")));
}

TEST_F(wire_figures_test, show_the_newer_of_two_sessions_of_one_name) {
  const auto now = pulse::clock::now();
  auto older = figures_.watch(
      "alpha", std::make_shared<pulse>(now - std::chrono::hours{1}));
  auto newer = figures_.watch("alpha", std::make_shared<pulse>(now));

  EXPECT_LT(std::stod(value("silence_seconds{peer=\"alpha\"}")), 60.0);
  older.reset();
  EXPECT_LT(std::stod(value("silence_seconds{peer=\"alpha\"}")), 60.0);
}

TEST_F(wire_figures_test, add_up_over_threads_that_are_scraped_meanwhile) {
  constexpr int each = 2000;
  std::vector<std::thread> all;
  for (int t = 0; t < 3; ++t)
    all.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        figures_.moved(wire::tcp, direction::in, 2);
        auto shown = figures_.watch("alpha", std::make_shared<pulse>());
      }
    });
  for (int i = 0; i < 50; ++i)
    scrape(figures_.all());
  for (auto& one : all)
    one.join();

  EXPECT_EQ(value("wire_bytes_total{direction=\"in\",wire=\"tcp\"}"),
      std::to_string(3 * each * 2));
}

TEST_F(wire_figures_test, outlive_themselves_for_the_exposer) {
  auto gone = std::make_unique<wire_figures>();
  gone->beat(direction::in);
  auto shown = gone->watch("alpha", std::make_shared<pulse>());

  const auto all = gone->all();
  gone.reset();
  shown.reset();

  EXPECT_EQ(
      sample(scrape(all), "troupe_heartbeats_total{direction=\"in\"}"), "1");
  EXPECT_EQ(sample(scrape(all), "troupe_silence_limit_seconds"), "absent");
}

} // namespace

} // namespace troupe::monitoring
