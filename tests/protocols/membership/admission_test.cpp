#include "protocols/membership/admission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/membership/nodes.hpp"

namespace troupe::membership {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(admission_test, keeps_a_name_for_the_key_it_came_with) {
  auto x = with(1);
  EXPECT_EQ(x.knock(node("a", 2, "other"), at(1)).refused->why,
      reason::identity_taken);
  x.left(1, at(1));

  const auto said = x.knock(node("a", 3, ""), at(2));

  EXPECT_EQ(said.refused->why, reason::identity_taken);
  EXPECT_EQ(said.refused->text,
      "node \"a\" came with no key, but the name belongs to key k");
}

TEST(admission_test, names_both_values_when_it_refuses) {
  membership x{here()};
  auto old = node("a", 1), other = node("a", 1), gpu = node("a", 1);
  old.version = "0";
  other.configuration = "c9";
  gpu.fingerprint = "h200";

  EXPECT_EQ(x.knock(old, at(0)).refused->text,
      "node \"a\" speaks version \"0\" of the wire protocol, this run \"1\": "
      "install the same release on both");
  EXPECT_EQ(x.knock(other, at(0)).refused->text,
      "node \"a\" was started with configuration \"c9\", this run with "
      "\"c0\": give both the same");
  EXPECT_EQ(x.knock(gpu, at(0)).refused->text,
      "node \"a\" computes as \"h200\", this run as \"cpu\", so that their "
      "bits may differ: choose compute.instructions that both have, or let it "
      "in by --any-fingerprint, and no bits are promised");
  EXPECT_THAT(x.members(), IsEmpty());
  EXPECT_TRUE(x.promises_bits());
}

TEST(admission_test, promises_no_bits_once_another_fingerprint_is_ready) {
  auto how = here();
  how.any_fingerprint = true;
  auto x = with(1, how);
  auto gpu = node("gpu", 2);
  gpu.fingerprint = "h200";
  EXPECT_TRUE(x.knock(gpu, at(1)).admitted());
  EXPECT_TRUE(x.promises_bits());

  EXPECT_FALSE(x.ready(2, {1, "h200"}, at(1)));
  EXPECT_EQ(x.take_changes().back().mixed, "h200");
  EXPECT_TRUE(x.members()[1].mixes);
  x.left(2, at(2));

  EXPECT_FALSE(x.promises_bits());
}

TEST(admission_test, lowers_whoever_can_compute_as_the_run_does) {
  for (const bool any : {false, true}) {
    auto how = here();
    how.any_fingerprint = any;
    auto x = with(1, how);
    auto wide = node("b", 2);
    wide.fingerprint = "wide";
    wide.lowerable = {"narrow", "cpu"};

    const auto said = x.knock(wide, at(1));

    EXPECT_FALSE(said.admitted());
    EXPECT_EQ(said.refused->why, reason::to_be_lowered);
    EXPECT_EQ(said.lower_to, "cpu");
    EXPECT_EQ(said.refused->text,
        "node \"b\" computes as \"wide\", and can as this run does: it is to "
        "come back as \"cpu\"");
    EXPECT_EQ(x.live(), 1u);
    EXPECT_TRUE(x.knock(node("b", 3), at(1)).admitted());
  }
}

TEST(admission_test, refuses_devices_that_compute_other_bits) {
  auto how = here();
  how.devices = "cpu | cuda";
  membership x{how};
  x.knock(node("a", 1), at(0));

  EXPECT_EQ(
      x.ready(1, {1, "cpu | old"}, at(0))->why, reason::other_fingerprint);
  EXPECT_EQ(x.count(state::joining), 1u);
  EXPECT_FALSE(x.ready(1, {1, "cuda"}, at(0))) << "it lends one kind of two";
  EXPECT_TRUE(x.promises_bits());
}

TEST(admission_test, knows_devices_by_their_kind) {
  EXPECT_TRUE(computes_alike("a", "a"));
  EXPECT_TRUE(computes_alike("b", "a | b"));
  EXPECT_TRUE(computes_alike("b | a", "a | b"));
  EXPECT_FALSE(computes_alike("a | b", "a"));
  EXPECT_FALSE(computes_alike("a ", "a"));
  EXPECT_FALSE(computes_alike("", "a"));
}

TEST(admission_test, refuses_another_release_where_it_has_one) {
  auto how = here();
  how.build = "r2";
  membership x{how};

  const auto said = x.knock(node("a", 1), at(0));

  EXPECT_EQ(said.refused->why, reason::other_build);
  EXPECT_EQ(said.refused->text,
      "node \"a\" runs Troupe \"r1\", this run \"r2\": install the same "
      "release on both");
}

TEST(admission_test, refuses_when_full_but_not_its_own) {
  auto how = here();
  how.most = 1;
  auto x = with(1, how);

  const auto said = x.knock(node("b", 2), at(1));

  EXPECT_EQ(said.refused->why, reason::full);
  EXPECT_EQ(
      said.refused->text, "node \"b\" would be number 2 in a run of at most 1");
  EXPECT_TRUE(x.knock(node("a", 3), at(1)).admitted());
}

TEST(admission_test, refuses_everybody_once_closed) {
  auto x = with(1);

  x.close();

  EXPECT_EQ(x.knock(node("b", 2), at(1)).refused->why, reason::closed);
  EXPECT_TRUE(x.heard(1, at(1)));
}

TEST(admission_test, refuses_a_session_that_somebody_else_has) {
  auto x = with(1);

  const auto said = x.knock(node("b", 1), at(1));

  EXPECT_EQ(said.refused->why, reason::stale_session);
  EXPECT_THAT(said.refused->text, HasSubstr("is that of node \"a\""));
}

} // namespace
} // namespace troupe::membership
