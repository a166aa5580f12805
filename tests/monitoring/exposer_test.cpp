#include "monitoring/exposer.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitoring/metrics.hpp"
#include "monitoring/process_figures.hpp"
#include "tests/monitoring/exposition.hpp"
#include "tests/monitoring/http_get.hpp"
#include "tests/monitoring/story.hpp"

namespace troupe::monitoring {

namespace {

using testing::AllOf;
using testing::HasSubstr;

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
  exposer open{{"localhost", 0}, {}};

  EXPECT_GT(open.where().port, 0);
  EXPECT_EQ(open.where().host, "localhost");
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
  using clock = std::chrono::steady_clock;
  auto open = std::make_unique<exposer>(
      endpoint{"127.0.0.1", 0}, exposer::collectables{process_figures()});
  http_get(open->where().port, "/metrics");

  const auto start = clock::now();
  open.reset();

  EXPECT_LT(clock::now() - start, std::chrono::seconds{1});
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
