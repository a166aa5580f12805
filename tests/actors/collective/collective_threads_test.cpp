// Issuers on threads of their own, over a simulated NCCL.

#include "actors/collective/issuer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <random>
#include <thread>
#include <tuple>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/after.hpp>
#include <caf/others.hpp>
#include <caf/scoped_actor.hpp>

#include "actors/collective/convener.hpp"
#include "protocols/messages.hpp"
#include "tests/support/part.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/simulated_nccl.hpp"

namespace troupe::tests {
namespace {

using namespace collective;

struct troupe_of_issuers {
  explicit troupe_of_issuers(std::uint32_t size) {
    common.size = common.least = size;
    convening = system.spawn<convener_impl>(common);
  }
  issuer enlist(member_id m, const user& tells) {
    issuer_options options;
    options.who = {m, 1, 0, "GPU-" + std::to_string(m)};
    options.common = common;
    options.reports_to = convening;
    options.tells = tells;
    options.through = &simulated_nccl::api();
    return system.spawn<issuer_impl, caf::detached>(options);
  }
  ~troupe_of_issuers() {
    caf::anon_send_exit(convening, caf::exit_reason::user_shutdown);
  }

  static caf::actor_system_config& configured(caf::actor_system_config& c) {
    register_messages();
    return c;
  }
  caf::actor_system_config config;
  caf::actor_system system{configured(config)};
  settings common;
  convener convening;
};

/// Waits for one message of a kind; passes over others.
template <class Message>
Message hear(caf::scoped_actor& self) {
  Message result;
  bool found = false;
  while (!found)
    self->receive(
        [&](const Message& x) {
          result = x;
          found = true;
        },
        caf::others >> [](caf::message&) -> caf::skippable_result {
          return caf::message{};
        },
        caf::after(std::chrono::seconds{60}) >>
            [&] {
              ADD_FAILURE() << "nothing was heard for a minute";
              found = true;
            });
  return result;
}

class collective_threads_test
    : public testing::TestWithParam<std::tuple<std::uint32_t, std::uint64_t>> {
};

// Every rank asks from two threads at once, each in a random order of its own:
// by themselves they would deadlock, as communicator_test shows.
TEST_P(collective_threads_test, do_all_that_racing_threads_ask_for) {
  const auto [size, count] = GetParam();
  troupe_of_issuers all{size};
  const auto kinds = every_kind(size, count);
  // Whoever leaves ends the epoch, also for those who have yet to hear.
  std::barrier all_heard{std::ptrdiff_t{size}};
  as_ranks(int(size), [&, size = size](int member) {
    caf::scoped_actor self{all.system};
    const auto me = caf::actor_cast<user>(self);
    auto mine = all.enlist(member_id(member), me);
    const auto place = hear<epoch_opened>(self);
    std::vector<part> parts;
    for (std::size_t n = 0; n < 2 * kinds.size(); ++n)
      parts.push_back(
          part_of(kinds[n % kinds.size()], place.rank, place.size, n));
    as_ranks(2, [&](int half) {
      std::vector<std::size_t> numbers;
      for (std::size_t n = 0; n < parts.size(); ++n)
        if (int(n % 2) == half)
          numbers.push_back(n);
      std::ranges::shuffle(numbers, std::mt19937{unsigned(member * 2 + half)});
      for (auto n : numbers)
        caf::anon_send(mine,
            parts[n].order({place.epoch, n, kinds[n % kinds.size()]}, me));
    });
    for (std::size_t n = 0; n < parts.size(); ++n) {
      const auto answer = hear<performed>(self);
      EXPECT_EQ(answer.how, outcome::done) << answer.text;
    }
    all_heard.arrive_and_wait();
    for (std::size_t n = 0; n < parts.size(); ++n)
      EXPECT_EQ(*parts[n].out, parts[n].expected)
          << to_string(kinds[n % kinds.size()]) << " at " << member;
    caf::anon_send_exit(mine, caf::exit_reason::user_shutdown);
    self->wait_for(mine);
  });
  EXPECT_EQ(simulated_nccl::open_ends(), 0u);
}

INSTANTIATE_TEST_SUITE_P(sizes, collective_threads_test,
    testing::Combine(testing::Values(1u, 2u, 3u, 4u, 7u),
        testing::Values(std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1009},
            std::uint64_t{65'537})),
    [](const auto& over) {
      return std::to_string(std::get<0>(over.param)) + "_ranks_" +
             std::to_string(std::get<1>(over.param)) + "_elements";
    });

TEST(collective_threads_faults_test,
    a_peer_that_dies_ends_what_others_wait_for) {
  troupe_of_issuers all{3};
  const signature what{operation_kind::all_reduce, gpu::element::f32,
      gpu::reduction::sum, 1009, 0, 0};
  std::barrier all_open{3}; // a death before that would be no loss to others
  as_ranks(3, [&](int member) {
    caf::scoped_actor self{all.system};
    const auto me = caf::actor_cast<user>(self);
    auto mine = all.enlist(member_id(member), me);
    const auto place = hear<epoch_opened>(self);
    all_open.arrive_and_wait();
    if (member == 1) {
      caf::anon_send_exit(mine, caf::exit_reason::kill);
    } else {
      auto part = part_of(what, place.rank, place.size, 0);
      caf::anon_send(mine, part.order({place.epoch, 0, what}, me));
      const auto answer = hear<performed>(self);
      EXPECT_NE(answer.how, outcome::done);
      caf::anon_send_exit(mine, caf::exit_reason::user_shutdown);
    }
    self->wait_for(mine);
  });
  EXPECT_EQ(simulated_nccl::open_ends(), 0u);
}

} // namespace
} // namespace troupe::tests
