// Who takes part in a run over several processes: whose bits are the run's, how
// many there have to be, and who is sent away.
#include <csignal>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/kernel_sets.hpp"
#include "tests/integration/coordination.hpp"
#include "tests/integration/visitor.hpp"

namespace troupe::tests {

namespace {

using testing::HasSubstr;

std::string undisturbed(const study& what, words options = {}) {
  expect_code(run(what.start("undisturbed", std::move(options))), 0);
  return what.of("undisturbed").model_sha256();
}

/// A node whose environment has its CPU compute otherwise.
std::unique_ptr<process> join_under(const std::string& variable,
    const std::string& value, const std::string& at, const std::string& name) {
  auto what = troupe({"join", at, "--name", name, "--slots", "1"});
  what.environment[variable] = value;
  return std::make_unique<process>(what);
}

// -- fingerprints -------------------------------------------------------------

TEST(membership_test, has_nodes_compute_by_the_kernels_of_the_run) {
  if (!gpu::can_compute_by("baseline") || gpu::computes_by("baseline"))
    GTEST_SKIP() << "this machine has one way to compute alone";
  const study what{quick_fedavg(30)};
  const words baseline{"--set", "compute.instructions=baseline"};
  const auto expected = undisturbed(what, baseline);
  auto options = baseline;
  options.insert(options.end(), {"--min-nodes", "1"});
  coordination all{what, "lowered", options};

  auto alpha = all.join("alpha");

  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(alpha->wait().code, 0) << alpha->out() << alpha->err();
  EXPECT_THAT(alpha->out(), HasSubstr("computes by baseline, and so does this "
                                      "node from here on"));
  EXPECT_EQ(all.left().model_sha256(), expected);
  EXPECT_EQ(all.left().summary().at("promises_bits"), true);
  EXPECT_EQ(
      all.left().summary().at("fingerprint"), gpu::fingerprint_by("baseline"));
  expect_code(run(troupe({"audit", what / "lowered", "--retrain"})), 0);
}

TEST(membership_test, refuses_by_name_who_computes_other_bits) {
  const study what{quick_fedavg(3)};
  coordination all{what, "refused", endless()};

  // A person's own choice of kernels is not changed.
  auto beta = join_under("OPENBLAS_CORETYPE", "Nehalem", all.at(), "beta");

  EXPECT_EQ(beta->wait().code, 1) << beta->out();
  for (const auto* said : {"node \"beta\" computes as \"cpu; OpenBLAS",
           "Nehalem", "compute.instructions", "--any-fingerprint"})
    EXPECT_THAT(beta->err(), HasSubstr(said));
  EXPECT_TRUE(all.coordinator().says("node beta is not let in"));
}

TEST(membership_test, promises_no_bits_with_any_fingerprint) {
  const study what{quick_fedavg(300)};
  coordination all{what, "mixed", {"--min-nodes", "1", "--any-fingerprint"}};

  auto beta = join_under("OPENBLAS_CORETYPE", "Nehalem", all.at(), "beta");

  ASSERT_TRUE(all.coordinator().says("no bits are promised from here on"));
  const auto said = all.ask("status");
  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(beta->wait().code, 0) << beta->err();
  if (said.code == 0) { // the run may have been faster
    EXPECT_THAT(said.out, HasSubstr("no bits are promised"));
    EXPECT_THAT(said.out, HasSubstr("computes as cpu; OpenBLAS"));
  }
  EXPECT_EQ(all.left().summary().at("promises_bits"), false);
  ASSERT_EQ(all.left().all<facts::fingerprint_mixed>().size(), 1u);
  EXPECT_EQ(all.left().all<facts::fingerprint_mixed>()[0].node, "beta");
  const auto audit = run(troupe({"audit", what / "mixed"}));
  expect_code(audit, 0);
  EXPECT_THAT(audit.out, HasSubstr("no bits are promised"));
}

TEST(membership_test, finds_kernels_that_are_not_here_before_a_run) {
  const study what{quick_fedavg(3)};
  auto narrow = what.start("narrow", {"--set", "compute.instructions=avx512"});
  narrow.environment["TROUPE_INSTRUCTIONS"] = "baseline";

  const auto said = run(narrow);

  expect_code(said, 2);
  EXPECT_THAT(
      said.err, HasSubstr("compute.instructions = \"avx512\" is not "
                          "here: this machine can compute by baseline"));
}

// -- quorum -------------------------------------------------------------------

TEST(membership_test, waits_below_its_quorum_and_goes_on) {
  const study what{quick_fedavg(150)};
  const auto expected = undisturbed(what);
  coordination all{what, "quorum", {"--quorum", "2"}};
  auto alpha = all.join("alpha");
  auto beta = all.join("beta");
  ASSERT_TRUE(all.coordinator().says("version "));

  beta->signal(SIGKILL);

  ASSERT_TRUE(all.coordinator().says(
      "waiting for nodes: 1 of 2 are there; missing: beta"));
  EXPECT_THAT(all.ask("status").out,
      HasSubstr("waits for nodes: 1 of 2 are there; missing: beta"));
  auto again = all.join("beta");
  EXPECT_TRUE(all.coordinator().says("going on: enough nodes are there"));
  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(all.left().model_sha256(), expected);
}

TEST(membership_test, ends_as_it_is_told_to_when_its_patience_is_over) {
  struct {
    const char* how;
    int code;
    const char* said;
  } cases[] = {{"fail", 1, "error: 0 of 1 nodes were there for 0.5 s"},
      {"interrupt", 130, "interrupted at version"}, {"go-on", 0, ""}};
  for (const auto& each : cases) {
    const study what{quick_fedavg(60)};
    coordination all{what, "run",
        {"--quorum", "1", "--patience", "0.5", "--after-patience", each.how}};
    auto alpha = all.join("alpha");
    ASSERT_TRUE(all.coordinator().says("version ")) << each.how;

    alpha->signal(SIGKILL);

    EXPECT_EQ(all.coordinator().wait().code, each.code) << each.how;
    EXPECT_THAT(all.coordinator().err(), HasSubstr(each.said));
    if (each.code != 0)
      expect_code(run(what.resume("run")), 0);
  }
}

TEST(membership_test, knows_what_may_come_after_patience) {
  const study what{quick_fedavg(3)};

  const auto said = run(what.start(
      "run", {"--listen", "127.0.0.1:0", "--after-patience", "despair"}));

  expect_code(said, 2);
  EXPECT_THAT(said.err,
      HasSubstr("--after-patience despair is not one of fail, interrupt, "
                "go-on"));
}

// -- a coordinator that trains nothing ----------------------------------------

TEST(membership_test, trains_at_nodes_alone_where_it_has_no_slots) {
  const study what{quick_fedavg(30)};
  const auto expected = undisturbed(what);
  coordination all{what, "idle", {"--set", "compute.slots=0"}};
  ASSERT_TRUE(all.coordinator().says("waiting for compute slots"));

  auto alpha = all.join("alpha");
  auto beta = all.join("beta");

  EXPECT_EQ(all.coordinator().wait().code, 0) << all.coordinator().err();
  EXPECT_EQ(alpha->wait().code, 0);
  EXPECT_EQ(beta->wait().code, 0);
  EXPECT_EQ(all.left().model_sha256(), expected);
  const auto started = all.left().all<facts::run_started>();
  ASSERT_EQ(started.size(), 1u);
  EXPECT_EQ(started[0]->slots, 0u);
  EXPECT_FALSE(all.left().all<facts::evaluated>().empty());
}

TEST(membership_test, needs_nodes_where_it_has_no_slots) {
  const study what{quick_fedavg(3)};

  const auto said = run(what.start("alone", {"--set", "compute.slots=0"}));

  expect_code(said, 2);
  EXPECT_THAT(said.err, HasSubstr("compute.slots = 0 trains nothing here"));
  EXPECT_THAT(said.err, HasSubstr("--listen"));
}

// -- who is sent away ---------------------------------------------------------

TEST(membership_test, sends_a_node_away_that_is_never_ready) {
  const study what{quick_fedavg(3)};
  coordination all{what, "unready", endless({"--preparation", "0.5"})};
  visitor idle{all.at(), visitor::introduction("idle")};
  ASSERT_TRUE(idle.hear<wire::welcome>());

  const auto end = idle.hear<wire::farewell>();

  ASSERT_TRUE(end);
  EXPECT_EQ(end->why, "node idle was not ready within 500 ms");
  EXPECT_FALSE(end->over);
  EXPECT_TRUE(all.coordinator().says(
      "node idle is not let in: not ready within 500 ms"));
}

TEST(membership_test, throws_a_node_out_whose_certificate_is_revoked) {
  const study what{quick_fedavg(3)};
  const std::string certs = what / "certs";
  expect_code(run(troupe({"certs", "init", certs})), 0);
  expect_code(run(troupe({"certs", "issue", certs, "alpha"})), 0);
  coordination all{what, "revoked", endless({"--tls", certs})};
  auto alpha = all.join("alpha", {"--tls", certs});
  ASSERT_TRUE(all.coordinator().says("node alpha has joined"));

  expect_code(run(troupe({"certs", "revoke", certs, "alpha"})), 0);

  EXPECT_TRUE(all.coordinator().says(
      "node alpha is lost: its certificate is revoked", patience{20'000}));
  EXPECT_EQ(alpha->wait().code, 1) << alpha->out();
  EXPECT_THAT(alpha->out(), HasSubstr("its certificate is revoked"));
}

// -- what an update may be ----------------------------------------------------

/// The fixture's node has one slot and is seated.
class live_door_test : public testing::Test {
protected:
  static constexpr std::size_t parameters = 610; // 60 features, 10 classes

  void open(words options = {}) {
    all_.emplace(study_, "run", endless(std::move(options)));
    evil_.emplace(all_->at(), visitor::introduction("evil"));
    auto told = evil_->hear<wire::welcome>();
    ASSERT_TRUE(told);
    wire::ready able;
    able.slots = {0};
    able.fingerprint = told->fingerprint;
    able.from = told->from;
    evil_->say(able);
    auto seat = evil_->hear<wire::seated>();
    ASSERT_TRUE(seat);
    seat_ = *seat;
  }
  update answer(std::vector<float> values) {
    update what;
    what.client = seat_.what.client;
    what.result.lease = seat_.what.lease;
    what.result.base = seat_.what.base;
    what.result.outcome = {10, 1, 0.5, 0.25, false};
    what.result.delta = evil_->lend(std::move(values));
    return what;
  }
  void interrupt() {
    all_->coordinator().signal(SIGINT);
    EXPECT_EQ(all_->coordinator().wait().code, 130);
  }

  study study_{quick_fedavg(3)};
  std::optional<coordination> all_;
  std::optional<visitor> evil_;
  wire::seated seat_;
};

TEST_F(live_door_test, takes_no_update_that_is_not_finite) {
  open();

  std::vector<float> values(parameters, 0.0f);
  values[600] = std::numeric_limits<float>::quiet_NaN();
  evil_->say(answer(values));

  EXPECT_TRUE(all_->coordinator().says(fmt::format(
      "client {} failed: its update is not finite", seat_.what.client)));
  interrupt();
}

TEST_F(live_door_test, takes_no_update_of_another_shape) {
  open();

  evil_->say(answer(std::vector<float>(parameters - 1, 0.0f)));

  const auto said = evil_->hear<wire::refusal>();
  ASSERT_TRUE(said);
  EXPECT_THAT(said->why, HasSubstr("an update of 609 values, not 610"));
  EXPECT_TRUE(all_->coordinator().says("an update of 609 values, not 610"));
  interrupt();
}

TEST_F(live_door_test, drops_an_update_beyond_the_norm_bound) {
  open({"--set", "federation.max_norm=5"});

  evil_->say(answer(std::vector<float>(parameters, 1.0f)));

  const auto lease = seat_.what.lease;
  EXPECT_TRUE(evil_->hear<wire::arrived>());
  interrupt();
  std::size_t dropped = 0;
  for (const auto& each : all_->left().all<facts::dropped>())
    if (each.lease == lease) {
      ++dropped;
      EXPECT_EQ(each.why, federated::drop_reason::too_large);
    }
  EXPECT_EQ(dropped, 1u);
  expect_code(run(troupe({"audit", study_ / "run"})), 0);
}

} // namespace

} // namespace troupe::tests
