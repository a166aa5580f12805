#include "protocols/cluster/frames.hpp"

#include <string>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/message.hpp>
#include <caf/system_messages.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "protocols/cluster/registration.hpp"
#include "protocols/messages.hpp"

namespace troupe::cluster {
namespace {

template <class What>
caf::byte_buffer bytes_of(const What& what) {
  register_messages();
  caf::byte_buffer result;
  caf::binary_serializer sink{nullptr, result};
  EXPECT_TRUE(sink.apply(what)) << caf::to_string(sink.get_error());
  return result;
}

std::string digits_of(const caf::byte_buffer& bytes) {
  std::string text;
  for (auto byte : bytes)
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

bool is_read(const caf::byte_buffer& bytes, frame& what) {
  caf::binary_deserializer source{nullptr, bytes};
  return source.apply(what) && source.remaining() == 0;
}

// Its bytes stay what they are, and are read back to the same.
void expect_golden(const frame& what, const std::string& golden) {
  const auto bytes = bytes_of(what);
  EXPECT_EQ(digits_of(bytes), golden);
  frame copy;
  ASSERT_TRUE(is_read(bytes, copy));
  EXPECT_EQ(copy.index(), what.index());
  EXPECT_EQ(digits_of(bytes_of(copy)), golden);
}

// First the number of its kind, then its fields; big-endian, texts and lists
// behind their size.
TEST(frames_test, keep_their_bytes) {
  expect_golden(
      hello{errand::courier, "a", 7, "b", 0.5, true, "cpu", {"c", "d"}, {"e"}},
      "00"               // hello
      "01"               // errand
      "0161"             // name
      "0000000000000007" // session
      "0162"             // build
      "3fe0000000000000" // silence
      "01"               // resident
      "03637075"         // fingerprint
      "0201630164"       // lowerable
      "010165");         // settings
  expect_golden(welcome{"a", 2, "c", {"1", "2", "3", "4", "5"}, "cpu", 9,
                    {6, "r", {28, 28}, 10}},
      "01"                                 // welcome
      "0161"                               // name
      "0000000000000002"                   // epoch
      "0163"                               // configuration
      "01310132013301340135"               // from
      "03637075"                           // fingerprint
      "0000000000000009"                   // durable
      "000000060172"                       // client, run
      "02000000000000001c000000000000001c" // shape
      "000000000000000a");                 // classes
  expect_golden(refusal{"no"}, "02026e6f");
  expect_golden(ready{{0, 1}, "cpu", {"1", "2", "3", "4", "5"}, "h:9", 600},
      "03"                   // ready
      "020001"               // slots
      "03637075"             // fingerprint
      "01310132013301340135" // from
      "03683a39"             // metrics
      "0000000000000258");   // samples
  expect_golden(drain{}, "0d");
  expect_golden(farewell{"bye", true, 130}, "0e03627965"
                                            "01"
                                            "82");
  expect_golden(beat{3}, "0f0000000000000003");
  expect_golden(lower{"cpu"}, "1403637075");
}

TEST(frames_test, keep_the_bytes_of_what_is_asked_for) {
  const tensor lent{std::make_shared<const gpu::buffer>(3), 7};
  const std::string handle = "0000000000000007000000000000000300";

  expect_golden(seated{{1, 2, 3, 0.5, 4, lent, lent, lent, {9, 2.0}}, 5, 6},
      "04"                     // seated
      "0000000000000001"       // lease
      "00000002"               // client
      "0000000000000003"       // base
      "3fe0000000000000"       // share
      "00000004" +             // work
          handle +             // parameters
          handle +             // state
          handle +             // variate
          "0000000000000009"   // steps
          "4000000000000000"   // seconds
          "00000005"           // lane
          "0000000000000006"); // turn
  expect_golden(score{1, 2, 3, lent, 4},
      "05"                 // score
      "0000000000000001"   // part
      "0000000000000002"   // first
      "0000000000000003" + // count
          handle +         // parameters
          "00000004");     // lane
  expect_golden(revoke{7}, "060000000000000007");
  auto small = std::make_shared<gpu::buffer>(1);
  small->span()[0] = 0.5f;
  expect_golden(carried{7, small},
      "11"               // carried
      "0000000000000007" // what
      "0000000000000000" // values: not lent,
      "0000000000000001" // one,
      "01"               // which follows
      "0000003f");
  expect_golden(call_off{7}, "150000000000000007");
  expect_golden(release{7}, "070000000000000007");
  expect_golden(arrived{7}, "080000000000000007");
  expect_golden(durable{7}, "120000000000000007");
  expect_golden(state_stored{7}, "130000000000000007");
}

TEST(frames_test, keep_the_bytes_of_what_came_of_it) {
  const tensor lent{std::make_shared<const gpu::buffer>(3), 7};
  const std::string handle = "0000000000000007000000000000000300";

  expect_golden(update{1, {2, 3, {4, 5, 0.5, 0.25, true}, 0.5, 0.25, lent, 0.5f,
                              true, false, lent}},
      "09"                                 // update
      "00000001"                           // client
      "00000000000000020000000000000003"   // lease, base
      "00000000000000040000000000000005"   // samples, steps
      "3fe00000000000003fd0000000000000"   // loss, square_loss
      "01"                                 // partial
      "3fe00000000000003fd0000000000000" + // seconds, cpu_seconds
          handle +                         // delta
          "3f000000"                       // largest
          "01" +                           // handed_in
          handle);                         // state
  expect_golden(failure{1, 2, caf::make_error(errc::stopped, "so")},
      "0a"
      "00000001"
      "0000000000000002"
      "04" // why: stopped
      "02736f");
  expect_golden(evaluated_part{1, {2, 3, 0.5}, 0.25, {}},
      "0b"               // evaluated_part
      "0000000000000001" // part
      "0000000000000002" // samples
      "0000000000000003" // correct
      "3fe0000000000000" // loss_sum
      "3fd0000000000000" // cpu_seconds
      "0000");           // failed
  expect_golden(part_begun{1, true}, "0c000000000000000101");
}

TEST(frames_test, keep_the_bytes_of_what_ranks_are_told) {
  const tensor lent{std::make_shared<const gpu::buffer>(3), 7};
  const std::string handle = "0000000000000007000000000000000300";
  const std::string seat = "0000000000000001" // epoch
                           "00000002";        // seat

  expect_golden(parallel::convene{1, 2, 3, true, 4},
      "16" + seat +    // convene
          "00000003"   // ranks
          "01"         // opens
          "00000004"); // lane
  expect_golden(
      parallel::muster{1, 2, 3, 4, "a", 5, 6, true, lent, {{"m", lent}}},
      "17" + seat +          // muster
          "0000000300000004" // rank, ranks
          "0161"             // at
          "00000005"         // root
          "0000000000000006" // step
          "01" +             // from_seed
          handle +           // parameters
          "01016d" +
          handle); // blocks
  expect_golden(parallel::advance{1, 2, 3, 4},
      "18" + seat + "00000000000000030000000000000004");
  expect_golden(parallel::assess{1, 2, 3}, "19" + seat + "0000000000000003");
  expect_golden(parallel::hand_over{1, 2, 3}, "1a" + seat + "0000000000000003");
}

TEST(frames_test, keep_the_bytes_of_what_ranks_answer) {
  const tensor lent{std::make_shared<const gpu::buffer>(3), 7};
  const std::string handle = "0000000000000007000000000000000300";
  const std::string seat = "0000000000000001" // epoch
                           "00000002";        // seat
  const std::string half = "3fe0000000000000";

  expect_golden(parallel::convened{1, 2, true, 3, "a"},
      "1b" + seat +
          "01"               // has_state
          "0000000000000003" // step
          "0161");           // at
  expect_golden(parallel::mustered{1, 2}, "1c" + seat);
  expect_golden(parallel::advanced{1, 2, 3, 4, 0.5, 0.5, 0.5, 5, 0.5},
      "1d" + seat + "00000000000000030000000000000004" + // last, samples
          half + half + half + // loss, seconds, computing
          "0000000000000005" + // bytes
          half);               // cpu_seconds
  expect_golden(parallel::assessed{1, 2, 3, {4, 5, 0.5}, 0.5},
      "1e" + seat +
          "0000000000000003"   // step
          "0000000000000004"   // samples
          "0000000000000005" + // correct
          half +
          half); // loss_sum, cpu_seconds
  expect_golden(parallel::handed{1, 2, 3, lent, {{"m", lent}}},
      "1f" + seat + "0000000000000003" + handle + "01016d" + handle);
  expect_golden(parallel::broken{1, 2, 3, 4, "so", true},
      "20" + seat +
          "0000000000000003" // step
          "00000004"         // blames
          "02736f"           // why
          "01");             // fatal
}

TEST(frames_test, keep_the_bytes_of_a_report) {
  report said{"a", "b", 1, 2, 3, 4, true, "c", 0.5, {}, {"d"}, "j", "k"};
  said.nodes.push_back(
      {"e", "member", 0.5, 1, 2, 3, "f", "g", "h", true, 4, 5, "i"});

  expect_golden(said,
      "10"                 // report
      "01610162"           // said, run
      "0000000000000001"   // epoch
      "0000000000000002"   // version
      "0000000000000003"   // versions
      "0000000000000004"   // updates
      "01"                 // promises_bits
      "0163"               // waits_for
      "3fe0000000000000"   // waits_since
      "01"                 // node:
      "0165066d656d626572" //   name, state
      "3fe0000000000000"   //   since
      "0000000000000001"   //   slots
      "0000000000000002"   //   epoch
      "0000000000000003"   //   rejoins
      "01660167"           //   address, why
      "0168"               //   metrics
      "0100000004"         //   resident, client
      "0000000000000005"   //   samples
      "0169"               //   fingerprint
      "010164"             // failures
      "016a"               // rule
      "016b");             // ranks
}

// What is said behind a door. No frame, but it has its bytes as well.
TEST(frames_test, keep_the_bytes_of_an_end) {
  EXPECT_EQ(digits_of(bytes_of(parted{"a", true, 0.5})),
      "0161"               // why
      "01"                 // in_order
      "3fe0000000000000"); // silence
  EXPECT_EQ(digits_of(bytes_of(gone{7, "a", true, 0.5})),
      "0000000000000007"   // session
      "0161"               // why
      "01"                 // in_order
      "3fe0000000000000"); // silence
}

// What CAF itself would carry out.
TEST(frames_test, are_no_messages_of_the_actor_system) {
  register_messages();
  caf::actor_system_config config;
  caf::actor_system system{config};
  caf::byte_buffer kill;
  caf::binary_serializer sink{system, kill};
  ASSERT_TRUE(sink.apply(caf::make_message(
      caf::exit_msg{caf::actor_addr{}, caf::exit_reason::kill})))
      << caf::to_string(sink.get_error());
  frame what;

  EXPECT_FALSE(is_read(kill, what));
}

TEST(frames_test, are_read_whole_or_not_at_all) {
  const auto bytes = bytes_of(frame{seated{{1, 2, 3, 0.5, 4, {}}, 5, 6}});
  frame what;

  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(
        is_read({bytes.begin(), bytes.begin() + std::ptrdiff_t(size)}, what))
        << size;
  auto longer = bytes;
  longer.push_back(caf::byte{0});
  EXPECT_FALSE(is_read(longer, what));
  auto other = bytes;
  other[0] = caf::byte{0xff};
  EXPECT_FALSE(is_read(other, what));
}

// A small one goes along.
TEST(frames_test, refuse_a_large_tensor_that_was_not_lent) {
  register_messages();
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  const tensor own{std::make_shared<const gpu::buffer>(tensor::most_along + 1)};

  EXPECT_FALSE(sink.apply(frame{score{1, 2, 3, own, 4}}));
}

TEST(frames_test, know_every_errand_by_name) {
  for (std::uint8_t value = 0; value < 5; ++value) {
    errand one{}, back{};
    ASSERT_TRUE(from_integer(value, one));
    EXPECT_TRUE(from_string(to_string(one), back));
    EXPECT_EQ(back, one);
  }
  errand none{};
  EXPECT_FALSE(from_integer(5, none));
  EXPECT_FALSE(from_string("errands", none));
}

} // namespace
} // namespace troupe::cluster
