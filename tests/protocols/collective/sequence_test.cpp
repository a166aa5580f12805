#include "protocols/collective/sequence.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::collective {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const signature add{operation_kind::all_reduce, gpu::element::f32,
    gpu::reduction::sum, 5, 0, 0};

struct trial {
  sequence rule{{.init_time = 5s, .operation_time = 2s}};
  steps said;
  instant now{1s};

  void open(epoch_id epoch) {
    said.clear();
    rule.form(epoch, now, said);
    rule.formed(epoch, now, said);
  }
  bool submit(epoch_id epoch, operation_number number) {
    said.clear();
    return rule.submit({epoch, number, add}, now, said);
  }
  void issued(epoch_id epoch, operation_number number) {
    said.clear();
    rule.issued(epoch, number, now, said);
  }
};

TEST(sequence_test, issues_by_number_one_call_at_a_time) {
  trial t;
  t.open(1);
  EXPECT_TRUE(t.submit(1, 1));
  EXPECT_FALSE(t.said.issue);

  EXPECT_TRUE(t.submit(1, 0));
  ASSERT_TRUE(t.said.issue);
  EXPECT_EQ(t.said.issue->number, 0u);

  t.issued(1, 0);
  ASSERT_TRUE(t.said.issue);
  EXPECT_EQ(t.said.issue->number, 1u);
}

TEST(sequence_test, holds_orders_until_the_communicator_is_there) {
  trial t;
  t.said.clear();
  t.rule.form(1, t.now, t.said);
  t.submit(1, 0);
  EXPECT_FALSE(t.said.issue);

  t.rule.formed(1, t.now, t.said);

  ASSERT_TRUE(t.said.issue);
}

TEST(sequence_test, answers_everything_when_its_epoch_ends) {
  trial t;
  t.open(1);
  t.submit(1, 0);
  t.submit(1, 2);
  t.said.clear();
  t.rule.dissolve(1, trouble::lost, "member 3 is gone", t.now, t.said);

  ASSERT_TRUE(t.said.drop);
  ASSERT_EQ(t.said.answers.size(), 2u);
  for (const auto& x : t.said.answers) {
    EXPECT_EQ(x.how, outcome::aborted);
    EXPECT_EQ(x.text, "member 3 is gone");
  }
  ASSERT_EQ(t.said.reports.size(), 1u);
  EXPECT_EQ(t.said.reports[0].what, report::kind::released);
  EXPECT_FALSE(t.said.wake);
}

TEST(sequence_test, never_forms_an_epoch_that_was_dissolved_before) {
  trial t;
  t.rule.dissolve(4, trouble::lost, "", t.now, t.said);
  t.said.clear();
  t.rule.form(4, t.now, t.said);
  EXPECT_FALSE(t.said.form);

  t.rule.form(5, t.now, t.said);
  EXPECT_EQ(t.said.form, 5u);
}

TEST(sequence_test, ends_an_older_epoch_before_it_forms_the_next) {
  trial t;
  t.open(1);
  t.submit(1, 0);
  t.said.clear();
  t.rule.form(2, t.now, t.said);

  ASSERT_TRUE(t.said.drop);
  EXPECT_EQ(t.said.drop->epoch, 1u);
  EXPECT_EQ(t.said.answers.at(0).why, trouble::superseded);
  EXPECT_EQ(t.said.form, 2u);
}

TEST(sequence_test, names_old_epochs_and_duplicates) {
  trial t;
  EXPECT_FALSE(t.submit(1, 0));
  EXPECT_EQ(t.said.answers.at(0).how, outcome::old_epoch);
  t.open(2);
  EXPECT_FALSE(t.submit(1, 0));
  EXPECT_EQ(t.said.answers.at(0).how, outcome::old_epoch);
  EXPECT_TRUE(t.submit(2, 0));
  EXPECT_FALSE(t.submit(2, 0));
  EXPECT_EQ(t.said.answers.at(0).how, outcome::duplicate);
}

TEST(sequence_test, says_what_it_waited_for) {
  const auto text_of = [](trial& t) {
    t.said.clear();
    t.rule.wake(instant{3s}, t.said);
    EXPECT_EQ(t.said.reports.at(0).what, report::kind::failed);
    return t.said.answers.at(0).text;
  };
  trial gap, busy, hung;
  gap.open(1);
  gap.submit(1, 1);
  EXPECT_THAT(text_of(gap), HasSubstr("number 0 never came"));

  busy.open(1);
  busy.submit(1, 1);
  busy.now = instant{1500ms};
  busy.submit(1, 0);
  EXPECT_THAT(text_of(busy), HasSubstr("not through with number 0"));

  hung.open(1);
  hung.submit(1, 0);
  hung.issued(1, 0);
  EXPECT_THAT(text_of(hung), HasSubstr("was issued and did not end in time"));
}

TEST(sequence_test, gives_up_on_a_communicator_that_is_not_ready_in_time) {
  trial t;
  t.rule.form(1, t.now, t.said);
  EXPECT_EQ(t.said.wake, instant{6s});
  t.said.clear();
  t.rule.wake(instant{6s}, t.said);

  ASSERT_TRUE(t.said.drop);
  EXPECT_EQ(t.said.drop->why, trouble::init_timeout);
}

TEST(sequence_test, goes_on_from_a_saved_state_as_if_nothing_were) {
  trial t;
  t.open(1);
  t.submit(1, 0);
  t.submit(1, 1);
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  ASSERT_TRUE(sink.apply(t.rule));
  trial again;
  caf::binary_deserializer source{nullptr, bytes};
  ASSERT_TRUE(source.apply(again.rule));

  again.issued(1, 0);

  ASSERT_TRUE(again.said.issue);
  EXPECT_EQ(again.said.issue->number, 1u);
  EXPECT_EQ(again.rule.outstanding(), 2u);
}

} // namespace
} // namespace troupe::collective
