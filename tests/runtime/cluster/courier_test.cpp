#include "runtime/cluster/courier.hpp"

#include <array>
#include <cmath>
#include <limits>

#include "tests/runtime/cluster/courier_fixture.hpp"

namespace troupe::tests {
namespace {

using cluster::courier_errc;

constexpr std::size_t large = 10'000'000; // 40 MB
constexpr auto never = std::numeric_limits<std::size_t>::max();
constexpr std::size_t chunk = std::size_t{256} << 10;

class courier_test : public testing::TestWithParam<medium> {
public:
  two_parties both{GetParam()};
};

TEST_P(courier_test, brings_every_size) {
  for (std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{7'919},
           std::size_t{75'000}, large}) {
    const auto block = noise(count);
    const auto lent = both.one.shelf->lend(block);

    const auto got = result(both.other.fetch(lent));

    EXPECT_FALSE(got.error) << count;
    EXPECT_TRUE(same(got.block, block)) << count;
    EXPECT_NE(got.block, block) << "a copy of its own";
  }
}

TEST_P(courier_test, serves_both_directions_at_once) {
  const auto here = noise(large, 1);
  const auto there = noise(large, 2);

  auto to_other = both.other.fetch(both.one.shelf->lend(here));
  auto to_one = both.one.fetch(both.other.shelf->lend(there));

  EXPECT_TRUE(same(result(std::move(to_other)).block, here));
  EXPECT_TRUE(same(result(std::move(to_one)).block, there));
}

TEST_P(courier_test, brings_twenty_at_once) {
  std::vector<gpu::shared_buffer> blocks;
  std::vector<std::future<fetched>> coming;
  for (std::size_t i = 0; i < 20; ++i) {
    blocks.push_back(noise(1 + i * 20'011, i));
    coming.push_back(both.other.fetch(both.one.shelf->lend(blocks.back())));
  }

  for (std::size_t i = 0; i < 20; ++i)
    EXPECT_TRUE(same(result(std::move(coming[i])).block, blocks[i])) << i;
}

// More than one end may have asked for at once: the rest wait their turn.
TEST_P(courier_test, brings_a_thousand_at_once) {
  std::vector<gpu::shared_buffer> blocks;
  std::vector<std::future<fetched>> coming;
  for (std::size_t i = 0; i < 1'000; ++i) {
    blocks.push_back(noise(i, i));
    coming.push_back(both.other.fetch(both.one.shelf->lend(blocks.back())));
  }

  for (std::size_t i = 0; i < 1'000; ++i)
    EXPECT_TRUE(same(result(std::move(coming[i])).block, blocks[i])) << i;
}

TEST_P(courier_test, brings_everything_however_often_the_channel_breaks) {
  std::vector<gpu::shared_buffer> blocks;
  std::vector<std::future<fetched>> coming;
  for (std::size_t i = 0; i < 5; ++i) {
    blocks.push_back(noise(1'000'000, i));
    coming.push_back(both.other.fetch(both.one.shelf->lend(blocks.back())));
  }
  const auto is_here = [](const auto& of, int ms = 0) {
    return of.wait_for(std::chrono::milliseconds{ms}) ==
           std::future_status::ready;
  };
  for (int breaks = 0; breaks < 6; ++breaks) {
    both.of_one->breaks_at = both.of_one->sent + 2'500'000;
    while (!is_here(both.end_of_other, 10) &&
           !std::ranges::all_of(
               coming, [&](const auto& of) { return is_here(of); })) {
    }
    if (!is_here(both.end_of_other))
      break; // all has come
    both.of_one->breaks_at = never;
    both.connect(GetParam());
  }
  both.of_one->breaks_at = never;

  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_TRUE(same(result(std::move(coming[i])).block, blocks[i])) << i;
}

INSTANTIATE_TEST_SUITE_P(over, courier_test, testing::ValuesIn(every_medium()),
    [](const auto& of) { return to_string(of.param); });

TEST(courier_test, tells_the_largest_magnitude) {
  two_parties both;
  auto values = std::make_shared<gpu::buffer>(200'000);
  std::ranges::fill(values->span(), 0.25f);
  values->span()[150'000] = -3.5f;

  const auto got = result(both.other.fetch(both.one.shelf->lend(values)));

  EXPECT_EQ(got.largest, 3.5f);
}

TEST(courier_test, tells_that_a_value_is_not_finite) {
  two_parties both;
  for (auto bad : {std::numeric_limits<float>::quiet_NaN(),
           -std::numeric_limits<float>::infinity()})
    for (std::size_t at : {0, 99'999, 199'999}) {
      auto values = std::make_shared<gpu::buffer>(200'000);
      std::ranges::fill(values->span(), 0.25f);
      values->span()[at] = bad;

      const auto got = result(both.other.fetch(both.one.shelf->lend(values)));

      EXPECT_TRUE(std::isnan(got.largest)) << bad << " at " << at;
      EXPECT_FALSE(got.error);
    }
}

TEST(courier_test, lets_no_small_one_wait_for_a_large_one) {
  two_parties both;
  std::atomic<bool> large_came{false};
  std::promise<bool> small_came;
  both.other.courier.fetch(handle(both.one.shelf->lend(noise(large))), plenty,
      [&](auto, float, auto) { large_came = true; });

  both.other.courier.fetch(handle(both.one.shelf->lend(noise(1'000))), plenty,
      [&](auto, float, auto) { small_came.set_value(large_came); });

  EXPECT_FALSE(result(small_came.get_future()));
}

TEST(courier_test, gives_its_channel_a_few_chunks_at_once) {
  two_parties both;

  result(both.other.fetch(both.one.shelf->lend(noise(large))));

  EXPECT_LE(both.of_one->most, 2 * (chunk + cluster::parcel::size));
}

TEST(courier_test, fetches_a_tensor_once_for_all_who_ask) {
  two_parties both;
  const auto block = noise(large);
  const auto lent = both.one.shelf->lend(block);

  auto first = both.other.fetch(lent);
  auto second = both.other.fetch(lent);

  const auto got = result(std::move(first)).block;
  EXPECT_EQ(result(std::move(second)).block, got);
  EXPECT_LT(both.of_one->sent, block->bytes() * 11 / 10);
}

TEST(courier_test, takes_no_more_bytes_than_its_caller) {
  two_parties both;
  const auto lent = both.one.shelf->lend(noise(1'000));

  EXPECT_EQ(
      result(both.other.fetch(lent, 3'999)).error, courier_errc::too_large);
  EXPECT_EQ(both.of_other->sent, 0u) << "it was not asked for";
  EXPECT_FALSE(result(both.other.fetch(lent, 4'000)).error);
}

TEST(courier_test, fails_by_name_what_is_not_lent) {
  two_parties both;
  const auto lent = both.one.shelf->lend(noise(10));
  auto of_another_size = handle(lent);
  of_another_size.count = 11;
  const auto released = both.one.shelf->lend(noise(10));
  both.one.shelf->release(released.id);

  EXPECT_EQ(result(both.other.fetch({})).error, courier_errc::not_lent);
  EXPECT_EQ(result(both.other.fetch(released)).error, courier_errc::gone);
  EXPECT_EQ(
      result(both.other.fetch(of_another_size)).error, courier_errc::gone);
  EXPECT_FALSE(result(both.other.fetch(lent)).error) << "the channel goes on";
}

TEST(courier_test, sends_to_its_end_what_is_released_meanwhile) {
  two_parties both;
  auto block = noise(large);
  const auto copy = noise(large);
  auto id = both.one.shelf->lend(block).id;
  const std::weak_ptr<const gpu::buffer> held = block;
  tensor elsewhere;
  elsewhere.id = id;
  elsewhere.count = large;
  auto coming = both.other.fetch(elsewhere);
  while (both.of_one->sent == 0)
    std::this_thread::yield();

  both.one.shelf->release(id);
  block.reset();

  EXPECT_TRUE(same(result(std::move(coming)).block, copy));
  EXPECT_EQ(result(both.other.fetch(elsewhere)).error, courier_errc::gone);
  EXPECT_TRUE(held.expired());
}

TEST(courier_test, goes_on_where_a_broken_channel_stopped) {
  two_parties both;
  const auto block = noise(large);
  const auto small = noise(100'000);
  both.of_one->breaks_at = block->bytes() / 2;
  auto coming = both.other.fetch(both.one.shelf->lend(block));
  auto beside = both.other.fetch(both.one.shelf->lend(small));

  EXPECT_EQ(result(std::move(both.end_of_one)).code().category(),
      std::system_category());
  result(std::move(both.end_of_other));
  const auto before = both.of_one->sent.load();
  both.of_one->breaks_at = never;
  both.connect();

  EXPECT_TRUE(same(result(std::move(coming)).block, block));
  EXPECT_TRUE(same(result(std::move(beside)).block, small));
  const auto after = both.of_one->sent - before;
  EXPECT_GE(before, block->bytes() / 2);
  // What lay in the sockets is lost: at most their buffers, of 8 MB here.
  EXPECT_LT(after, block->bytes() * 3 / 4);
}

TEST(courier_test, waits_for_a_channel) {
  party one, other;
  const auto block = noise(1'000);
  auto coming = other.fetch(one.shelf->lend(block));

  auto [a, b] =
      connected_channels(one.io.context(), other.io.context(), medium::plain);
  one.attach(std::move(a), std::make_shared<watch>());
  other.attach(std::move(b), std::make_shared<watch>());

  EXPECT_TRUE(same(result(std::move(coming)).block, block));
}

TEST(courier_test, detached_it_keeps_what_it_has) {
  two_parties both;
  const auto block = noise(large);
  auto coming = both.other.fetch(both.one.shelf->lend(block));
  while (both.of_one->sent < block->bytes() / 2)
    std::this_thread::yield();

  both.other.courier.detach();
  result(std::move(both.end_of_one)); // the other end hears of it
  const auto before = both.of_one->sent.load();
  both.connect();

  EXPECT_TRUE(same(result(std::move(coming)).block, block));
  EXPECT_LT(both.of_one->sent - before, block->bytes());
}

TEST(courier_test, calls_a_fetch_off) {
  two_parties both;
  const auto block = noise(large);
  const auto lent = both.one.shelf->lend(block);
  const auto beside = noise(500'000);
  auto called_off = both.other.fetch(lent);
  auto coming = both.other.fetch(both.one.shelf->lend(beside));
  while (both.of_one->sent < chunk)
    std::this_thread::yield();

  both.other.courier.cancel(lent.id);

  EXPECT_EQ(result(std::move(called_off)).error, courier_errc::cancelled);
  EXPECT_TRUE(same(result(std::move(coming)).block, beside));
  EXPECT_TRUE(same(result(both.other.fetch(lent)).block, block));
}

TEST(courier_test, asked_again_it_brings_what_was_called_off) {
  two_parties both;
  const auto block = noise(1'000'000);
  const auto lent = both.one.shelf->lend(block);

  for (int i = 0; i < 50; ++i) {
    auto called_off = both.other.fetch(lent);
    both.other.courier.cancel(lent.id);
    auto coming = both.other.fetch(lent);

    const auto error = result(std::move(called_off)).error;
    EXPECT_TRUE(!error || error == courier_errc::cancelled);
    EXPECT_TRUE(same(result(std::move(coming)).block, block)) << i;
  }
}

TEST(courier_test, going_it_calls_off_what_is_pending) {
  party one;
  std::future<fetched> pending, waiting;
  {
    party other;
    waiting = other.fetch(one.shelf->lend(noise(10)));
    auto [a, b] =
        connected_channels(one.io.context(), other.io.context(), medium::plain);
    other.attach(std::move(b), std::make_shared<watch>());
    pending = other.fetch(one.shelf->lend(noise(11)));
  }

  EXPECT_EQ(result(std::move(waiting)).error, courier_errc::cancelled);
  EXPECT_EQ(result(std::move(pending)).error, courier_errc::cancelled);
}

TEST(courier_test, keeps_a_slow_peer_to_itself) {
  two_parties both;
  const auto block = noise(large);
  const auto lent = both.one.shelf->lend(block);
  party deaf; // shares the shelf and the thread of one, and never reads
  cluster::courier to_deaf{
      both.one.shelf, cluster::post_to(both.one.io.context().get_executor())};
  auto [a, b] = connected_sockets(both.one.io.context(), deaf.io.context());
  auto seen = std::make_shared<watch>();
  to_deaf.attach(std::make_unique<watched_channel>(
                     std::make_unique<cluster::socket_channel>(
                         cluster::stream{std::move(a)}),
                     seen),
      {});
  boost::asio::write(
      b, boost::asio::buffer(cluster::to_bytes(
             {cluster::parcel::kind::fetch, 0, lent.id, 0, block->bytes()})));

  EXPECT_TRUE(same(result(both.other.fetch(lent)).block, block));
  EXPECT_LE(seen->most, 2 * (chunk + cluster::parcel::size));
  EXPECT_LT(seen->sent, block->bytes());
}

} // namespace
} // namespace troupe::tests
