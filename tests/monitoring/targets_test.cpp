#include "monitoring/targets.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace troupe::monitoring {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class targets_test : public testing::Test {
protected:
  void joins(const std::string& name, const std::string& from,
      const std::string& serves = {}) {
    facts::node_joined joined;
    joined.name = name;
    joined.address = from;
    all_.hear(joined);
    if (!serves.empty())
      all_.hear(facts::node_serves{name, serves});
  }

  /// Each target and who it is, for who knows this machine as `asked`.
  std::vector<std::string> listed(const std::string& asked = "coordinator") {
    std::vector<std::string> result;
    for (const auto& each : nlohmann::json::parse(all_.text(here_, asked))) {
      EXPECT_EQ(each.size(), 2u);
      EXPECT_EQ(each.at("targets").size(), 1u);
      const auto& labels = each.at("labels");
      result.push_back(each.at("targets")[0].get<std::string>() + " " +
                       labels.at("role").get<std::string>() + " " +
                       labels.value("node", "-"));
    }
    return result;
  }

  targets all_;
  endpoint here_{"10.0.0.1", 9464};
};

TEST_F(targets_test, are_this_process_alone_at_first) {
  EXPECT_THAT(listed(), ElementsAre("10.0.0.1:9464 coordinator -"));
}

TEST_F(targets_test, are_nodes_that_serve_as_long_as_they_are_there) {
  joins("alpha", "10.0.0.2:41000", "10.0.0.2:9464");
  joins("beta", "10.0.0.3:41000");
  EXPECT_THAT(listed(),
      ElementsAre("10.0.0.1:9464 coordinator -", "10.0.0.2:9464 node alpha"));

  all_.hear(facts::node_left{"alpha", 3});
  EXPECT_THAT(listed(), ElementsAre("10.0.0.1:9464 coordinator -"));

  joins("alpha", "10.0.0.4:41000", "10.0.0.4:9000");
  EXPECT_THAT(listed(),
      ElementsAre("10.0.0.1:9464 coordinator -", "10.0.0.4:9000 node alpha"));
}

TEST_F(targets_test, have_the_address_by_which_a_node_has_come) {
  joins("alpha", "10.0.0.2:41000", "0.0.0.0:9464");
  joins("beta", "[fd00::2]:41000", "[::]:9465");

  EXPECT_THAT(
      listed(), ElementsAre("10.0.0.1:9464 coordinator -",
                    "10.0.0.2:9464 node alpha", "[fd00::2]:9465 node beta"));
}

TEST_F(targets_test, have_this_machine_s_name_as_it_was_asked_for) {
  here_.host = "0.0.0.0";
  joins("alpha", "127.0.0.1:41000", "0.0.0.0:9465");

  EXPECT_THAT(
      listed("coordinator"), ElementsAre("coordinator:9464 coordinator -",
                                 "coordinator:9465 node alpha"));
  EXPECT_THAT(listed("fd00::1"),
      ElementsAre("[fd00::1]:9464 coordinator -", "[fd00::1]:9465 node alpha"));
  EXPECT_THAT(listed(""),
      ElementsAre("127.0.0.1:9464 coordinator -", "127.0.0.1:9465 node alpha"));
  EXPECT_THAT(listed("a/b?c"),
      ElementsAre("127.0.0.1:9464 coordinator -", "127.0.0.1:9465 node alpha"));
}

TEST_F(targets_test, leave_out_the_loopback_of_another_machine) {
  joins("alpha", "10.0.0.2:41000", "127.0.0.1:9464");
  joins("beta", "127.0.0.1:41000", "127.0.0.1:9465");

  EXPECT_THAT(listed(),
      ElementsAre("10.0.0.1:9464 coordinator -", "127.0.0.1:9465 node beta"));
}

TEST_F(targets_test, leave_out_what_is_no_address) {
  for (const auto* text : {"nowhere", "10.0.0.2", "a b:9464", "x/y:9464",
           "\x1b[2J:9464", "10.0.0.2:99999", ":9464"})
    joins(std::string{"node at "} + text, "10.0.0.2:41000", text);

  EXPECT_THAT(listed(), ElementsAre("10.0.0.1:9464 coordinator -"));
}

TEST_F(targets_test, are_json_whatever_a_node_is_called) {
  joins("\"\\\n\xff", "10.0.0.2:41000", "10.0.0.2:9464");

  EXPECT_EQ(listed().size(), 2u);
  EXPECT_THAT(all_.text(here_, ""), HasSubstr("\\\"\\\\\\n"));
}

TEST_F(targets_test, are_none_of_who_never_joined) {
  all_.hear(facts::node_serves{"alpha", "10.0.0.2:9464"});

  EXPECT_EQ(listed().size(), 1u);
}

} // namespace

} // namespace troupe::monitoring
