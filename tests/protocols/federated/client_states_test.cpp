#include "protocols/federated/client_states.hpp"

#include <gtest/gtest.h>

#include "protocols/federated/fedasync.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"
#include "tests/protocols/federated/careless.hpp"
#include "tests/protocols/federated/state_history.hpp"

namespace troupe::federated {
namespace {

tensor state_of(float value) {
  auto block = std::make_shared<gpu::buffer>(1);
  block->span()[0] = value;
  return block;
}

float value_of(const tensor& state) {
  return state ? state->span()[0] : 0.0f;
}

TEST(client_states_test, offers_nothing_at_first) {
  client_states states;

  EXPECT_FALSE(states.offered(1, 5));
  EXPECT_TRUE(states.holds(1, 5));
}

TEST(client_states_test, counts_a_state_once_its_version_is_out) {
  client_states states;
  states.accepted(5, state_of(1));

  EXPECT_FALSE(states.counted().of(5));
  states.published();

  EXPECT_EQ(value_of(states.counted().of(5)), 1);
  EXPECT_EQ(value_of(states.offered(2, 5)), 1);
}

TEST(client_states_test, keeps_what_there_was_where_a_client_leaves_none) {
  client_states states;
  states.accepted(5, state_of(1));
  states.published();

  states.accepted(5, {});
  states.published();

  EXPECT_EQ(value_of(states.counted().of(5)), 1);
}

TEST(client_states_test, builds_on_what_awaits_a_version) {
  client_states states;
  states.accepted(5, state_of(1));

  EXPECT_EQ(value_of(states.offered(2, 5)), 1);
  states.accepted(5, state_of(2));
  states.published();

  EXPECT_TRUE(states.holds(2, 5));
  EXPECT_EQ(value_of(states.counted().of(5)), 2);
}

TEST(client_states_test, takes_back_what_is_in_no_version) {
  client_states states;
  states.accepted(5, state_of(1));
  states.published();
  states.accepted(5, state_of(2));
  states.offered(2, 5);

  states.discard();

  EXPECT_FALSE(states.holds(2, 5));
  EXPECT_EQ(value_of(states.counted().of(5)), 1);
  EXPECT_EQ(value_of(states.offered(3, 5)), 1);
  EXPECT_TRUE(states.holds(3, 5));
}

// Rules by turns; only the careless one skips a round while leases are out.
template <class States>
state_history<States> drawn(std::uint64_t seed) {
  gpu::random_stream random{seed, gpu::stream::user, 8};
  const auto clients = 1 + random.below(6);
  settings common;
  common.seed = seed;
  common.rounds = 5 + random.below(30);
  common.weigh_samples = false;
  common.min_updates = 1 + random.below(3);
  switch (seed % 4) {
  case 0:
    return {seed, fedavg{common, 0.7}, clients};
  case 1:
    return {seed, fedbuff{common, 1 + random.below(4), 1 + random.below(6), 3},
        clients};
  case 2:
    common.min_updates = 1;
    return {seed, fedasync{common, 0.5, {}, 1 + random.below(6), 3}, clients};
  default:
    return {seed, careless{common}, clients};
  }
}

constexpr std::uint64_t histories = 3'000;

TEST(client_states_histories_test, keep_every_promise) {
  std::uint64_t versions = 0, built_on = 0, made_anew = 0;
  for (std::uint64_t seed = 0; seed < histories; ++seed) {
    auto h = drawn<client_states>(seed);
    ASSERT_EQ(h.run(), "") << "seed " << seed;
    versions += h.versions();
    built_on += seed % 4 < 3 ? h.built_on() : 0;
    made_anew += h.made_anew();
    if (seed % 4 < 3)
      EXPECT_EQ(h.made_anew(), 0u) << "by one of our rules, seed " << seed;
  }
  // They are worth telling.
  EXPECT_GT(versions, 5 * histories);
  EXPECT_GT(built_on, histories / 10);
  EXPECT_GT(made_anew, histories / 10);
}

// With one fault each.

struct offers_what_is_published : client_states {
  using client_states::client_states;
  tensor offered(lease_id lease, client_id client) {
    client_states::offered(lease, client);
    return counted().of(client);
  }
};

struct keeps_what_was_skipped : client_states {
  using client_states::client_states;
  void discard() {}
};

struct trusts_everybody : client_states {
  using client_states::client_states;
  bool holds(lease_id, client_id) const { return true; }
};

struct trusts_nobody : client_states {
  using client_states::client_states;
  bool holds(lease_id, client_id) const { return false; }
};

struct counts_at_once : client_states {
  using client_states::client_states;
  void accepted(client_id client, tensor state) {
    client_states::accepted(client, std::move(state));
    published();
  }
};

struct forgets_the_last : client_states {
  using client_states::client_states;
  void accepted(client_id client, tensor state) {
    client_states::accepted(last_, std::exchange(state_, std::move(state)));
    last_ = client;
  }
  client_id last_ = 0;
  tensor state_;
};

template <class States>
bool is_found(const std::string& words) {
  for (std::uint64_t seed = 0; seed < 500; ++seed)
    if (drawn<States>(seed).run().find(words) != std::string::npos)
      return true;
  return false;
}

TEST(client_states_histories_test, find_every_broken_twin) {
  EXPECT_TRUE(is_found<offers_what_is_published>("goes without what counts"));
  EXPECT_TRUE(is_found<keeps_what_was_skipped>("goes without what counts"));
  EXPECT_TRUE(is_found<trusts_everybody>("built on what does not count"));
  EXPECT_TRUE(is_found<trusts_nobody>("made anew whose state holds"));
  EXPECT_TRUE(is_found<counts_at_once>("goes without what counts"));
  EXPECT_TRUE(is_found<forgets_the_last>("a version has other states"));
}

} // namespace
} // namespace troupe::federated
