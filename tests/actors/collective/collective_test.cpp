// Convener and issuers on a simulated NCCL, by a clock that the test moves.

#include "actors/collective/issuer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <limits>

#include "actors/collective/convener.hpp"
#include "tests/support/part.hpp"
#include "tests/support/rehearsal.hpp"
#include "tests/support/simulated_nccl.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using namespace collective;
using gpu::cuda::nccl_result;
using testing::HasSubstr;

struct collective_test : testing::Test {
  rehearsal stage;
  settings common;
  convener convening;
  std::deque<extra> users;     // by member
  std::vector<issuer> issuers; //
  std::uint64_t incarnation = 1;

  void convene(std::uint32_t size, std::uint32_t least = 1) {
    common.size = size;
    common.least = least;
    common.patience = 10s;
    common.init_time = 5s;
    common.operation_time = 2s;
    common.release_time = 1s;
    convening = stage.system().spawn<convener_impl>(common);
    for (member_id m = 0; m < size; ++m)
      users.emplace_back(stage);
    issuers.resize(size);
  }
  void enlist(member_id m, std::uint32_t wish = 0, std::string device = "") {
    issuer_options options;
    options.who = {m, incarnation, wish,
        device.empty() ? "GPU-" + std::to_string(m) : device};
    options.common = common;
    options.reports_to = convening;
    options.tells = users[m].as<user>();
    options.through = &simulated_nccl::api();
    issuers[m] = stage.system().spawn<issuer_impl>(options);
    stage.run();
  }
  void assemble(std::uint32_t size, std::uint32_t least = 1) {
    convene(size, least);
    for (member_id m = 0; m < size; ++m)
      enlist(m);
    stage.pass(1ms);
  }
  epoch_opened opened(member_id m) {
    auto all = users[m].heard<epoch_opened>();
    return all.empty() ? epoch_opened{} : all.back();
  }
  epoch_closed closed(member_id m) {
    auto all = users[m].heard<epoch_closed>();
    return all.empty() ? epoch_closed{} : all.back();
  }
  performed last_answer(member_id m) {
    auto all = users[m].heard<performed>();
    return all.empty() ? performed{0, 0, outcome::done, trouble::none, "none"}
                       : all.back();
  }
  std::size_t answers(member_id m) {
    return users[m].heard<performed>().size();
  }

  part ask(member_id m, operation_number number, const signature& what,
      std::optional<epoch_id> epoch = {}) {
    const auto place = opened(m);
    auto mine = part_of(what, place.rank, place.size, number);
    stage.tell(
        issuers[m], mine.order({epoch.value_or(place.epoch), number, what},
                        users[m].as<user>()));
    return mine;
  }
  void kill(member_id m) {
    caf::anon_send_exit(issuers[m], caf::exit_reason::kill);
    stage.run();
    issuers[m] = nullptr;
  }
  ~collective_test() override {
    for (auto& x : issuers)
      if (x)
        caf::anon_send_exit(x, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(convening, caf::exit_reason::user_shutdown);
    stage.run();
    EXPECT_EQ(simulated_nccl::open_ends(), 0u);
  }
};

const signature add{operation_kind::all_reduce, gpu::element::f32,
    gpu::reduction::sum, 5, 0, 0};
const signature longer{operation_kind::all_reduce, gpu::element::f32,
    gpu::reduction::sum, 6, 0, 0};

TEST_F(collective_test, ranks_follow_wishes_whoever_came_first) {
  convene(3);
  enlist(2, 1);
  enlist(1, 9);
  enlist(0, 5);
  stage.pass(1ms);

  EXPECT_EQ(opened(2).rank, 0u);
  EXPECT_EQ(opened(0).rank, 1u);
  EXPECT_EQ(opened(1).rank, 2u);
  EXPECT_EQ(opened(1).size, 3u);
}

// One member asks forwards, the next one backwards, and so on.
TEST_F(collective_test, does_every_operation_whatever_order_it_is_asked_in) {
  assemble(4);
  const auto kinds = every_kind(4, 7);
  std::vector<part> parts(4 * kinds.size());
  for (member_id m = 0; m < 4; ++m)
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      const auto number = m % 2 == 0 ? i : kinds.size() - 1 - i;
      parts[m * kinds.size() + number] = ask(m, number, kinds[number]);
    }

  for (member_id m = 0; m < 4; ++m) {
    ASSERT_EQ(answers(m), kinds.size());
    for (const auto& x : users[m].heard<performed>())
      EXPECT_EQ(x.how, outcome::done) << x.text;
    for (std::size_t i = 0; i < kinds.size(); ++i)
      EXPECT_EQ(*parts[m * kinds.size() + i].out,
          parts[m * kinds.size() + i].expected)
          << to_string(kinds[i]) << " at " << m;
  }
}

TEST_F(collective_test, holds_back_what_is_early) {
  assemble(1);
  ask(0, 1, add);
  EXPECT_EQ(answers(0), 0u);

  ask(0, 0, longer);

  const auto all = users[0].heard<performed>();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].number, 0u);
  EXPECT_EQ(all[1].number, 1u);
}

TEST_F(collective_test, gives_nccl_one_call_at_a_time) {
  assemble(2);
  const auto id = simulated_nccl::last_id();
  simulated_nccl::slow_down(id, 0, 3);
  for (operation_number n = 0; n < 4; ++n) {
    ask(0, n, add);
    ask(1, n, add);
  }
  EXPECT_LT(answers(1), 4u);

  for (int i = 0; i < 20; ++i)
    stage.pass(1ms);

  EXPECT_EQ(answers(0), 4u);
  EXPECT_EQ(answers(1), 4u);
  EXPECT_EQ(last_answer(1).how, outcome::done);
}

TEST_F(collective_test, names_a_mismatch_instead_of_hanging) {
  assemble(3);
  ask(0, 0, add);
  ask(1, 0, add);
  ask(2, 0, longer);

  for (member_id m = 0; m < 3; ++m) {
    EXPECT_EQ(last_answer(m).how, outcome::aborted);
    EXPECT_EQ(last_answer(m).why, trouble::mismatch);
    EXPECT_THAT(last_answer(m).text,
        HasSubstr("operation 0: member 2 (rank 2) asks for all_reduce (sum) of "
                  "6 f32, member 0 (rank 0) for all_reduce (sum) of 5 f32"));
  }
}

TEST_F(collective_test, ends_a_gap_at_its_deadline_by_name) {
  assemble(1);
  ask(0, 1, add);
  stage.pass(1999ms);
  EXPECT_EQ(answers(0), 0u);

  stage.pass(1ms);

  EXPECT_EQ(last_answer(0).how, outcome::aborted);
  EXPECT_EQ(last_answer(0).why, trouble::operation_timeout);
  EXPECT_THAT(last_answer(0).text, HasSubstr("number 0 never came"));
}

TEST_F(collective_test, ends_an_operation_that_a_silent_peer_holds_up) {
  assemble(2);
  simulated_nccl::silence(simulated_nccl::last_id(), 1);
  ask(0, 0, add);
  ask(1, 0, add);

  stage.pass(2s);

  for (member_id m = 0; m < 2; ++m)
    EXPECT_EQ(last_answer(m).how, outcome::aborted);
  EXPECT_THAT(closed(0).text, HasSubstr("did not end in time"));
}

TEST_F(collective_test, names_whoever_asks_for_nothing) {
  assemble(2);
  const auto first = opened(0).epoch;
  ask(0, 0, add);

  stage.pass(2s);
  EXPECT_EQ(last_answer(0).why, trouble::operation_timeout);
  stage.pass(1s);

  EXPECT_GT(opened(1).epoch, first);
}

TEST_F(collective_test, tells_everybody_of_an_error_and_begins_anew) {
  assemble(3);
  const auto first = opened(0).epoch;
  simulated_nccl::break_down(simulated_nccl::last_id(), 1,
      nccl_result::remote_error, "the cable was cut");
  ask(0, 0, add);

  stage.pass(60ms);
  stage.pass(1ms);

  EXPECT_EQ(last_answer(0).how, outcome::aborted);
  for (member_id m = 0; m < 3; ++m) {
    EXPECT_EQ(closed(m).epoch, first);
    EXPECT_THAT(closed(m).text, HasSubstr("the cable was cut"));
    EXPECT_EQ(opened(m).epoch, first + 1);
  }
  std::vector<part> parts;
  for (member_id m = 0; m < 3; ++m)
    parts.push_back(ask(m, 0, add));
  for (const auto& x : parts)
    EXPECT_EQ(*x.out, x.expected);
}

TEST_F(collective_test, aborts_for_a_lost_peer_and_goes_on_with_its_heir) {
  assemble(2, 2);
  const auto first = opened(0).epoch;
  ask(0, 0, add);
  kill(1);
  EXPECT_EQ(last_answer(0).why, trouble::lost);
  EXPECT_THAT(last_answer(0).text, HasSubstr("member 1 (rank 1) is gone"));

  incarnation = 2;
  enlist(1);
  stage.pass(1ms);
  ask(0, 0, add);
  auto last = ask(1, 0, add);

  EXPECT_EQ(opened(1).epoch, first + 1);
  EXPECT_EQ(*last.out, last.expected);
}

TEST_F(collective_test, goes_on_with_those_who_are_left) {
  assemble(3, 2);
  kill(0);
  stage.pass(10s);
  stage.pass(1ms);

  EXPECT_EQ(opened(1).rank, 0u);
  EXPECT_EQ(opened(2).rank, 1u);
  EXPECT_EQ(opened(2).size, 2u);
  ask(1, 0, add);
  auto last = ask(2, 0, add);
  EXPECT_EQ(*last.out, last.expected);
}

TEST_F(collective_test, gives_up_when_too_few_are_left) {
  assemble(2, 2);
  kill(0);
  stage.pass(10s);

  const auto away = users[1].heard<turned_away>();
  ASSERT_EQ(away.size(), 1u);
  EXPECT_EQ(away[0].why, refusal::given_up);
  EXPECT_THAT(away[0].text, HasSubstr("only 1 of 2 members"));
}

TEST_F(collective_test, drops_orders_of_an_old_epoch_by_name) {
  assemble(1);
  const auto first = opened(0).epoch;
  simulated_nccl::break_down(
      simulated_nccl::last_id(), 0, nccl_result::system_error, "a fault");
  stage.pass(60ms);
  stage.pass(1ms);
  ASSERT_GT(opened(0).epoch, first);

  ask(0, 0, add, first);

  EXPECT_EQ(last_answer(0).epoch, first);
  EXPECT_EQ(last_answer(0).how, outcome::old_epoch);
  EXPECT_EQ(simulated_nccl::operations(simulated_nccl::last_id()), 0u);
}

TEST_F(collective_test, does_once_what_it_is_asked_twice) {
  assemble(1);
  ask(0, 0, add);
  ask(0, 0, add);

  const auto all = users[0].heard<performed>();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].how, outcome::done);
  EXPECT_EQ(all[1].how, outcome::duplicate);
  EXPECT_EQ(simulated_nccl::operations(simulated_nccl::last_id()), 1u);
}

TEST_F(collective_test, refuses_two_ranks_on_one_device_in_clear_words) {
  convene(2, 2);
  enlist(0, 0, "GPU-beef");
  enlist(1, 0, "GPU-beef");

  const auto away = users[1].heard<turned_away>();
  ASSERT_EQ(away.size(), 1u);
  EXPECT_EQ(away[0].why, refusal::device_taken);
  EXPECT_THAT(away[0].text,
      HasSubstr("member 1: its device is the one of member 0; every member "
                "needs a GPU of its own"));
  EXPECT_EQ(opened(0).epoch, 0u);
}

TEST_F(collective_test, says_what_does_not_fit_and_ends_the_epoch) {
  assemble(1);
  auto small = part_of(add, 0, 1, 0);
  stage.tell(issuers[0],
      small.order({opened(0).epoch, 0, longer}, users[0].as<user>()));

  EXPECT_EQ(last_answer(0).how, outcome::aborted);
  EXPECT_THAT(last_answer(0).text, HasSubstr("`in` has 5 f32, not 6 f32"));
}

TEST_F(collective_test, gives_up_on_a_communicator_that_never_comes_to_be) {
  common.attempts = 1;
  convene(2, 2);
  enlist(0);
  // Plays member 1: it is there, and joins nothing.
  extra idle{stage};
  stage.tell(
      convening, collective::enlist{{1, 1, 0, "GPU-1"}, idle.as<issuer>()});
  stage.pass(5s);

  EXPECT_EQ(closed(0).why, trouble::init_timeout);
  ASSERT_FALSE(users[0].heard<turned_away>().empty());
  EXPECT_EQ(users[0].heard<turned_away>()[0].why, refusal::given_up);
}

TEST_F(collective_test, ends_without_its_convener) {
  assemble(2);
  ask(0, 0, add);
  caf::anon_send_exit(convening, caf::exit_reason::kill);
  stage.run();

  EXPECT_EQ(last_answer(0).how, outcome::aborted);
  EXPECT_THAT(last_answer(0).text, HasSubstr("the convener is gone"));
}

} // namespace
} // namespace troupe::tests
