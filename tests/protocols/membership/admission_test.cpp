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
      "node \"a\" computes as \"h200\", this run as \"cpu\": their bits may "
      "differ; any_fingerprint lets it in");
  EXPECT_THAT(x.members(), IsEmpty());
  EXPECT_TRUE(x.promises_bits());
}

TEST(admission_test, promises_no_bits_once_another_fingerprint_is_in) {
  auto how = here();
  how.any_fingerprint = true;
  auto x = with(1, how);
  EXPECT_TRUE(x.promises_bits());
  auto gpu = node("gpu", 2);
  gpu.fingerprint = "h200";

  EXPECT_TRUE(x.knock(gpu, at(1)).admitted());
  x.left(2, at(2));

  EXPECT_FALSE(x.promises_bits());
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
