#include "gpu/aggregation/delta.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tests/gpu/aggregation/on_device.hpp"

namespace {

using namespace troupe;
using namespace troupe::tests;

class delta_test : public on_device {};

TEST_P(delta_test, is_the_hosts_to_the_bit) {
  for (std::size_t size : {0, 1, 7, 255, 257, 100003}) {
    auto expected = random_values(size, 1);
    auto given = random_values(size, 2);
    auto trained = sent(expected);
    auto base = sent(given);

    auto most = gpu::to_delta(expected, given);

    EXPECT_EQ(gpu::to_delta(on, trained.span(), base.span()), most);
    EXPECT_EQ(bits(fetched(trained.span())), bits(expected)) << size;
    EXPECT_EQ(gpu::largest_magnitude(on, trained.span()), most);
  }
}

TEST_P(delta_test, says_when_anything_is_not_finite) {
  for (std::size_t place : {0, 511, 70000})
    for (auto value : {not_a_number, -not_a_number, infinity, -infinity}) {
      auto values = random_values(70001, 3);
      values[place] = value;
      auto trained = sent(values);
      auto zeros = sent(std::vector<float>(70001, 0.0f));

      EXPECT_TRUE(std::isnan(gpu::largest_magnitude(on, trained.span())));
      EXPECT_TRUE(std::isnan(gpu::to_delta(on, trained.span(), zeros.span())));
    }
}

TEST_P(delta_test, finds_the_largest_wherever_it_is) {
  for (std::size_t place : {0, 31, 32, 255, 256, 9999}) {
    auto values = random_values(10000, 4);
    values[place] = -1e9f;
    auto held = sent(values);

    EXPECT_EQ(gpu::largest_magnitude(on, held.span()), 1e9f) << place;
  }
}

TEST_P(delta_test, of_another_base_is_the_hosts_to_the_bit) {
  for (std::size_t size : {0, 1, 7, 255, 257, 10007}) {
    auto delta = random_values(size, 1);
    auto given = random_values(size, 2);
    auto current = random_values(size, 3);
    auto out = poisoned(size);

    gpu::rebase(on, sent(given).span(), sent(delta).span(),
        sent(current).span(), out.span());

    for (std::size_t i = 0; i < size; ++i)
      delta[i] = (given[i] + delta[i]) - current[i];
    EXPECT_EQ(bits(fetched(out.span())), bits(delta)) << size;
  }
}

TROUPE_ON_EVERY_DEVICE(delta_test);

} // namespace
