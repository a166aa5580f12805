#include "runtime/configuration/servers.hpp"

#include <gmock/gmock.h>

#include "runtime/configuration/rule_choice.hpp"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

reading read(const std::string& keys) {
  return parse_configuration("[federation]\n" + keys, "run.toml");
}

TEST(servers_test, average_where_nothing_is_said) {
  auto how = server_of(read("").value);

  EXPECT_EQ(how.rule, gpu::server_rule::average);
  EXPECT_EQ(how.lr, 1.0);
}

TEST(servers_test, are_what_the_keys_say) {
  auto then = read("server = \"fedyogi\"\nserver_lr = 0.5\n"
                   "server_momentum = 0.8\nserver_beta2 = 0.9\n"
                   "server_epsilon = 0.1\n");

  EXPECT_THAT(then.problems, IsEmpty());
  EXPECT_EQ(server_of(then.value),
      (gpu::server_options{.rule = gpu::server_rule::fed_yogi,
          .lr = 0.5,
          .momentum = 0.8,
          .beta2 = 0.9,
          .epsilon = 0.1}));
}

TEST(servers_test, have_a_rate_of_their_own) {
  EXPECT_EQ(server_of(read("server = \"fedavgm\"\n").value).lr, 1.0);
  EXPECT_EQ(server_of(read("server = \"fedadam\"\n").value).lr, 0.01);
}

TEST(servers_test, come_back_from_what_a_run_wrote) {
  const std::vector<gpu::server_options> all{average{0.5},
      fedavgm{.momentum = 0.5, .nesterov = true}, fedadagrad{}, fedadam{},
      fedyogi{.beta2 = 0.5}};
  for (const auto& how : all) {
    configuration what;
    choose_server(what, how);

    auto again = parse_effective_configuration(to_toml(what), "config.toml");

    EXPECT_THAT(again.problems, IsEmpty());
    EXPECT_EQ(again.value, what);
    EXPECT_EQ(server_of(again.value), how);
  }
}

TEST(servers_test, leave_out_what_is_for_others) {
  auto then = read("server = \"fedavgm\"\nserver_beta2 = 0.9\n");

  EXPECT_THAT(then.problems, IsEmpty());
  EXPECT_THAT(then.notes,
      ElementsAre(HasSubstr("server_beta2 is for federation.server = "
                            "\"fedadam\" or \"fedyogi\" alone")));
  EXPECT_EQ(then.value.federation.server_beta2, 0.99);
}

TEST(servers_test, refuse_what_is_out_of_range_or_no_truth) {
  EXPECT_THAT(read("server = \"fedavgm\"\nserver_momentum = 1.0\n"
                   "server_nesterov = 1\n")
                  .problems,
      ElementsAre("run.toml:3: federation.server_momentum = 1.0 is not a "
                  "number from 0 to below 1",
          "run.toml:4: federation.server_nesterov = 1 is not true or false"));
  EXPECT_THAT(read("server = \"fedadm\"\n").problems,
      ElementsAre(HasSubstr("(did you mean fedadam?)")));
}

TEST(servers_test, are_for_rules_that_average) {
  configuration what;
  choose_rule(what, fedasync{});
  choose_server(what, fedadam{});

  EXPECT_THAT(contradictions(what),
      ElementsAre(HasSubstr("federation.server = \"fedadam\" is for "
                            "federation.rule = \"fedavg\" or \"fedbuff\"")));
}

TEST(servers_test, stay_when_another_rule_is_chosen) {
  configuration what;
  choose_server(what, fedadam{.lr = 0.5});

  choose_rule(what, fedbuff{});

  EXPECT_EQ(server_of(what), gpu::server_options(fedadam{.lr = 0.5}));
}

} // namespace
} // namespace troupe
