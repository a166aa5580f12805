// Who is let in, who is thrown out, and what the aggregator and people hear.

#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include <caf/scoped_actor.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "actors/cluster/registrar.hpp"
#include "protocols/cluster/peer.hpp"
#include "tests/support/rehearsal.hpp"

namespace troupe::tests {
namespace {

using namespace cluster;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// Remembers what it was answered.
struct somebody : asker {
  void answer(const frame& what) override { heard.push_back(what); }
  std::vector<frame> heard;
};

/// A registrar between extras: the aggregator, and a door a session.
struct registrar_test : testing::Test {
  rehearsal stage;
  extra run{stage};
  std::map<std::uint64_t, extra> doors; ///< by session
  registrar_options options;
  registrar at;
  std::string fingerprint = "same"; ///< of who knocks
  std::shared_ptr<bool> ended = std::make_shared<bool>();

  registrar_test() {
    options.rule.fingerprint = options.rule.devices = "same";
    options.from = {"samples", "labels", "test", "test labels", ""};
    options.tell = run.as<roll_reader>();
    options.rules = run.as<rule_keeper>();
  }
  ~registrar_test() override {
    caf::anon_send_exit(at, caf::exit_reason::user_shutdown);
  }

  void open() {
    at = stage.system().spawn<registrar_impl>(options);
    caf::actor_cast<caf::abstract_actor*>(at)->attach_functor(
        [flag = ended](const caf::error&) { *flag = true; });
    stage.run();
  }
  template <class Message>
  admission asked(Message what) {
    admission result;
    caf::scoped_actor self{stage.system()};
    auto answer = self->request(at, caf::infinite, std::move(what));
    stage.run();
    answer.receive([&](const admission& how) { result = how; },
        [](const caf::error& why) { ADD_FAILURE() << caf::to_string(why); });
    return result;
  }
  admission knock(
      std::uint64_t session, const std::string& name, std::string key = {}) {
    candidate who{{}, session, std::move(key), "10.0.0.1:5"};
    who.what.name = name;
    who.what.fingerprint = fingerprint;
    auto& door = doors.try_emplace(session, stage).first->second;
    return asked(cluster::knock{who, door.as<doorway>()});
  }
  admission knock_as_resident(
      std::uint64_t session, const std::string& name, std::string key = {}) {
    candidate who{{}, session, std::move(key), "10.0.0.1:5"};
    who.what.name = name;
    who.what.resident = true;
    who.what.fingerprint = fingerprint;
    auto& door = doors.try_emplace(session, stage).first->second;
    return asked(cluster::knock{who, door.as<doorway>()});
  }
  admission prepare(std::uint64_t session, ready what) {
    return asked(prepared{session, std::move(what)});
  }
  ready able(std::size_t slots = 2) const {
    return {std::vector<std::uint8_t>(slots), "same", options.from, {}};
  }
  /// Knocks and is ready.
  void join(std::uint64_t session, const std::string& name) {
    EXPECT_TRUE(knock(session, name).granted);
    EXPECT_TRUE(prepare(session, able()).granted);
  }
  void part(std::uint64_t session, const std::string& why, bool in_order,
      double silence = 0.0) {
    stage.tell(at, gone{session, why, in_order, silence});
  }
  frame ask(errand what, const std::string& name = {}) {
    auto who = std::make_shared<somebody>();
    hello said;
    said.what_for = what;
    said.name = name;
    stage.tell(at, inquiry{said, who});
    EXPECT_THAT(who->heard, SizeIs(1));
    return who->heard.empty() ? frame{} : who->heard.front();
  }
  report status() { return std::get<report>(ask(errand::status)); }
  template <class Fact>
  void tell(Fact what) {
    auto facts = std::make_shared<std::vector<fact>>();
    facts->push_back({1, {}, std::move(what)});
    stage.tell(at, fact_batch{std::move(facts)});
  }
  std::vector<facts::node_joined> joined() const {
    return run.heard<facts::node_joined>();
  }
  std::vector<facts::node_left> left() const {
    return run.heard<facts::node_left>();
  }
  std::vector<facts::node_refused> refused() const {
    return run.heard<facts::node_refused>();
  }
  /// Each state that a node came into, and of how many nodes there were then:
  /// joining, members, draining, left, lost.
  std::vector<std::string> states() const {
    std::vector<std::string> result;
    for (const auto& x : run.heard<facts::node_changed>())
      result.push_back(fmt::format("{} {}: {} {} {} {} {}", x.name, x.state,
          x.joining, x.members, x.draining, x.left, x.lost));
    return result;
  }
};

TEST_F(registrar_test, lets_a_node_in_and_tells_of_it_once_it_is_ready) {
  open();

  const auto in = knock(1, "alpha");
  EXPECT_TRUE(in.granted);
  EXPECT_EQ(in.name, "alpha");
  EXPECT_GT(in.epoch, 0u);
  EXPECT_THAT(joined(), IsEmpty());
  EXPECT_TRUE(prepare(1, able(3)).granted);

  ASSERT_THAT(joined(), SizeIs(1));
  EXPECT_EQ(joined()[0].name, "alpha");
  EXPECT_EQ(joined()[0].slots, 3u);
  EXPECT_EQ(joined()[0].address, "10.0.0.1:5");
  EXPECT_GT(joined()[0].epoch, in.epoch);
}

TEST_F(registrar_test, names_nodes_that_have_no_name) {
  open();

  const auto one = knock(1, "");
  const auto two = knock(2, "");

  EXPECT_TRUE(one.granted && two.granted);
  EXPECT_FALSE(one.name.empty());
  EXPECT_NE(one.name, two.name);
}

TEST_F(registrar_test, refuses_another_fingerprint_by_both) {
  open();
  knock(1, "alpha");
  auto what = able();
  what.fingerprint = "other";

  const auto how = prepare(1, what);

  EXPECT_FALSE(how.granted);
  EXPECT_THAT(how.why, HasSubstr("other"));
  EXPECT_THAT(how.why, HasSubstr("same"));
  EXPECT_THAT(how.why, HasSubstr("--any-fingerprint"));
  EXPECT_THAT(joined(), IsEmpty());
  EXPECT_TRUE(status().promises_bits);
}

TEST_F(registrar_test, refuses_another_fingerprint_before_it_is_welcome) {
  open();
  fingerprint = "other";

  const auto how = knock(1, "alpha");

  EXPECT_FALSE(how.granted);
  EXPECT_TRUE(how.lower_to.empty());
  EXPECT_THAT(how.why, HasSubstr("\"other\", this run as \"same\""));
  EXPECT_THAT(status().nodes, IsEmpty());
  ASSERT_THAT(refused(), SizeIs(1));
  EXPECT_EQ(refused()[0].reason, "other_fingerprint");
}

TEST_F(registrar_test, sends_a_node_away_to_come_back_as_the_run_computes) {
  open();
  candidate who{{}, 1, {}, "10.0.0.1:5"};
  who.what.name = "alpha";
  who.what.fingerprint = "wide";
  who.what.lowerable = {"narrow", "same"};
  auto& door = doors.try_emplace(1, stage).first->second;

  const auto how = asked(cluster::knock{who, door.as<doorway>()});

  EXPECT_FALSE(how.granted);
  EXPECT_EQ(how.lower_to, "same");
  EXPECT_THAT(refused(), IsEmpty()) << "it comes back";
}

TEST_F(registrar_test, tells_who_mixes_fingerprints_before_it_takes_part) {
  options.rule.any_fingerprint = true;
  open();
  fingerprint = "other";
  knock(1, "alpha");
  auto what = able();
  what.fingerprint = "other devices";

  EXPECT_TRUE(prepare(1, what).granted);

  const auto mixed = run.heard<facts::fingerprint_mixed>();
  ASSERT_THAT(mixed, SizeIs(1));
  EXPECT_EQ(mixed[0].node, "alpha");
  EXPECT_EQ(mixed[0].fingerprint, "other devices");
  EXPECT_THAT(joined(), SizeIs(1));
  EXPECT_EQ(status().nodes.at(0).fingerprint, "other devices");
}

TEST_F(registrar_test, knows_that_the_run_promised_no_bits_before) {
  open();
  facts::run_header header;
  header.promises_bits = false;

  tell(facts::run_started{header});

  EXPECT_FALSE(status().promises_bits);
}

TEST_F(registrar_test, sends_a_node_away_that_is_not_ready_in_time) {
  options.rule.silence = {};
  options.rule.preparation = 10s;
  open();
  join(1, "alpha");
  stage.pass(4s);
  knock(2, "beta");

  stage.pass(9s);
  EXPECT_THAT(doors.at(2).heard<dismissal>(), IsEmpty());
  stage.pass(1s);

  const auto told = doors.at(2).heard<dismissal>();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_FALSE(told[0].what.over) << "it may be ready when it dials again";
  EXPECT_EQ(told[0].what.why, "node beta was not ready within 10 s");
  EXPECT_THAT(doors.at(1).heard<dismissal>(), IsEmpty());
  ASSERT_THAT(refused(), SizeIs(1));
  EXPECT_EQ(refused()[0].name, "beta");
  EXPECT_EQ(refused()[0].reason, "not_ready");
  EXPECT_EQ(refused()[0].why, "not ready within 10 s");
  part(2, "node beta was not ready within 10 s", true);
  EXPECT_THAT(refused(), SizeIs(1)) << "it is told once";
  EXPECT_TRUE(knock(3, "beta").granted);
}

TEST_F(registrar_test, tells_who_has_left_before_it_was_ready) {
  open();
  knock(1, "alpha");

  part(1, "this program is another than the coordinator's", true);

  ASSERT_THAT(refused(), SizeIs(1));
  EXPECT_EQ(refused()[0].why, "this program is another than the coordinator's");
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(registrar_test, tells_of_strangers_and_not_of_all) {
  open();

  for (int i = 0; i < 1000; ++i)
    stage.tell(at, turned_away{"10.0.0.9:77", "it speaks no TLS"});

  EXPECT_THAT(refused(), SizeIs(membership::allowance::most));
  EXPECT_EQ(refused()[0].name, "10.0.0.9:77");
  EXPECT_EQ(refused()[0].reason, "stranger");
  stage.pass(1s);
  stage.tell(at, turned_away{"10.0.0.9:77", "it speaks no TLS"});
  EXPECT_EQ(refused().back().why,
      fmt::format("it speaks no TLS (and {} others before it)",
          1000 - membership::allowance::most));
}

TEST_F(registrar_test, promises_no_bits_with_another_fingerprint) {
  options.rule.any_fingerprint = true;
  open();
  join(1, "alpha");
  EXPECT_TRUE(status().promises_bits);
  knock(2, "beta");
  auto what = able();
  what.fingerprint = "other";

  EXPECT_TRUE(prepare(2, what).granted);
  EXPECT_FALSE(status().promises_bits);
  part(2, "it left", true);

  EXPECT_FALSE(status().promises_bits) << "it has taken part";
}

TEST_F(registrar_test, refuses_other_data_and_says_which) {
  open();
  knock(1, "alpha");
  auto what = able();
  what.from.labels = "others";
  what.from.test_features = "others";

  const auto how = prepare(1, what);

  EXPECT_FALSE(how.granted);
  EXPECT_THAT(how.why, HasSubstr("their labels, the test samples differ"));
  EXPECT_THAT(how.why, testing::Not(HasSubstr("the clients' samples")));
  EXPECT_THAT(joined(), IsEmpty());
}

TEST_F(registrar_test, refuses_no_data_where_the_run_does_not_know_its_own) {
  options.from = {};
  open();
  knock(1, "alpha");
  auto what = able();
  what.from.features = "anything";

  EXPECT_TRUE(prepare(1, what).granted);
}

TEST_F(registrar_test, throws_the_older_session_of_a_node_out) {
  open();
  join(1, "alpha");

  EXPECT_TRUE(knock(2, "alpha").granted);

  const auto told = doors.at(1).heard<dismissal>();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_TRUE(told[0].what.over);
  EXPECT_THAT(told[0].what.why, HasSubstr("alpha"));
  EXPECT_THAT(doors.at(2).heard<dismissal>(), IsEmpty());
  part(1, "thrown out", true);
  ASSERT_THAT(status().nodes, SizeIs(1));
  EXPECT_EQ(status().nodes[0].state, "joining");
  EXPECT_EQ(status().nodes[0].rejoins, 1u);
}

// Whoever counts those who are there counts it once.
TEST_F(registrar_test, tells_that_who_was_thrown_out_is_lost) {
  open();
  join(1, "alpha");

  join(2, "alpha");
  part(1, "thrown out", true);

  EXPECT_THAT(joined(), SizeIs(2));
  ASSERT_THAT(left(), SizeIs(1));
  EXPECT_EQ(left()[0].name, "alpha");
  EXPECT_TRUE(left()[0].lost);
  EXPECT_THAT(left()[0].why, HasSubstr("another connection"));
}

TEST_F(registrar_test, lets_nobody_in_by_the_name_of_another_key) {
  open();
  ASSERT_TRUE(knock(1, "alpha", "one").granted);

  const auto how = knock(2, "alpha", "two");

  EXPECT_FALSE(how.granted);
  EXPECT_THAT(how.why, HasSubstr("alpha"));
  EXPECT_THAT(how.why, HasSubstr("one"));
  EXPECT_THAT(how.why, HasSubstr("two"));
  EXPECT_THAT(doors.at(1).heard<dismissal>(), IsEmpty());
}

TEST_F(registrar_test, tells_who_was_lost_and_why) {
  open();
  join(1, "alpha");

  part(1, "it was silent for 3 s", false);

  ASSERT_THAT(left(), SizeIs(1));
  EXPECT_EQ(left()[0].name, "alpha");
  EXPECT_EQ(left()[0].why, "it was silent for 3 s");
  EXPECT_TRUE(left()[0].lost);
  EXPECT_GT(left()[0].epoch, joined()[0].epoch);
  EXPECT_EQ(status().nodes.at(0).state, "lost");
  EXPECT_EQ(status().nodes.at(0).why, "it was silent for 3 s");
}

TEST_F(registrar_test, tells_who_has_left) {
  open();
  join(1, "alpha");

  part(1, "drained", true);

  ASSERT_THAT(left(), SizeIs(1));
  EXPECT_FALSE(left()[0].lost);
  EXPECT_EQ(status().nodes.at(0).state, "left");
}

TEST_F(registrar_test, tells_of_nobody_s_end_who_never_took_part) {
  open();
  knock(1, "alpha");
  auto what = able();
  what.from.labels = "others";
  EXPECT_FALSE(prepare(1, what).granted);
  knock(2, "beta");

  part(1, "it has other data", true);
  part(2, "it was silent for 3 s", false);

  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(registrar_test, tells_how_many_are_in_each_state) {
  open();
  join(1, "alpha");
  join(2, "beta");
  stage.tell(at, drained{1});
  part(1, "drained", true);
  part(2, "it was silent for 3 s", false);
  join(3, "beta");

  EXPECT_THAT(
      states(), ElementsAre("alpha joining: 1 0 0 0 0",
                    "alpha member: 0 1 0 0 0", "beta joining: 1 1 0 0 0",
                    "beta member: 0 2 0 0 0", "alpha draining: 0 1 1 0 0",
                    "alpha left: 0 1 0 1 0", "beta lost: 0 0 0 1 1",
                    "beta joining: 1 0 0 1 0", "beta member: 0 1 0 1 0"));
  EXPECT_EQ(run.heard<facts::node_changed>().back().epoch, status().epoch);
}

TEST_F(registrar_test, tells_of_no_state_between_two_sessions_of_a_node) {
  open();
  join(1, "alpha");

  join(2, "alpha");
  part(1, "thrown out", true);

  EXPECT_THAT(states(),
      ElementsAre("alpha joining: 1 0 0 0 0", "alpha member: 0 1 0 0 0",
          "alpha joining: 1 0 0 0 0", "alpha member: 0 1 0 0 0"));
}

TEST_F(registrar_test, tells_how_long_who_is_lost_was_silent) {
  open();
  join(1, "alpha");
  join(2, "beta");
  join(3, "gamma");

  part(1, "it was silent for 3 s", false, 3.25);
  part(2, "it left", true, 0.25);
  join(4, "gamma");

  ASSERT_THAT(left(), SizeIs(3));
  EXPECT_EQ(left()[0].silence, 3.25);
  EXPECT_EQ(left()[1].silence, 0.0) << "it was not lost";
  EXPECT_EQ(left()[2].silence, 0.0) << "nobody knows";
}

TEST_F(registrar_test, tells_where_a_node_serves_its_figures) {
  open();
  join(1, "alpha");
  EXPECT_THAT(run.heard<facts::node_serves>(), IsEmpty());
  knock(2, "beta");
  auto what = able();
  what.metrics = "10.0.0.2:9464";

  EXPECT_TRUE(prepare(2, what).granted);

  const auto told = run.heard<facts::node_serves>();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].name, "beta");
  EXPECT_EQ(told[0].metrics, "10.0.0.2:9464");
  ASSERT_THAT(status().nodes, SizeIs(2));
  EXPECT_EQ(status().nodes[0].metrics, "");
  EXPECT_EQ(status().nodes[1].metrics, "10.0.0.2:9464");
  part(2, "it left", true);
  EXPECT_EQ(status().nodes[1].metrics, "");
}

TEST_F(registrar_test, believes_no_address_that_is_no_host_s) {
  open();
  std::uint64_t session = 0;
  for (const auto& text : {std::string(10'000, 'a') + ":9464",
           std::string{"here/\x1b[2J:9464"}, std::string{"a b:9464"}}) {
    knock(++session, fmt::format("node-{}", session));
    auto what = able();
    what.metrics = text;

    EXPECT_TRUE(prepare(session, what).granted);

    EXPECT_THAT(run.heard<facts::node_serves>(), IsEmpty());
    EXPECT_EQ(status().nodes.back().metrics, "");
  }
}

TEST_F(registrar_test, tells_whom_it_does_not_let_in_and_why) {
  open();
  ASSERT_TRUE(knock(1, "alpha", "one").granted);
  knock(2, "alpha", "two");
  auto what = able();
  what.from.labels = "others";
  prepare(1, what);
  knock(3, "beta");
  what = able();
  what.fingerprint = "other";
  prepare(3, what);

  ASSERT_THAT(refused(), SizeIs(3));
  EXPECT_EQ(refused()[0].name, "alpha");
  EXPECT_EQ(refused()[0].reason, "identity_taken");
  EXPECT_THAT(refused()[0].why, HasSubstr("alpha"));
  EXPECT_EQ(refused()[1].name, "alpha");
  EXPECT_EQ(refused()[1].reason, "other_data");
  EXPECT_THAT(refused()[1].why, HasSubstr("their labels"));
  EXPECT_EQ(refused()[2].name, "beta");
  EXPECT_EQ(refused()[2].reason, "other_fingerprint");
}

TEST_F(registrar_test, has_a_node_drained_by_its_name) {
  open();
  join(1, "alpha");
  join(2, "beta");

  const auto said = ask(errand::drain, "beta");

  ASSERT_TRUE(std::holds_alternative<report>(said));
  EXPECT_THAT(std::get<report>(said).said, HasSubstr("beta"));
  EXPECT_THAT(doors.at(1).heard<drain>(), IsEmpty());
  EXPECT_THAT(doors.at(2).heard<drain>(), SizeIs(1));
  stage.tell(at, drained{2});
  EXPECT_EQ(status().nodes.at(0).state, "member");
  EXPECT_EQ(status().nodes.at(1).state, "draining");
}

TEST_F(registrar_test, drains_nobody_who_is_not_there) {
  open();
  join(1, "alpha");
  part(1, "it was silent", false);

  for (const auto* name : {"alpha", "beta"}) {
    const auto said = ask(errand::drain, name);
    ASSERT_TRUE(std::holds_alternative<refusal>(said)) << name;
    EXPECT_THAT(std::get<refusal>(said).why, HasSubstr(name));
  }
}

TEST_F(registrar_test, reports_how_the_run_stands) {
  open();
  facts::run_header header;
  header.name = "study";
  header.rounds = 40;
  header.version = 3;
  header.updates = 12;
  tell(facts::run_started{header});
  EXPECT_EQ(status().version, 3u);
  EXPECT_EQ(status().updates, 12u);

  tell(facts::published{.version = 4, .total_updates = 18});

  const auto now = status();
  EXPECT_EQ(now.run, "study");
  EXPECT_EQ(now.versions, 40u);
  EXPECT_EQ(now.version, 4u);
  EXPECT_EQ(now.updates, 18u);
  EXPECT_TRUE(now.waits_for.empty());
}

TEST_F(registrar_test, reports_what_the_run_waits_for_and_since_when) {
  open();

  tell(facts::waiting{"nodes", 1, 3});
  stage.pass(4s);

  EXPECT_EQ(status().waits_for, "nodes: 1 of 3 are there");
  tell(facts::waiting{"nodes", 0, 3, "alpha"});
  EXPECT_EQ(status().waits_for, "nodes: 0 of 3 are there; missing: alpha");
  tell(facts::went_on{"nodes"});
  EXPECT_TRUE(status().waits_for.empty());
  tell(facts::waiting{"nodes", 1, 3});
  stage.pass(4s);
  EXPECT_EQ(status().waits_since, 4.0);
  tell(facts::leased{1, 0, 0});
  EXPECT_TRUE(status().waits_for.empty());
  EXPECT_EQ(status().waits_since, 0.0);
}

TEST_F(registrar_test, reports_the_last_clients_that_failed) {
  open();

  for (client_id c = 0; c < 7; ++c)
    tell(facts::client_failed{c, c, "no luck"});

  EXPECT_THAT(status().failures,
      ElementsAre("client 2: no luck", "client 3: no luck", "client 4: no luck",
          "client 5: no luck", "client 6: no luck"));
}

TEST_F(registrar_test, reports_every_node) {
  open();
  join(1, "alpha");
  stage.pass(2s);
  knock(2, "beta");
  stage.pass(3s);

  const auto now = status();

  ASSERT_THAT(now.nodes, SizeIs(2));
  EXPECT_EQ(now.nodes[0].name, "alpha");
  EXPECT_EQ(now.nodes[0].state, "member");
  EXPECT_EQ(now.nodes[0].since, 5.0);
  EXPECT_EQ(now.nodes[0].slots, 2u);
  EXPECT_EQ(now.nodes[0].address, "10.0.0.1:5");
  EXPECT_EQ(now.nodes[1].name, "beta");
  EXPECT_EQ(now.nodes[1].state, "joining");
  EXPECT_EQ(now.nodes[1].since, 3.0);
  EXPECT_EQ(now.epoch, now.nodes[1].epoch);
}

// Nodes keep what no durable version holds.
TEST_F(registrar_test, tells_nodes_which_version_is_durable) {
  open();
  facts::run_header taken_up;
  taken_up.version = 4;
  tell(facts::run_started{taken_up});
  EXPECT_EQ(knock(1, "alpha").durable, 4u);

  tell(facts::stored{6, "sha", 0.1});
  tell(facts::stored{5, "sha", 0.1}); // the best one, stored behind it

  const auto heard = doors.at(1).heard<durable>();
  ASSERT_THAT(heard, SizeIs(1));
  EXPECT_EQ(heard[0].version, 6u);
  EXPECT_EQ(knock(2, "beta").durable, 6u);
}

TEST_F(registrar_test, uses_no_epoch_of_a_process_before_it) {
  options.incarnation = 2;
  open();

  EXPECT_GT(knock(1, "alpha").epoch, first_lease(2));
}

TEST_F(registrar_test, lets_no_resident_into_a_run_without_any) {
  open();

  const auto how = knock_as_resident(1, "hospital-7");

  EXPECT_FALSE(how.granted);
  EXPECT_THAT(how.why, HasSubstr("hospital-7"));
  EXPECT_THAT(how.why, HasSubstr("federation.residents = true"));
}

struct residents_test : registrar_test {
  residents_test() {
    options.residents = true;
    options.first_resident = 100;
  }
};

TEST_F(residents_test, are_clients_behind_the_placed_ones_for_good) {
  options.known = {{100, "hospital-7", ""}};
  open();

  EXPECT_EQ(knock_as_resident(1, "hospital-9").client, 101u);
  EXPECT_EQ(knock_as_resident(2, "hospital-7").client, 100u);
  part(1, "it was silent", false);
  EXPECT_EQ(knock_as_resident(3, "hospital-9").client, 101u);
  EXPECT_FALSE(knock(4, "alpha").client);
}

TEST_F(residents_test, come_with_data_of_their_own) {
  open();
  knock_as_resident(1, "hospital-7");
  auto what = able(1);
  what.from = {};
  what.samples = 600;

  EXPECT_TRUE(prepare(1, what).granted);
  EXPECT_THAT(joined(), SizeIs(1));
  part(1, "it left", true);

  ASSERT_TRUE(knock(2, "alpha").granted);
  what.from = options.from;
  what.from.labels = "others";
  EXPECT_FALSE(prepare(2, what).granted) << "it is no resident";
}

TEST_F(residents_test, need_a_name) {
  open();

  EXPECT_THAT(knock_as_resident(1, "").why, HasSubstr("identity"));
}

// By a coordinator before this one, too.
TEST_F(residents_test, keep_their_identity_from_another_key) {
  options.known = {{100, "hospital-7", "one"}};
  open();

  for (const auto& how : {knock_as_resident(1, "hospital-7", "two"),
           knock(2, "hospital-7", "two")}) {
    EXPECT_FALSE(how.granted);
    EXPECT_THAT(how.why, HasSubstr("one"));
    EXPECT_THAT(how.why, HasSubstr("two"));
  }
  EXPECT_TRUE(knock_as_resident(3, "hospital-7", "one").granted);
}

TEST_F(residents_test, are_shown_as_such) {
  open();
  knock_as_resident(1, "hospital-7");
  prepare(1, able(1));
  join(2, "alpha");
  tell(facts::client_joined{100, 600, "hospital-7", ""});

  const auto now = status();

  ASSERT_THAT(now.nodes, SizeIs(2));
  EXPECT_TRUE(now.nodes[0].resident);
  EXPECT_EQ(now.nodes[0].client, 100u);
  EXPECT_EQ(now.nodes[0].samples, 600u);
  EXPECT_FALSE(now.nodes[1].resident);
}

TEST_F(registrar_test, ends_once_every_node_was_told_that_the_run_has) {
  open();
  join(1, "alpha");
  knock(2, "beta");

  stage.tell(at, dismissal{{"the run is complete", true, 0}});

  for (std::uint64_t session : {1, 2}) {
    ASSERT_THAT(doors.at(session).heard<dismissal>(), SizeIs(1));
    EXPECT_EQ(doors.at(session).heard<dismissal>()[0].what.why,
        "the run is complete");
  }
  EXPECT_FALSE(knock(3, "gamma").granted);
  part(1, "the run is complete", true);
  EXPECT_FALSE(*ended);
  part(2, "the run is complete", true);
  EXPECT_TRUE(*ended);
}

TEST_F(registrar_test, ends_at_once_where_nobody_is_there) {
  open();

  stage.tell(at, dismissal{{"the run is complete", true, 0}});

  EXPECT_TRUE(*ended);
}

} // namespace
} // namespace troupe::tests
