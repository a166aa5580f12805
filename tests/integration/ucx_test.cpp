// Whole processes whose tensors travel over UCX: the same bits, and a node that
// is killed is noticed as soon.
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/cluster/ucx_channel.hpp"
#include "tests/integration/coordination.hpp"
#include "tests/monitoring/for_people.hpp"
#include "tests/monitoring/http_get.hpp"

namespace troupe::tests {

namespace {

/// Its tensors are too large to go along with messages.
std::string with_transfers(std::uint64_t rounds) {
  return monitoring::replaced(quick_fedavg(rounds), "kind = \"softmax\"",
      "kind = \"mlp\"\nlayers = [60, 100, 10]");
}

/// What UCX may use, for the processes that a test starts.
class ucx_test : public testing::TestWithParam<const char*> {
protected:
  void SetUp() override {
    if (!cluster::ucx_channel::available(GetParam()))
      GTEST_SKIP() << "no UCX here";
    ::setenv("TROUPE_WIRE", "ucx", 1);
    ::setenv("UCX_TLS", GetParam(), 1);
  }
  void TearDown() override {
    ::unsetenv("TROUPE_WIRE");
    ::unsetenv("UCX_TLS");
  }

  /// HOST:PORT where it serves its figures.
  static std::string serves_at(process& what) {
    const std::string said = "metrics at http://";
    EXPECT_TRUE(what.says(said)) << what.err();
    EXPECT_TRUE(what.says("/metrics\n"));
    const auto from = what.out().find(said) + said.size();
    return what.out().substr(from, what.out().find("/metrics", from) - from);
  }

  /// Bytes that went so; NaN: there is no such series.
  static double bytes(
      const std::string& at, const char* direction, const char* wire) {
    const auto series =
        fmt::format("troupe_wire_bytes_total{{direction=\"{}\",wire=\"{}\"}}",
            direction, wire);
    std::istringstream lines{
        monitoring::http_get(monitoring::endpoint::parse(at), "/metrics")};
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(series))
        return std::stod(line.substr(line.rfind(' ')));
    return std::nan("");
  }

  static std::string undisturbed(const study& what) {
    expect_code(run(what.start("undisturbed")), 0);
    return what.of("undisturbed").model_sha256();
  }
};

INSTANTIATE_TEST_SUITE_P(
    over, ucx_test, testing::Values("tcp", "posix,self"), [](const auto& of) {
      return std::string{of.param}.substr(0, std::string{of.param}.find(','));
    });

TEST_P(ucx_test, makes_the_bits_of_one_process) {
  const study what{with_transfers(30)};
  const auto expected = undisturbed(what);
  coordination all{what, "over-ucx", {"--min-nodes", "1"}};
  auto alpha = all.join("alpha", {"--metrics", "127.0.0.1:0"});
  const auto at = serves_at(*alpha);
  ASSERT_TRUE(all.coordinator().says("version ")) << all.coordinator().err();

  EXPECT_GT(bytes(at, "in", "ucx"), 0.0);
  EXPECT_EQ(bytes(at, "in", "memory"), 0.0);

  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(alpha->wait().code, 0) << alpha->out() << alpha->err();
  EXPECT_EQ(all.left().model_sha256(), expected);
  expect_code(run(troupe({"audit", what / "over-ucx"})), 0);
}

TEST_P(ucx_test, loses_nothing_when_a_node_is_killed) {
  const study what{with_transfers(40)};
  const auto expected = undisturbed(what);
  coordination all{what, "killed", {"--min-nodes", "1", "--silence", "60"}};
  auto alpha = all.join("alpha");
  ASSERT_TRUE(all.coordinator().says("version ")) << all.coordinator().err();

  alpha->signal(SIGKILL);

  ASSERT_TRUE(all.coordinator().says("node alpha is lost", patience{10'000}));
  auto again = all.join("alpha");
  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(again->wait().code, 0) << again->err();
  EXPECT_EQ(all.left().model_sha256(), expected);
}

} // namespace

} // namespace troupe::tests
