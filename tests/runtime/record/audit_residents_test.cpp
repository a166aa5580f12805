#include "runtime/record/audit_residents.hpp"

#include <gmock/gmock.h>

#include "protocols/state_name.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// Two residents behind ten placed clients, and a version of what both trained.
struct audit_residents_test : testing::Test {
  story told;

  audit_residents_test() {
    tell(facts::client_joined{10, 600, "a", "k"});
    tell(facts::client_joined{11, 300, "b", "l"});
    accept(1, 10);
    accept(2, 11);
    tell(facts::published{1});
    accept(5, 10);
    tell(facts::published{2}); // fact 7
    accept(8, 11);
  }
  template <class Fact>
  void tell(Fact what) {
    told.standing.push_back({told.standing.size() + 1, {}, std::move(what)});
  }
  void accept(lease_id lease, client_id client) {
    facts::accepted what;
    what.lease = lease;
    what.client = client;
    tell(what);
  }
  static checkpoint state(lease_id of_10, lease_id of_11) {
    checkpoint result;
    result.version = 2;
    result.fact_number = 7;
    const client_state some[] = {{10, state_elsewhere(state_left_by(of_10), 3)},
        {11, state_elsewhere(state_left_by(of_11), 3)}};
    result.states.take(some);
    result.residents = {{10, "a", "k"}, {11, "b", "l"}};
    return result;
  }
  auto looking(std::uint64_t placed = 10) {
    return [this, placed] { look_at_residents(told, placed); };
  }
};

TEST_F(audit_residents_test, finds_each_the_same_throughout) {
  tell(facts::client_joined{10, 600, "a", "k"});

  EXPECT_TRUE(has_residents(told));
  EXPECT_EQ(look_at_residents(told, 10),
      "2 identities, each the same client throughout");
  EXPECT_FALSE(has_residents({}));
}

TEST_F(audit_residents_test, finds_an_identity_that_is_two_clients) {
  tell(facts::client_joined{12, 600, "a", "k"});

  EXPECT_THAT(looking(),
      ThrowsMessage<contradiction>(HasSubstr("a is client 10 and client 12")));
}

TEST_F(audit_residents_test, finds_a_client_that_is_two_identities) {
  tell(facts::client_joined{10, 600, "c", "k"});

  EXPECT_THAT(looking(),
      ThrowsMessage<contradiction>(HasSubstr("client 10 is a and c")));
}

TEST_F(audit_residents_test, finds_an_identity_that_came_with_another_key) {
  tell(facts::client_joined{10, 600, "a", "stolen"});

  EXPECT_THAT(looking(),
      ThrowsMessage<contradiction>(HasSubstr("two keys, k and stolen")));
}

TEST_F(audit_residents_test, finds_one_in_the_place_of_a_placed_client) {
  EXPECT_THAT(
      looking(11), ThrowsMessage<contradiction>(HasSubstr("a placed one")));
}

TEST_F(audit_residents_test, finds_the_names_that_the_updates_left) {
  look_at_names(state(5, 2), "version", told);

  EXPECT_THAT([&] { look_at_names(state(1, 2), "version", told); },
      ThrowsMessage<contradiction>(HasSubstr(
          "names the state 2 of client 10, whose last update left 6")));
  EXPECT_THAT([&] { look_at_names(state(5, 8), "version", told); },
      ThrowsMessage<contradiction>(HasSubstr("of client 11")));
}

TEST_F(audit_residents_test, finds_a_checkpoint_that_calls_them_otherwise) {
  auto what = state(5, 2);
  what.residents[1].identity = "c";

  EXPECT_THAT([&] { look_at_names(what, "version", told); },
      ThrowsMessage<contradiction>(HasSubstr("has c as client 11")));
}

} // namespace
} // namespace troupe
