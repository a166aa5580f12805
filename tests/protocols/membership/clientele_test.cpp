#include "protocols/membership/clientele.hpp"

#include <algorithm>
#include <map>

#include <gmock/gmock.h>

#include "gpu/random.hpp"

namespace troupe::membership {
namespace {

using testing::HasSubstr;

TEST(clientele_test, numbers_residents_behind_all_placed_clients) {
  clientele x{100};

  EXPECT_EQ(x.client_of("b", "k"), 100u);
  EXPECT_EQ(x.client_of("a", "l"), 101u);
  EXPECT_EQ(x.client_of("b", "k"), 100u);
  EXPECT_EQ(x.size(), 2u);
}

TEST(clientele_test, goes_on_behind_those_it_is_told_of) {
  clientele x{10, {{10, "a", "k"}, {13, "b", "l"}}};

  EXPECT_EQ(x.client_of("b", "l"), 13u);
  EXPECT_EQ(x.client_of("c", ""), 14u);
}

TEST(clientele_test, keeps_an_identity_from_another_key) {
  const clientele x{10, {{10, "a", "k"}, {11, "b", ""}}};

  EXPECT_FALSE(x.objection("a", "k"));
  const auto other = x.objection("a", "l");

  ASSERT_TRUE(other);
  EXPECT_EQ(other->why, reason::identity_taken);
  EXPECT_THAT(other->text, HasSubstr("\"a\" came with key l"));
  EXPECT_THAT(other->text, HasSubstr("belongs to key k"));
  EXPECT_THAT(x.objection("b", "l")->text, HasSubstr("belongs to no key"));
}

TEST(clientele_test, has_an_end) {
  clientele x{0, {}, 1};
  x.client_of("a", "");

  EXPECT_FALSE(x.objection("a", ""));
  ASSERT_TRUE(x.objection("b", ""));
  EXPECT_EQ(x.objection("b", "")->why, reason::full);
}

// A life of a run with residents: it is begun anew with what was durable.
template <class Clientele>
std::string broken_promise(std::uint64_t seed) {
  gpu::random_stream random{seed, gpu::stream::user, 12};
  const auto placed = random.below(5);
  std::vector<resident_client> durable;
  Clientele x{placed, durable};
  std::map<std::string, client_id> given; // since the last durable moment, too
  for (int i = 0; i < 100; ++i) {
    const auto name = std::string(1, static_cast<char>('a' + random.below(8)));
    const auto key = random.below(5) == 0 ? "other" : "key of " + name;
    if (random.below(10) == 0) {
      x = Clientele{placed, durable};
      std::erase_if(given, [&](const auto& one) {
        return std::ranges::none_of(durable,
            [&](const auto& each) { return each.identity == one.first; });
      });
    }
    if (x.objection(name, key)) {
      if (key != "other" || !given.contains(name))
        return "keeps its own out";
      continue;
    }
    if (key == "other") {
      if (given.contains(name))
        return "lets another in";
      continue; // it would be the first to have that name
    }
    const auto client = x.client_of(name, key);
    if (client < placed)
      return "gives away the number of a placed client";
    const auto others = [&](const auto& one) {
      return one.second == client && one.first != name;
    };
    const auto [at, is_new] = given.emplace(name, client);
    if (!is_new && at->second != client)
      return "gives another number";
    if (is_new && std::ranges::any_of(given, others))
      return "gives one number twice";
    if (random.below(3) == 0) {
      durable.clear();
      for (const auto& [who, number] : given)
        durable.push_back({number, who, "key of " + who});
    }
  }
  return {};
}

struct numbers_by_arrival : clientele {
  numbers_by_arrival(client_id first, const std::vector<resident_client>&)
      : clientele(first) {}
};

struct counts_from_the_first : clientele {
  counts_from_the_first(client_id, const std::vector<resident_client>& known)
      : clientele(0, known) {}
};

struct believes_names : clientele {
  using clientele::clientele;
  std::optional<refusal> objection(
      const std::string&, const std::string&) const {
    return std::nullopt;
  }
};

template <class Clientele>
bool is_found(const std::string& fault) {
  for (std::uint64_t seed = 0; seed < 200; ++seed)
    if (broken_promise<Clientele>(seed) == fault)
      return true;
  return false;
}

TEST(clientele_histories_test, keep_every_promise) {
  for (std::uint64_t seed = 0; seed < 10'000; ++seed)
    ASSERT_EQ(broken_promise<clientele>(seed), "") << "seed " << seed;
}

TEST(clientele_histories_test, find_every_broken_twin) {
  EXPECT_TRUE(is_found<numbers_by_arrival>("gives another number"));
  EXPECT_TRUE(is_found<counts_from_the_first>(
      "gives away the number of a placed client"));
  EXPECT_TRUE(is_found<believes_names>("lets another in"));
}

} // namespace
} // namespace troupe::membership
