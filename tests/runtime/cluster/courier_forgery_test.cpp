// What a courier makes of another end that lies: it ends the channel, says why,
// and has lost nothing of what it already had.

#include <string_view>

#include <gmock/gmock.h>

#include "runtime/cluster/courier.hpp"
#include "runtime/cluster/crc32c.hpp"
#include "tests/runtime/cluster/courier_fixture.hpp"

namespace troupe::tests {
namespace {

using cluster::courier_errc;
using cluster::parcel;
using kind = cluster::parcel::kind;
using testing::HasSubstr;

constexpr std::uint64_t chunk = std::uint64_t{256} << 10;

class courier_forgery_test : public testing::Test {
public:
  courier_forgery_test() {
    wanted.id = 0x5a;
    wanted.count = 100'000; // a chunk and a half
    coming = victim.fetch(wanted);
    asked = liar.hear();
  }

  std::span<const std::byte> bytes(std::size_t at, std::size_t size) const {
    return std::as_bytes(block->span()).subspan(at, size);
  }
  parcel chunk_at(std::size_t at, std::size_t size) const {
    return {kind::chunk, cluster::crc32c(bytes(at, size)), wanted.id, at, size};
  }

  // The channel ends so, and an honest one that comes after it brings the rest.
  void expect_end(
      courier_errc why, std::string_view words, std::uint64_t goes_on_at = 0) {
    const auto end = result(std::move(liar.ended));
    EXPECT_EQ(end.code(), why) << end.what();
    EXPECT_THAT(end.what(), HasSubstr(words));
    forger honest{victim};
    EXPECT_EQ(honest.hear(),
        (parcel{kind::fetch, 0, wanted.id, goes_on_at, block->bytes()}));
    for (auto at = goes_on_at; at < block->bytes();) {
      const auto size = std::min(chunk, block->bytes() - at);
      honest.say(chunk_at(at, size));
      honest.say(bytes(at, size));
      at += size;
    }
    EXPECT_TRUE(same(result(std::move(coming)).block, block));
  }

  party victim;
  forger liar{victim};
  gpu::shared_buffer block = noise(100'000);
  tensor wanted;
  std::future<fetched> coming;
  parcel asked;
};

TEST_F(courier_forgery_test, asks_as_the_table_says) {
  EXPECT_EQ(asked, (parcel{kind::fetch, 0, 0x5a, 0, 400'000}));
}

TEST_F(courier_forgery_test, notices_a_flipped_bit) {
  auto flipped =
      std::vector<std::byte>(bytes(0, chunk).begin(), bytes(0, chunk).end());
  flipped[12'345] ^= std::byte{4};

  liar.say(chunk_at(0, chunk));
  liar.say(flipped);

  expect_end(courier_errc::corrupted, "tensor 5a: chunk of 262144 bytes at 0");
}

TEST_F(courier_forgery_test, keeps_what_came_before_the_flipped_bit) {
  liar.say(chunk_at(0, chunk));
  liar.say(bytes(0, chunk));
  auto rest = chunk_at(chunk, 400'000 - chunk);
  rest.checksum ^= 1;
  liar.say(rest);
  liar.say(bytes(chunk, 400'000 - chunk));

  expect_end(courier_errc::corrupted, "at 262144", chunk);
}

TEST_F(courier_forgery_test, takes_no_more_than_the_tensor_has) {
  liar.say({kind::chunk, 0, 0x5a, 0, 400'004});

  expect_end(courier_errc::out_of_place, "chunk of 400004 bytes at 0");
}

TEST_F(courier_forgery_test, takes_no_chunk_of_gigabytes) {
  liar.say({kind::chunk, 0, 0x5a, 0, std::uint64_t{1} << 40});

  expect_end(courier_errc::malformed, "chunk of 1099511627776 bytes");
}

TEST_F(courier_forgery_test, takes_no_offset_but_the_next) {
  liar.say({kind::chunk, 0, 0x5a, 4, 8});

  expect_end(courier_errc::out_of_place, "8 bytes at 4");
}

TEST_F(courier_forgery_test, takes_no_offset_that_wraps_around) {
  liar.say({kind::chunk, 0, 0x5a, ~std::uint64_t{7}, 8});

  expect_end(courier_errc::out_of_place, "8 bytes at 18446744073709551608");
}

TEST_F(courier_forgery_test, takes_no_chunks_of_nothing) {
  liar.say({kind::chunk, 0, 0x5a, 0, 0});

  expect_end(courier_errc::out_of_place, "chunk of 0 bytes");
}

TEST_F(courier_forgery_test, takes_no_half_of_a_float) {
  liar.say({kind::chunk, 0, 0x5a, 0, 6});

  expect_end(courier_errc::malformed, "chunk of 6 bytes");
}

TEST_F(courier_forgery_test, takes_nothing_that_it_did_not_ask_for) {
  liar.say({kind::chunk, 0, 0x5b, 0, 400'000});

  expect_end(courier_errc::not_asked, "tensor 5b");
}

TEST_F(courier_forgery_test, takes_nothing_twice) {
  tensor other;
  other.id = 0x77;
  other.count = 1;
  auto small = victim.fetch(other);
  EXPECT_EQ(liar.hear().id, 0x77u);
  const float value = 2;
  const auto raw = std::as_bytes(std::span{&value, 1});
  const parcel whole{kind::chunk, cluster::crc32c(raw), 0x77, 0, 4};

  liar.say(whole);
  liar.say(raw);
  EXPECT_EQ(result(std::move(small)).largest, 2.0f);
  liar.say(whole);

  expect_end(courier_errc::not_asked, "tensor 77");
}

TEST_F(courier_forgery_test, hears_no_gone_of_what_it_did_not_ask_for) {
  liar.say({.what = kind::gone, .id = 1});

  expect_end(courier_errc::not_asked, "tensor 1: gone");
}

TEST_F(courier_forgery_test, knows_no_other_kinds) {
  liar.say({static_cast<kind>(5), 0, 0x5a, 0, 0});

  expect_end(courier_errc::malformed, "kind 5");
}

TEST_F(courier_forgery_test, serves_no_tensor_twice_at_once) {
  const auto lent = victim.shelf->lend(noise(10'000'000));
  const parcel ask{kind::fetch, 0, lent.id, 0, 40'000'000};

  liar.say(ask);
  liar.say(ask);

  expect_end(courier_errc::too_many, "fetch of 40000000 bytes");
}

TEST_F(courier_forgery_test, ignores_a_stop_of_what_is_not_under_way) {
  liar.say({.what = kind::stop, .id = 3});
  liar.say({.what = kind::gone, .id = 0x5a});

  EXPECT_EQ(result(std::move(coming)).error, courier_errc::gone);
}

// Asks for ever and reads nothing: the answers that wait are counted.
TEST_F(courier_forgery_test, answers_no_flood) {
  tensor_id id = 0;
  const auto flood = [&] {
    std::vector<std::byte> many;
    for (int i = 0; i < 1'000; ++i) {
      const auto one =
          cluster::to_bytes({kind::fetch, 0, ++id, 0, 4'000'000'000});
      many.insert(many.end(), one.begin(), one.end());
    }
    liar.say(many);
  };

  try {
    while (id < 10'000'000)
      flood();
  } catch (const boost::system::system_error&) { // it was closed
  }

  expect_end(courier_errc::too_many, "fetch of 4000000000 bytes");
}

TEST_F(courier_forgery_test, makes_nothing_of_noise) {
  auto random = gpu::random_stream{3, gpu::stream::user};
  for (int i = 0; i < 200; ++i) {
    forger babbler{victim};
    EXPECT_EQ(babbler.hear().id, wanted.id);
    std::vector<std::byte> babble(parcel::size * 4);
    for (auto& byte : babble)
      byte = static_cast<std::byte>(random.below(256));
    babble[0] = static_cast<std::byte>(random.below(6));
    babble[1] = babble[2] = babble[3] = std::byte{0};

    babbler.say(babble);

    EXPECT_EQ(result(std::move(babbler.ended)).code().category(),
        cluster::courier_category());
  }
  forger honest{victim};
  EXPECT_EQ(honest.hear().id, wanted.id);
}

} // namespace
} // namespace troupe::tests
