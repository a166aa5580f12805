// What anybody may send to a run's port: it disturbs nobody, and whoever looks
// after either side is told in one line what was wrong.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/credentials.hpp"
#include "runtime/cluster/signing.hpp"
#include "tests/integration/coordination.hpp"
#include "tests/integration/visitor.hpp"
#include "tests/runtime/cluster/wire.hpp"

namespace troupe::tests {

namespace {

using testing::HasSubstr;

/// A run with one node that trains on, whatever comes to its port.
class visitors_test : public testing::Test {
protected:
  void open(words options = {}, words node = {}) {
    options.insert(options.end(), {"--min-nodes", "1"});
    tls_ = node;
    all_.emplace(study_, "run", endless(std::move(options)));
    member_ = all_->join("member", std::move(node));
    ASSERT_TRUE(all_->coordinator().says("node member has joined"))
        << member_->err();
    ASSERT_TRUE(all_->coordinator().says("version "));
  }
  /// Bytes that come to the port, and what comes back before it closes.
  std::string answered(const std::string& bytes) {
    boost::asio::io_context context;
    const auto where = monitoring::endpoint::parse(all_->at());
    wire::tcp::socket socket{context};
    socket.connect({boost::asio::ip::make_address(where.host), where.port});
    bare_end end{std::move(socket)};
    end.say(bytes);
    wire::network_error ignored;
    end.socket().shutdown(wire::tcp::socket::shutdown_send, ignored);
    return end.hear();
  }
  void expect_told(const std::string& text) {
    EXPECT_TRUE(all_->coordinator().says(text))
        << text << " is not in\n"
        << all_->coordinator().out() << all_->coordinator().err();
  }
  /// The run has gone on, and its node takes part.
  void expect_undisturbed() {
    const auto version = [this] {
      auto how = tls_;
      how.push_back("--json");
      const auto said = all_->ask("status", how);
      expect_code(said, 0);
      return nlohmann::json::parse(said.out);
    };
    const auto before = version();
    EXPECT_EQ(before.at("nodes")[0].at("state"), "member");
    EXPECT_EQ(before.at("nodes")[0].at("rejoins"), 0);
    const auto goes_on = [&] {
      return version().at("version") > before.at("version");
    };
    for (int i = 0; i < 100 && !goes_on(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds{100});
    EXPECT_TRUE(goes_on());
    all_->coordinator().signal(SIGINT);
    EXPECT_EQ(all_->coordinator().wait().code, 130);
    EXPECT_EQ(member_->wait().code, 130) << member_->out() << member_->err();
    for (const auto& each : all_->left().all<facts::node_left>())
      EXPECT_FALSE(each.name == "member" && each.lost) << each.why;
    EXPECT_TRUE(all_->left().all<facts::client_failed>().empty());
    expect_code(run(troupe({"audit", study_ / "run"})), 0);
  }
  /// Certificates of a cluster, and a directory of `name`'s own.
  std::string certificates() {
    const std::string root = study_ / "certs";
    expect_code(run(troupe({"certs", "init", root})), 0);
    for (const auto* each : {"member", "alpha"})
      expect_code(run(troupe({"certs", "issue", root, each})), 0);
    return root;
  }

  study study_{quick_fedavg(3)};
  std::optional<coordination> all_;
  std::unique_ptr<process> member_;
  words tls_; ///< how its node knows the run
};

// -- bytes --------------------------------------------------------------------

TEST_F(visitors_test, who_do_not_speak_as_troupe_does_are_sent_away) {
  open();

  for (const auto& bytes : {std::string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
           std::string(100'000, '\xa5'), std::string(10'000, '\0')})
    EXPECT_EQ(answered(bytes).substr(0, 6), "troupe");

  expect_told("is not let in: it does not speak as Troupe does");
  expect_undisturbed();
}

TEST_F(visitors_test, who_announce_too_much_are_sent_away) {
  open();

  answered(preamble() + length(0xffffffff));

  expect_told("it sent a frame of 4294967295 bytes, and 4096 are the most");
  expect_undisturbed();
}

TEST_F(visitors_test, who_stop_in_the_middle_are_sent_away) {
  open();
  const auto whole = framed(visitor::introduction("cut"));

  answered(preamble() + whole.substr(0, whole.size() / 2));

  expect_told("is not let in: it closed the connection");
  expect_undisturbed();
}

TEST_F(visitors_test, who_say_what_cannot_be_read_are_sent_away) {
  open();
  auto broken = framed(visitor::introduction("broken"));
  broken[4] = '\x7f'; // no kind of frame

  answered(preamble() + broken);

  expect_told("it sent a frame that cannot be read");
  expect_undisturbed();
}

TEST_F(visitors_test, who_do_not_say_who_they_are_are_sent_away) {
  open();

  answered(preamble() + framed(wire::farewell{"bye", true, 0}));

  expect_told("it did not say who it is");
  expect_undisturbed();
}

TEST_F(visitors_test, who_say_what_was_said_before_are_sent_away) {
  open();
  const auto bytes = preamble() + framed(visitor::introduction("twice", 4711));

  answered(bytes);
  answered(bytes);

  expect_told("it says what was said before, byte for byte");
  expect_undisturbed();
}

TEST_F(visitors_test, of_another_version_of_the_wire_are_sent_away) {
  open();

  answered(preamble(wire::wire_version + 7));

  expect_told(fmt::format("it speaks version {} of the wire, and this is "
                          "version {}",
      wire::wire_version + 7, wire::wire_version));
  expect_undisturbed();
}

TEST_F(visitors_test, may_come_in_their_thousands) {
  open();

  for (int i = 0; i < 2'000; ++i)
    answered("nonsense");

  expect_told("(10 so far, the next is told at 100)");
  std::this_thread::sleep_for(std::chrono::milliseconds{1'100});
  answered(
      "nonsense"); // of one a second it is told, and of how many it was not
  const auto told = [this] { return all_->left().all<facts::node_refused>(); };
  EXPECT_TRUE(all_->coordinator().until([&] {
    return told().back().why.find("others before it)") != std::string::npos;
  }));
  EXPECT_LT(told().size(), 200u);
  expect_undisturbed();
}

// -- names and configurations -------------------------------------------------

TEST_F(visitors_test, of_another_build_are_refused_by_name) {
  open();
  auto other = visitor::introduction("old");
  other.build = "0.0.1";
  visitor old{all_->at(), other};

  const auto said = old.hear<wire::refusal>();

  ASSERT_TRUE(said);
  EXPECT_THAT(said->why, HasSubstr("node \"old\" runs Troupe \"0.0.1\""));
  expect_told("node old is not let in: node \"old\" runs Troupe \"0.0.1\"");
  expect_undisturbed();
}

TEST_F(visitors_test, of_another_fingerprint_are_refused_by_name) {
  open();
  auto other = visitor::introduction("odd");
  other.fingerprint = "cpu; abacus";
  visitor odd{all_->at(), other};

  const auto said = odd.hear<wire::refusal>();

  ASSERT_TRUE(said);
  EXPECT_THAT(said->why, HasSubstr("computes as \"cpu; abacus\", this run as"));
  expect_told(
      "node odd is not let in: node \"odd\" computes as \"cpu; abacus\"");
  expect_undisturbed();
}

TEST_F(visitors_test, of_another_configuration_are_refused_by_name) {
  open();
  process other{{{TROUPE_COUNTING, "--join", all_->at(), "--name", "other"}}};

  EXPECT_EQ(other.wait().code, 1);

  EXPECT_THAT(
      other.err(), HasSubstr("this program is another than the coordinator's"));
  expect_told("node other is not let in: this program is another than the "
              "coordinator's");
  expect_undisturbed();
}

// In the clear a name is all there is: the newer one has it.
TEST_F(visitors_test, of_one_identity_follow_each_other) {
  open();
  auto first = all_->join("alpha");
  expect_told("node alpha has joined");

  auto second = all_->join("alpha");

  EXPECT_EQ(first->wait().code, 1) << first->out();
  EXPECT_THAT(first->out(),
      HasSubstr("node alpha has come back by another connection"));
  ASSERT_TRUE(second->says("takes part"));
  expect_undisturbed();
}

// -- TLS ----------------------------------------------------------------------

TEST_F(visitors_test, in_the_clear_are_sent_away_where_tls_is) {
  const auto certs = certificates();
  open({"--tls", certs}, {"--tls", certs});

  auto plain = all_->join("plain");

  EXPECT_TRUE(plain->says("waiting for "));
  expect_told("the peer speaks no TLS");
  expect_undisturbed();
}

TEST_F(visitors_test, of_another_authority_are_sent_away) {
  const auto certs = certificates();
  open({"--tls", certs}, {"--tls", certs});
  const std::string other = study_ / "other";
  expect_code(run(troupe({"certs", "init", other})), 0);
  expect_code(run(troupe({"certs", "issue", other, "alpha"})), 0);

  auto stranger = all_->join("alpha", {"--tls", other});

  EXPECT_TRUE(stranger->says("is not signed by the authority in ca.pem"))
      << stranger->out() << stranger->err();
  expect_undisturbed();
}

TEST_F(visitors_test, with_the_certificate_of_another_are_sent_away) {
  const auto certs = certificates();
  open({"--tls", certs}, {"--tls", certs});
  const auto own = study_ / "own";
  std::filesystem::create_directory(own);
  for (const auto* each : {"ca.pem", "revoked.pem"})
    std::filesystem::copy_file(std::filesystem::path{certs} / each, own / each);
  for (const auto* end : {".pem", ".key"})
    std::filesystem::copy_file(
        std::filesystem::path{certs} / (std::string{"alpha"} + end),
        own / (std::string{"beta"} + end));

  auto liar = all_->join("beta", {"--tls", own});

  // Its certificate names it, whatever its file is called.
  EXPECT_TRUE(liar->says("alpha takes part") || liar->wait().code == 1)
      << liar->out() << liar->err();
  EXPECT_THAT(all_->ask("status", {"--tls", certs}).out,
      testing::Not(HasSubstr("beta")));
}

TEST_F(visitors_test, who_are_revoked_are_sent_away) {
  const auto certs = certificates();
  open({"--tls", certs}, {"--tls", certs});
  const auto own = study_ / "own"; // that knows of no revocation
  std::filesystem::copy(certs, own);
  expect_code(run(troupe({"certs", "revoke", certs, "alpha"})), 0);

  auto revoked = all_->join("alpha", {"--tls", own});

  EXPECT_TRUE(revoked->says("waiting for ")) << revoked->err();
  expect_told("the peer's certificate, alpha, is revoked");
  expect_undisturbed();
}

// A certificate whose time has not come yet is one of a clock that goes wrong.
TEST_F(visitors_test, whose_certificates_are_out_of_time_are_sent_away) {
  const auto certs = certificates();
  open({"--tls", certs}, {"--tls", certs});
  expect_code(run(troupe({"certs", "issue", certs, "late", "--days", "1"})), 0);
  wire::credential authority{std::move(wire::certificates_in(files::system(),
                                 std::filesystem::path{certs} / "ca.pem")
                                           .front()),
      wire::key_in(files::system(), std::filesystem::path{certs} / "ca.key")};
  auto old = wire::new_certificate(
      authority, {"late", {}, wire::now() - std::chrono::days{1}});
  files::system().write_atomically(
      std::filesystem::path{certs} / "late.pem", wire::pem(*old.shown));
  files::system().write_atomically(
      std::filesystem::path{certs} / "late.key", wire::pem(*old.key));

  auto late = all_->join("late", {"--tls", certs});

  EXPECT_EQ(late->wait().code, 1);
  EXPECT_THAT(late->err(), HasSubstr("late.pem: has expired"));
  expect_undisturbed();
}

TEST_F(visitors_test, whose_certificates_expire_are_thrown_out) {
  const auto certs = certificates();
  wire::credential authority{std::move(wire::certificates_in(files::system(),
                                 std::filesystem::path{certs} / "ca.pem")
                                           .front()),
      wire::key_in(files::system(), std::filesystem::path{certs} / "ca.key")};
  open({"--tls", certs}, {"--tls", certs});
  auto brief = wire::new_certificate(
      authority, {"alpha", {}, wire::now() + std::chrono::seconds{20}});
  files::system().write_atomically(
      std::filesystem::path{certs} / "alpha.pem", wire::pem(*brief.shown));
  files::system().write_atomically(
      std::filesystem::path{certs} / "alpha.key", wire::pem(*brief.key));
  auto alpha = all_->join("alpha", {"--tls", certs});
  expect_told("node alpha has joined");

  expect_told("node alpha is lost: its certificate has expired");

  EXPECT_EQ(alpha->wait().code, 1) << alpha->out();
  EXPECT_THAT(alpha->out(), HasSubstr("its certificate has expired"));
  expect_undisturbed();
}

// -- a disk -------------------------------------------------------------------

// What was acknowledged is there, and the nodes find the run again.
TEST_F(visitors_test, lose_nothing_when_the_journals_disk_is_full) {
  const study what{quick_fedavg(200)};
  expect_code(run(what.start("undisturbed")), 0);
  auto full = what.start("full", {"--listen", "127.0.0.1:0"});
  process coordinator{with_fault(full, "fail@40+:write=ENOSPC")};
  ASSERT_TRUE(coordinator.says("nodes join at "));
  ASSERT_TRUE(coordinator.says("\n"));
  const auto& out = coordinator.out();
  const auto from = out.find("nodes join at ") + 14;
  const auto at = out.substr(from, out.find('\n', from) - from);
  process node{troupe({"join", at, "--name", "alpha", "--slots", "1"})};

  EXPECT_EQ(coordinator.wait().code, 1);
  EXPECT_THAT(coordinator.err(), HasSubstr("No space left on device"));
  EXPECT_THAT(coordinator.err(), HasSubstr("--resume"));

  expect_code(run(what.resume("full", {"--listen", at})), 0);
  EXPECT_EQ(
      what.of("full").model_sha256(), what.of("undisturbed").model_sha256());
  expect_code(run(troupe({"audit", what / "full"})), 0);
}

// -- the way there ------------------------------------------------------------

// Where nobody listens at a port of those that the system gives to who dials, a
// dial may meet itself: here it has no other port to dial from.
TEST_F(visitors_test, do_not_take_themselves_for_the_coordinator) {
  const auto alone = command{{"unshare", "--net", "sh", "-c",
      fmt::format("ip link set lo up && "
                  "echo 45454 45454 > /proc/sys/net/ipv4/ip_local_port_range "
                  "&& exec {} join 127.0.0.1:45454 --name alpha",
          TROUPE_TOOL)}};
  if (!installed("unshare") || !installed("ip") ||
      run({{"unshare", "--net", "true"}}).code != 0)
    GTEST_SKIP() << "no network of its own for a process here";

  process node{alone};

  EXPECT_TRUE(node.says("nobody listens there: the dial met itself"))
      << node.out() << node.err();
  node.signal(SIGINT);
  EXPECT_EQ(node.wait().code, 130);
}

} // namespace

} // namespace troupe::tests
