#include "runtime/collective/meeting.hpp"

#include "tests/runtime/collective/some_ranks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace troupe::collective {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

/// What a rank's meeting came to: "" or what it threw.
using outcome = std::future<std::string>;

template <class Meet>
outcome begun(Meet meet) {
  return std::async(std::launch::async, [meet]() -> std::string {
    try {
      channel_group on{meet()};
      on.barrier();
      return {};
    } catch (const std::exception& error) {
      return error.what();
    }
  });
}

outcome begun_as_first(meeting_place& at, std::uint32_t ranks, appointment when,
    medium by = medium::tcp) {
  return begun([&at, ranks, by, when = std::move(when)] {
    return meet_as_first(at, ranks, by, when);
  });
}

outcome begun_as(std::uint32_t rank, std::uint32_t ranks,
    const std::string& address, appointment when) {
  return begun([address, rank, ranks, when = std::move(when)] {
    return meet(address, rank, ranks, when);
  });
}

appointment number(std::uint64_t which, std::stop_token stop = {}) {
  appointment result{20s};
  result.number = which;
  result.stop = std::move(stop);
  return result;
}

TEST(meeting_test, ends_soon_when_it_is_called_off) {
  for (auto by : {medium::tcp, medium::memory}) {
    meeting_place place{"127.0.0.1:0"};
    std::stop_source stop;
    auto first = begun_as_first(place, 3, number(0, stop.get_token()), by);
    auto second = begun_as(1, 3, place.address(), number(0, stop.get_token()));
    auto far = begun_as(1, 2, "127.0.0.1:1", number(0, stop.get_token()));
    EXPECT_EQ(second.wait_for(200ms), std::future_status::timeout);

    const auto before = clock::now();
    stop.request_stop();

    EXPECT_EQ(
        first.get(), "rank 0: the meeting was called off before all had come");
    EXPECT_THAT(second.get(),
        AnyOf("rank 1: the meeting was called off before all had come",
            HasSubstr("is no rank 0, or it gave up")));
    EXPECT_EQ(
        far.get(), "rank 1: the meeting was called off before all had come");
    EXPECT_LT(clock::now() - before, 2s); // of 20
  }
}

TEST(meeting_test, takes_place_time_and_again) {
  meeting_place place{"127.0.0.1:0"};
  for (std::uint64_t turn = 0; turn < 30; ++turn) {
    auto when = number(turn);
    if (turn % 3 == 2)
      when.by = tests::common_credentials();
    const auto by = turn % 3 == 1 ? medium::memory : medium::tcp;
    const auto ranks = static_cast<std::uint32_t>(2 + turn % 3);
    std::vector<outcome> all;
    all.push_back(begun_as_first(place, ranks, when, by));
    for (std::uint32_t r = 1; r < ranks; ++r)
      all.push_back(begun_as(r, ranks, place.address(), when));

    for (auto& each : all)
      ASSERT_EQ(each.get(), "") << "meeting " << turn;
  }
}

TEST(meeting_test, sends_away_who_is_late_and_has_who_is_early_come_again) {
  meeting_place place{"127.0.0.1:0"};
  auto early = begun_as(1, 2, place.address(), number(5));
  auto late = begun_as(1, 2, place.address(), number(3));
  std::stop_source stop;
  auto fourth = begun_as_first(place, 2, number(4, stop.get_token()));
  EXPECT_EQ(late.get(), "rank 1 comes to meeting 3, rank 0 is at meeting 4");
  stop.request_stop();
  EXPECT_THAT(fourth.get(), HasSubstr("called off"));

  auto fifth = begun_as_first(place, 2, number(5));

  EXPECT_EQ(fifth.get(), "");
  EXPECT_EQ(early.get(), "");
}

TEST(meeting_test, expects_again_who_left_before_all_had_come) {
  meeting_place place{"127.0.0.1:0"};
  auto first = begun_as_first(place, 3, number(0), medium::memory);
  std::stop_source stop;
  auto leaves = begun_as(1, 3, place.address(), number(0, stop.get_token()));
  EXPECT_EQ(leaves.wait_for(200ms), std::future_status::timeout);
  stop.request_stop();
  EXPECT_THAT(leaves.get(), HasSubstr("called off"));

  auto second = begun_as(1, 3, place.address(), number(0));
  auto third = begun_as(2, 3, place.address(), number(0));

  EXPECT_EQ(first.get(), "");
  EXPECT_EQ(second.get(), "");
  EXPECT_EQ(third.get(), "");
}

TEST(meeting_test, is_no_longer_than_patience) {
  meeting_place place{"127.0.0.1:0"};
  auto when = number(0);
  when.patience = 150ms;

  EXPECT_EQ(begun_as_first(place, 3, when).get(),
      "rank 0: rank 1, 2 did not come within 150 ms");
  EXPECT_EQ(begun_as(1, 2, "127.0.0.1:1", when).get(),
      "rank 1: rank 0 did not answer at 127.0.0.1:1 within 150 ms");
}

class tls_meeting_test : public testing::Test {
protected:
  static appointment with(credentials by, std::chrono::milliseconds most) {
    appointment result{most};
    result.by = std::move(by);
    return result;
  }

  tests::scratch_directory scratch;
  meeting_place place{"127.0.0.1:0"};
};

TEST_F(tls_meeting_test, refuses_a_certificate_of_another_authority) {
  cluster::certificates::init(scratch / "other");
  auto first = begun_as_first(place, 2, with(tests::common_credentials(), 3s));
  auto other = begun_as(
      1, 2, place.address(), with(credentials_in(scratch / "other"), 10s));

  EXPECT_THAT(first.get(),
      HasSubstr("rank 1 did not come within 3000 ms; somebody was turned away: "
                "the peer refused: "));
  EXPECT_THAT(
      other.get(), HasSubstr("is not signed by the authority in ca.pem"));
}

TEST_F(tls_meeting_test, refuses_by_name_whose_certificate_was_taken_back) {
  const auto ours = scratch / "ours";
  cluster::certificates::init(ours);
  cluster::certificates::issue(ours, "mallory");
  const auto mallory = credentials_in(ours, "mallory");
  cluster::certificates::revoke(ours, "mallory");
  auto first = begun_as_first(place, 2, with(credentials_in(ours), 3s));
  auto other = begun_as(1, 2, place.address(), with(mallory, 10s));

  EXPECT_EQ(first.get(),
      "rank 0: rank 1 did not come within 3000 ms; somebody was turned away: "
      "the peer's certificate, mallory, is revoked");
  EXPECT_THAT(other.get(),
      HasSubstr("is no rank 0, or it gave up: the peer refused: "));
}

TEST_F(tls_meeting_test, refuses_who_comes_in_the_clear) {
  auto first = begun_as_first(place, 2, with(tests::common_credentials(), 3s));
  auto other = begun_as(1, 2, place.address(), with({}, 10s));

  EXPECT_THAT(first.get(), HasSubstr("somebody was turned away: "));
  EXPECT_THAT(other.get(), HasSubstr("is no rank 0, or it gave up"));
}

TEST_F(tls_meeting_test, tells_who_comes_under_tls_to_one_in_the_clear) {
  auto first = begun_as_first(place, 2, with({}, 3s));
  auto other =
      begun_as(1, 2, place.address(), with(tests::common_credentials(), 10s));

  EXPECT_EQ(first.get(), "rank 0: rank 1 did not come within 3000 ms");
  EXPECT_THAT(other.get(), StartsWith("rank 1: what answers at"));
}

} // namespace
} // namespace troupe::collective
