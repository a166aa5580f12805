// Tasks on their way through a door, and what is answered to them.

#include <limits>

#include <gmock/gmock.h>

#include "protocols/errc.hpp"
#include "protocols/evaluation.hpp"
#include "tests/actors/cluster/door_stage.hpp"
#include "tests/support/small_learner.hpp"

namespace troupe::tests {
namespace {

using namespace cluster;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct door_tasks_test : door_stage {
  door_tasks_test() { lend_slots(); }

  gpu::shared_buffer model = filled(values);

  train_task task(lease_id lease, tensor from, version_id base = 5) {
    train_task result;
    result.lease = lease;
    result.work.client = 20 + lease;
    result.work.version = base;
    result.work.how.epochs = 2;
    result.parameters = std::move(from);
    result.reply_to = sink.as<update_sink>();
    result.turn = lease;
    return result;
  }
  /// In the place of a task whose client is gone.
  train_task instead(lease_id lease) {
    auto result = task(lease, {}, 0);
    std::stop_source source;
    source.request_stop();
    result.stop = source.get_token();
    return result;
  }
  void seat(lease_id lease, version_id base = 5) {
    stage.tell(at, task(lease, model, base));
  }
  static update answer(lease_id lease, tensor_id delta = 70) {
    update result{static_cast<client_id>(20 + lease), {}};
    result.result.lease = lease;
    result.result.base = 5;
    result.result.outcome = {10, 2, 0.25};
    result.result.delta.id = delta;
    result.result.delta.count = values;
    return result;
  }
  void bring(tensor_id what, float value = 1.0f, float largest = 1.0f) {
    stage.tell(at, fetched{what, filled(values, value), largest, {}});
  }
  void finish(lease_id lease, tensor_id delta) {
    say(answer(lease, delta));
    bring(delta);
  }
  void give_up(lease_id lease, errc why = errc::stopped) {
    say(failure{
        static_cast<client_id>(20 + lease), lease, caf::make_error(why)});
  }
  void expect_accused(const std::string& of) {
    ASSERT_THAT(node->sent<refusal>(), SizeIs(1));
    EXPECT_THAT(node->sent<refusal>()[0].why, HasSubstr(of));
    EXPECT_THAT(node->expelled, SizeIs(1));
    EXPECT_THAT(sink.heard<update>(), IsEmpty());
    EXPECT_THAT(sink.heard<failure>(), IsEmpty());
    EXPECT_THAT(sink.heard<evaluated_part>(), IsEmpty());
  }
};

TEST_F(door_tasks_test, go_to_the_lane_and_turn_that_they_had) {
  auto what = task(3, model);
  what.lane = 1;
  what.turn = 8;

  stage.tell(at, std::move(what));

  const auto said = node->sent<seated>();
  ASSERT_THAT(said, SizeIs(1));
  EXPECT_EQ(said[0].lane, 1u);
  EXPECT_EQ(said[0].turn, 8u);
  EXPECT_EQ(said[0].what.lease, 3u);
  EXPECT_EQ(said[0].what.client, 23u);
  EXPECT_EQ(said[0].what.base, 5u);
  EXPECT_EQ(said[0].what.work, 2u);
  EXPECT_EQ(node->lent.at(said[0].what.parameters.id), model);
  EXPECT_FALSE(said[0].what.state);
}

TEST_F(door_tasks_test, say_their_work_in_steps_where_the_run_counts_those) {
  auto what = task(0, model);
  what.work.how.steps = 40;

  stage.tell(at, std::move(what));

  EXPECT_EQ(node->sent<seated>().at(0).what.work, 40u);
}

TEST_F(door_tasks_test, share_the_loan_of_their_version) {
  for (lease_id lease : {0, 1, 2})
    seat(lease);

  EXPECT_THAT(node->lent, SizeIs(1));
  for (const auto& each : node->sent<seated>())
    EXPECT_EQ(each.what.parameters.id, node->lent.begin()->first);
}

TEST_F(door_tasks_test, keep_their_version_lent_until_none_starts_from_it) {
  seat(0);
  seat(1);
  const auto old = node->lent.begin()->first;
  model = filled(values);
  seat(2);

  finish(0, 70);
  EXPECT_TRUE(node->lent.contains(old));
  EXPECT_THAT(node->sent<release>(), IsEmpty());
  give_up(1);

  EXPECT_FALSE(node->lent.contains(old));
  ASSERT_THAT(node->sent<release>(), SizeIs(1));
  EXPECT_EQ(node->sent<release>()[0].what, old);
}

TEST_F(door_tasks_test, leave_the_newest_version_lent_for_those_to_come) {
  seat(0);
  finish(0, 70);
  ASSERT_THAT(node->lent, SizeIs(1));
  seat(1);
  EXPECT_THAT(node->lent, SizeIs(1));
  finish(1, 71);
  const auto old = node->lent.begin()->first;

  model = filled(values);
  seat(2);

  EXPECT_THAT(node->lent, SizeIs(1));
  EXPECT_FALSE(node->lent.contains(old));
}

TEST_F(door_tasks_test, take_an_outdated_version_back_where_none_come) {
  seat(0, 5);
  finish(0, 70);
  const auto old = node->lent.begin()->first;

  stage.tell(at, durable{5});
  EXPECT_TRUE(node->lent.contains(old)) << "others may start from it yet";
  stage.tell(at, durable{6});

  EXPECT_THAT(node->lent, IsEmpty());
  ASSERT_THAT(node->sent<release>(), SizeIs(1));
  EXPECT_EQ(node->sent<release>()[0].what, old);
}

TEST_F(door_tasks_test, hold_an_outdated_version_that_they_start_from) {
  seat(0, 5);

  stage.tell(at, durable{6});
  EXPECT_THAT(node->lent, SizeIs(1));
  finish(0, 70);

  EXPECT_THAT(node->lent, IsEmpty());
}

TEST_F(door_tasks_test, are_answered_once_their_delta_is_here) {
  seat(0);

  say(answer(0));
  ASSERT_THAT(node->asked, SizeIs(1));
  EXPECT_EQ(node->asked[0].id, 70u);
  EXPECT_THAT(sink.heard<update>(), IsEmpty());
  bring(70, 2.5f, 3.5f);

  ASSERT_THAT(node->sent<arrived>(), SizeIs(1));
  EXPECT_EQ(node->sent<arrived>()[0].what, 70u);
  const auto got = sink.heard<update>();
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].client, 20u);
  EXPECT_EQ(got[0].result.lease, 0u);
  EXPECT_EQ(got[0].result.base, 5u);
  EXPECT_EQ(got[0].result.outcome.samples, 10u);
  EXPECT_EQ(got[0].result.delta->span()[0], 2.5f);
  EXPECT_EQ(got[0].result.largest, 3.5f);
  EXPECT_FALSE(got[0].result.state);
}

// A node's own word for it counts for nothing.
TEST_F(door_tasks_test, are_judged_by_what_came_and_not_by_what_was_said) {
  seat(0);
  auto what = answer(0);
  what.result.largest = 0.0f;

  say(what);
  bring(70, 9.0f, 9.0f);

  ASSERT_THAT(sink.heard<update>(), SizeIs(1));
  EXPECT_EQ(sink.heard<update>()[0].result.largest, 9.0f);
}

TEST_F(door_tasks_test, fail_by_name_where_a_delta_is_not_finite) {
  seat(0);

  say(answer(0));
  bring(70, 1.0f, std::numeric_limits<float>::quiet_NaN());

  EXPECT_THAT(sink.heard<update>(), IsEmpty());
  const auto said = sink.heard<failure>();
  ASSERT_THAT(said, SizeIs(1));
  EXPECT_EQ(said[0].client, 20u);
  EXPECT_EQ(said[0].lease, 0u);
  EXPECT_EQ(said[0].why, errc::update_not_finite);
  EXPECT_FALSE(is_closed());
}

TEST_F(door_tasks_test, fail_by_name_where_a_loss_is_not_finite) {
  seat(0);
  auto what = answer(0);
  what.result.outcome.loss = std::numeric_limits<double>::infinity();

  say(what);
  bring(70);

  EXPECT_THAT(sink.heard<update>(), IsEmpty());
  ASSERT_THAT(sink.heard<failure>(), SizeIs(1));
  EXPECT_EQ(sink.heard<failure>()[0].why, errc::update_not_finite);
}

struct false_update {
  const char* name;
  void (*spoil)(update&);
  const char* accused_of;
};
struct false_update_test : door_tasks_test,
                           testing::WithParamInterface<false_update> {};

TEST_P(false_update_test, ends_the_session_and_is_heard_by_nobody) {
  seat(0);
  auto what = answer(0);
  GetParam().spoil(what);

  say(what);
  bring(what.result.delta.id);

  expect_accused(GetParam().accused_of);
  EXPECT_THAT(node->asked, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(every, false_update_test,
    testing::Values(
        false_update{"of_another_lease", [](update& x) { x.result.lease = 1; },
            "an update of lease 1"},
        false_update{"of_another_client", [](update& x) { x.client = 21; },
            "an update of lease 0"},
        false_update{"of_another_base", [](update& x) { x.result.base = 4; },
            "an update of lease 0"},
        false_update{"of_too_few_values",
            [](update& x) { --x.result.delta.count; },
            "an update of 2 values, not 3"},
        false_update{"of_no_time",
            [](update& x) {
              x.result.seconds = std::numeric_limits<double>::quiet_NaN();
            },
            "seconds"},
        false_update{"of_less_than_no_time",
            [](update& x) { x.result.cpu_seconds = -1.0; }, "seconds"},
        false_update{"of_all_time", [](update& x) { x.result.seconds = 1e300; },
            "seconds"}),
    [](const auto& which) { return std::string{which.param.name}; });

TEST_F(door_tasks_test, take_one_update_each) {
  seat(0);
  say(answer(0, 70));

  say(answer(0, 71));
  bring(70);

  expect_accused("two updates for one lease");
}

TEST_F(door_tasks_test, take_no_update_behind_their_answer) {
  seat(0);
  finish(0, 70);

  say(answer(0, 71));

  EXPECT_THAT(node->sent<refusal>(), SizeIs(1));
  EXPECT_TRUE(is_closed());
  EXPECT_THAT(sink.heard<update>(), SizeIs(1));
}

TEST_F(door_tasks_test, share_no_delta) {
  seat(0);
  seat(1);
  say(answer(0, 70));

  say(answer(1, 70));
  bring(70);

  expect_accused("one tensor for two updates");
}

TEST_F(door_tasks_test, end_the_session_where_a_delta_does_not_come) {
  seat(0);
  say(answer(0));

  stage.tell(at, fetched{70, {}, 0.0f, "its checksum differs"});

  ASSERT_THAT(node->expelled, SizeIs(1));
  EXPECT_THAT(node->expelled[0], HasSubstr("its checksum differs"));
  EXPECT_THAT(sink.heard<update>(), IsEmpty());
}

TEST_F(door_tasks_test, fail_as_the_node_says) {
  seat(0);

  give_up(0, errc::out_of_memory);

  ASSERT_THAT(sink.heard<failure>(), SizeIs(1));
  EXPECT_EQ(sink.heard<failure>()[0].lease, 0u);
  EXPECT_EQ(sink.heard<failure>()[0].why, errc::out_of_memory);
}

TEST_F(door_tasks_test, fail_for_no_other_client) {
  seat(0);

  say(failure{21, 0, caf::make_error(errc::learner_failed)});

  expect_accused("a failure of lease 0");
}

TEST_F(door_tasks_test, that_nobody_seated_do_not_fail) {
  give_up(4);

  expect_accused("a failure of lease 4");
}

TEST_F(door_tasks_test, are_revoked_by_their_stop_token) {
  std::stop_source source;
  auto what = task(3, model);
  what.stop = source.get_token();
  stage.tell(at, std::move(what));
  EXPECT_THAT(node->sent<revoke>(), IsEmpty());

  source.request_stop();
  stage.run();

  ASSERT_THAT(node->sent<revoke>(), SizeIs(1));
  EXPECT_EQ(node->sent<revoke>()[0].lease, 3u);
}

TEST_F(door_tasks_test, are_not_revoked_behind_their_answer) {
  std::stop_source source;
  auto what = task(3, model);
  what.stop = source.get_token();
  stage.tell(at, std::move(what));
  finish(3, 70);

  source.request_stop();
  stage.run();

  EXPECT_THAT(node->sent<revoke>(), IsEmpty());
}

TEST_F(door_tasks_test, of_clients_that_are_gone_keep_their_turns) {
  stage.tell(at, instead(6));

  ASSERT_THAT(node->sent<seated>(), SizeIs(1));
  EXPECT_EQ(node->sent<seated>()[0].turn, 6u);
  EXPECT_EQ(node->sent<seated>()[0].what.client, 26u);
  EXPECT_FALSE(node->sent<seated>()[0].what.parameters);
  EXPECT_THAT(node->lent, IsEmpty());
  give_up(6);
  ASSERT_THAT(sink.heard<failure>(), SizeIs(1));
  EXPECT_EQ(sink.heard<failure>()[0].why, errc::stopped);
}

// Its client has sent its task before it was gone, and was nearly through.
TEST_F(door_tasks_test, of_clients_that_are_gone_may_be_answered_all_the_same) {
  seat(0);
  stage.tell(at, instead(0));
  EXPECT_THAT(node->sent<seated>(), SizeIs(1));
  EXPECT_THAT(node->sent<revoke>(), SizeIs(1));

  finish(0, 70);
  model = filled(values);
  seat(1);

  EXPECT_FALSE(is_closed());
  EXPECT_THAT(sink.heard<update>(), SizeIs(1));
  EXPECT_THAT(node->lent, SizeIs(1)) << "what it started from is still lent";
}

TEST_F(door_tasks_test, that_come_behind_what_took_their_place_go_nowhere) {
  stage.tell(at, instead(0));
  give_up(0);

  seat(0);

  EXPECT_THAT(node->sent<seated>(), SizeIs(1));
  EXPECT_THAT(node->lent, IsEmpty());
}

TEST_F(door_tasks_test, bring_the_state_of_their_client_both_ways) {
  auto what = task(0, model);
  const auto state = filled(1, 4.0f);
  what.state = tensor{state};
  stage.tell(at, std::move(what));
  const auto order = node->sent<seated>().at(0).what;
  EXPECT_EQ(node->lent.at(order.state.value().id), state);
  auto back = answer(0, 70);
  tensor left;
  left.id = 71;
  left.count = 1;
  back.result.state = left;

  say(back);
  ASSERT_THAT(node->asked, SizeIs(2));
  stage.tell(at, fetched{71, filled(1, 6.0f), 6.0f, {}});
  EXPECT_THAT(sink.heard<update>(), IsEmpty());
  bring(70, 1.0f, 0.5f);

  const auto got = sink.heard<update>();
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].result.state.value()->span()[0], 6.0f);
  EXPECT_EQ(got[0].result.largest, 0.5f);
  EXPECT_THAT(node->sent<arrived>(), SizeIs(2));
  EXPECT_FALSE(node->lent.contains(order.state.value().id));
  ASSERT_THAT(node->sent<release>(), SizeIs(1));
  EXPECT_EQ(node->sent<release>()[0].what, order.state.value().id);
}

TEST_F(door_tasks_test, bring_no_state_that_is_their_delta_too) {
  seat(0);
  auto back = answer(0, 70);
  back.result.state = back.result.delta;

  say(back);
  bring(70);

  expect_accused("one tensor for two updates");
}

struct along_test : door_tasks_test {
  along_test() { node->along = true; }

  static update whole(lease_id lease, float value = 1.0f) {
    auto result = answer(lease);
    result.result.delta = filled(values, value);
    return result;
  }
};

TEST_F(along_test, a_version_goes_before_what_names_it) {
  seat(0);
  seat(1);

  const auto said = node->sent<carried>();
  ASSERT_THAT(said, SizeIs(1));
  EXPECT_EQ(said[0].values.here, model);
  EXPECT_EQ(said[0].values.id, 0u);
  for (const auto& each : node->sent<seated>())
    EXPECT_EQ(each.what.parameters.id, said[0].what);
  EXPECT_EQ(node->lent.at(said[0].what), model);
}

TEST_F(along_test, a_version_is_released_like_any_other) {
  seat(0);
  const auto old = node->sent<carried>().at(0).what;
  model = filled(values);
  seat(1);

  say(whole(0));

  EXPECT_FALSE(node->lent.contains(old));
  ASSERT_THAT(node->sent<release>(), SizeIs(1));
  EXPECT_EQ(node->sent<release>()[0].what, old);
}

TEST_F(along_test, an_update_is_answered_at_once) {
  seat(0);
  auto what = whole(0, -2.5f);
  what.result.largest = 0.0f; // its word counts for nothing

  say(what);

  const auto got = sink.heard<update>();
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].result.delta.here, what.result.delta.here);
  EXPECT_EQ(got[0].result.largest, 2.5f);
  EXPECT_THAT(node->asked, IsEmpty());
  EXPECT_THAT(node->sent<arrived>(), IsEmpty());
  say(whole(0));
  EXPECT_THAT(node->sent<refusal>(), SizeIs(1)) << "it was answered";
}

TEST_F(along_test, an_update_fails_where_it_is_not_finite) {
  seat(0);

  say(whole(0, std::numeric_limits<float>::infinity()));

  EXPECT_THAT(sink.heard<update>(), IsEmpty());
  ASSERT_THAT(sink.heard<failure>(), SizeIs(1));
  EXPECT_EQ(sink.heard<failure>()[0].why, errc::update_not_finite);
}

TEST_F(along_test, an_update_has_the_shape_of_the_model) {
  seat(0);
  auto what = answer(0);
  what.result.delta = filled(values + 1);

  say(what);

  expect_accused("an update of 4 values, not 3");
}

TEST_F(along_test, a_state_goes_and_comes_without_being_lent) {
  auto what = task(0, model);
  what.state = tensor{filled(1, 4.0f)};
  stage.tell(at, std::move(what));
  const auto order = node->sent<seated>().at(0).what;
  EXPECT_EQ(order.state.value().id, 0u);
  EXPECT_EQ(order.state.value()->span()[0], 4.0f);
  auto back = whole(0);
  back.result.state = tensor{filled(1, 6.0f)};

  say(back);

  ASSERT_THAT(sink.heard<update>(), SizeIs(1));
  EXPECT_EQ(sink.heard<update>()[0].result.state.value()->span()[0], 6.0f);
  EXPECT_THAT(node->lent, SizeIs(1)) << "the version alone";
  EXPECT_THAT(node->sent<release>(), IsEmpty());
}

// What is large, or would not fit into the line, is fetched.
TEST_F(along_test, one_tensor_waits_for_the_other) {
  seat(0);
  auto back = whole(0, 3.0f);
  tensor left;
  left.id = 71;
  left.count = 1;
  back.result.state = left;

  say(back);
  EXPECT_THAT(sink.heard<update>(), IsEmpty());
  stage.tell(at, fetched{71, filled(1, 6.0f), 6.0f, {}});

  ASSERT_THAT(sink.heard<update>(), SizeIs(1));
  EXPECT_EQ(sink.heard<update>()[0].result.largest, 3.0f);
  EXPECT_EQ(sink.heard<update>()[0].result.state.value()->span()[0], 6.0f);
}

TEST_F(along_test, a_state_is_no_larger_than_one_may_be) {
  seat(0);
  auto back = whole(0);
  back.result.state = tensor{filled(most_of_a_state + 1)};

  say(back);

  expect_accused("a state of 6 values, where 5 are the most");
}

TEST_F(door_tasks_test, score_where_they_are_asked_to) {
  stage.tell(at, evaluate_task{9, blank_samples(100).slice(20, 30), model,
                     sink.as<score_sink>(), {}, 20, 1});

  const auto said = node->sent<score>();
  ASSERT_THAT(said, SizeIs(1));
  EXPECT_EQ(said[0].part, 9u);
  EXPECT_EQ(said[0].first, 20u);
  EXPECT_EQ(said[0].count, 30u);
  EXPECT_EQ(said[0].lane, 1u);
  EXPECT_EQ(node->lent.at(said[0].parameters.id), model);
  say(part_begun{9, true});
  say(evaluated_part{9, {30, 12, 1.5}, 0.1, {}});
  ASSERT_THAT(sink.heard<part_begun>(), SizeIs(1));
  EXPECT_EQ(sink.heard<part_begun>()[0].part, 9u);
  ASSERT_THAT(sink.heard<evaluated_part>(), SizeIs(1));
  EXPECT_EQ(sink.heard<evaluated_part>()[0].sums.correct, 12u);
}

TEST_F(door_tasks_test, that_score_are_called_off_by_their_stop_token) {
  std::stop_source source;
  stage.tell(at, evaluate_task{9, blank_samples(10), model,
                     sink.as<score_sink>(), source.get_token(), 0, 0});
  EXPECT_THAT(node->sent<call_off>(), IsEmpty());

  source.request_stop();
  stage.run();

  ASSERT_THAT(node->sent<call_off>(), SizeIs(1));
  EXPECT_EQ(node->sent<call_off>()[0].part, 9u);
  say(evaluated_part{9, {}, 0.0, caf::make_error(errc::stopped)});
  ASSERT_THAT(sink.heard<evaluated_part>(), SizeIs(1));
  EXPECT_EQ(sink.heard<evaluated_part>()[0].failed, errc::stopped);
}

TEST_F(door_tasks_test, that_are_answered_are_not_called_off) {
  std::stop_source source;
  stage.tell(at, evaluate_task{9, blank_samples(10), model,
                     sink.as<score_sink>(), source.get_token(), 0, 0});
  say(evaluated_part{9, {10, 5, 0.5}, 0.1, {}});

  source.request_stop();
  stage.run();

  EXPECT_THAT(node->sent<call_off>(), IsEmpty());
}

TEST_F(door_tasks_test, that_score_share_the_loan_with_those_that_train) {
  seat(0);
  stage.tell(at, evaluate_task{9, blank_samples(10), model,
                     sink.as<score_sink>(), {}, 0, 0});
  const auto old = node->lent.begin()->first;
  EXPECT_THAT(node->lent, SizeIs(1));
  model = filled(values);
  seat(1);

  finish(0, 70);
  EXPECT_TRUE(node->lent.contains(old));
  say(evaluated_part{9, {10, 5, 0.5}, 0.1, {}});

  EXPECT_FALSE(node->lent.contains(old));
}

TEST_F(door_tasks_test, that_nobody_asked_for_have_no_score) {
  say(evaluated_part{3, {10, 5, 0.5}, 0.1, {}});

  expect_accused("a score that nobody asked for");
}

TEST_F(door_tasks_test, have_no_score_that_took_no_time) {
  stage.tell(at, evaluate_task{9, blank_samples(10), model,
                     sink.as<score_sink>(), {}, 0, 0});

  say(evaluated_part{
      9, {10, 5, 0.5}, std::numeric_limits<double>::quiet_NaN(), {}});

  expect_accused("seconds");
}

TEST_F(door_tasks_test, go_nowhere_once_the_node_parts) {
  say(farewell{"it has to go", false, 0});

  seat(0);
  stage.tell(at, evaluate_task{9, blank_samples(10), model,
                     sink.as<score_sink>(), {}, 0, 0});

  EXPECT_THAT(node->sent<seated>(), IsEmpty());
  EXPECT_THAT(node->sent<score>(), IsEmpty());
  EXPECT_THAT(node->lent, IsEmpty());
}

TEST_F(door_tasks_test, are_finished_while_their_node_drains) {
  run.hesitates<withdraw>();
  seat(0);
  say(drain{});

  finish(0, 70);

  EXPECT_THAT(sink.heard<update>(), SizeIs(1));
  EXPECT_FALSE(is_closed());
}

} // namespace
} // namespace troupe::tests
