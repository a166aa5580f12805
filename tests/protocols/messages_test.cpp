#include <algorithm>
#include <limits>
#include <string>

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "protocols/errc.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/messages.hpp"
#include "protocols/participation.hpp"
#include "protocols/publication.hpp"
#include "protocols/run.hpp"
#include "protocols/state_table.hpp"
#include "protocols/storage.hpp"
#include "protocols/training.hpp"

namespace troupe {
namespace {

template <class Message>
std::string bytes_of(const Message& message) {
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  EXPECT_TRUE(sink.apply(message));
  std::string text;
  for (auto byte : bytes)
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return text;
}

// The bytes stay what they are, and are read back to the same bytes.
template <class Message>
void expect_golden(const Message& message, const std::string& golden) {
  register_messages();
  EXPECT_EQ(bytes_of(message), golden);

  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  ASSERT_TRUE(sink.apply(message));
  Message copy{};
  caf::binary_deserializer source{nullptr, bytes};
  ASSERT_TRUE(source.apply(copy));
  EXPECT_EQ(source.remaining(), 0u);
  EXPECT_EQ(bytes_of(copy), golden);
}

template <class Message>
void expect_refusal(const std::string& name) {
  register_messages();
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  EXPECT_FALSE(sink.apply(Message{}));
  EXPECT_NE(caf::to_string(sink.get_error()).find(name), std::string::npos)
      << caf::to_string(sink.get_error());
}

TEST(messages_test, keep_their_bytes) {
  expect_golden(added{1, {3, 772}}, "00000001"
                                    "02"
                                    "0000000000000003"
                                    "0000000000000304");
  expect_golden(published{258, 1, 0.5f, {0.5, 0.25, 3}}, "0000000000000102"
                                                         "00000001"
                                                         "3f000000"
                                                         "3fe0000000000000"
                                                         "3fd0000000000000"
                                                         "0000000000000003");
  expect_golden(slot_gone{5}, "00000005");
  expect_golden(slot_back{5}, "00000005");
  expect_golden(leave{5}, "00000005");
  expect_golden(withdraw{5}, "00000005");
  expect_golden(slot_scoring{5, true, false}, "00000005"
                                              "0100");
  expect_golden(part_begun{258, true}, "0000000000000102"
                                       "01");
  expect_golden(stored{2, "ab", 0.5}, "0000000000000002" // version
                                      "026162"           // sha256
                                      "3fe0000000000000");
  expect_golden(device_reached{772}, "0000000000000304");
  expect_golden(storage_failed{"full"}, "0466756c6c");
  expect_golden(revoke{772}, "0000000000000304");
  expect_golden(tick{772}, "0000000000000304");
  expect_golden(interrupt{}, "");
  expect_golden(seal{}, "");
  expect_golden(discard{}, "");
}

TEST(messages_test, keep_the_bytes_of_facts_about_nodes) {
  expect_golden(facts::node_joined{"a", 1, 2, "b"}, "0161"
                                                    "0000000000000001"
                                                    "0000000000000002"
                                                    "0162");
  expect_golden(facts::node_left{"a", 1, "b", true, 0.5},
      "0161"
      "0000000000000001"
      "0162"
      "01"
      "3fe0000000000000"); // silence
  expect_golden(facts::node_changed{"a", "lost", 1, 2, 3, 4, 5, 6},
      "0161"
      "046c6f7374"
      "0000000000000001"         // epoch
      "000000020000000300000004" // joining, members, draining
      "0000000500000006");       // left, lost
  expect_golden(facts::node_serves{"a", "h:9"}, "0161"
                                                "03683a39");
  expect_golden(facts::fingerprint_mixed{"a", "b"}, "01610162");
  expect_golden(facts::node_refused{"a", "full", "b"}, "0161"
                                                       "0466756c6c"
                                                       "0162");
}

TEST(messages_test, keep_the_bytes_of_their_errors) {
  evaluated_part part{1, {2, 3, 0.5}, 0.25, {}};
  expect_golden(part, "0000000000000001"
                      "00000000000000020000000000000003"
                      "3fe0000000000000"
                      "3fd0000000000000"
                      "0000");
  part.failed = caf::make_error(errc::stopped);
  expect_golden(part, "0000000000000001"
                      "00000000000000020000000000000003"
                      "3fe0000000000000"
                      "3fd0000000000000"
                      "0400");
  scored score{4, {2, 3, 0.5}, 0.25, 0.125, {}};
  expect_golden(score, "0000000000000004"
                       "00000000000000020000000000000003"
                       "3fe0000000000000"
                       "3fd0000000000000"
                       "3fc0000000000000"
                       "0000");
  expect_golden(failure{1, 2, caf::make_error(errc::learner_failed, "no")},
      "00000001"
      "0000000000000002"
      "01026e6f");
}

// Of a tensor the handle travels: its id, how many values it has, and that they
// do not follow.
TEST(messages_test, carry_tensors_as_handles) {
  const tensor lent{std::make_shared<const gpu::buffer>(3), 7};
  const std::string handle = "0000000000000007000000000000000300";
  const std::string none(34, '0'), any(32, '0');
  expect_golden(evaluate{2, lent}, "0000000000000002" + handle);
  expect_golden(offer{1, 2, 3, 0.5, 4, lent}, "0000000000000001"
                                              "00000002"
                                              "0000000000000003"
                                              "3fe0000000000000"
                                              "00000004" +
                                                  handle + none + none + any);
  expect_golden(add{1, 2, lent, 0.5, 0.25, {}},
      "000000000000000100000002" + handle + "3fe00000000000003fd0000000000000" +
          none + std::string(16, '0'));
  expect_golden(
      update{1, {2, 3, {4, 5, 0.5, 0.25, true}, 0.5, 0.25, lent, 0.5f, true}},
      "00000001"
      "00000000000000020000000000000003"
      "00000000000000040000000000000005"
      "3fe00000000000003fd000000000000001"
      "3fe00000000000003fd0000000000000" +
          handle + "3f00000001" + none);
  expect_golden(store{2, lent, {{"m", lent}}, {}, 3, 4, true},
      "0000000000000002" + handle + "01016d" + handle +
          "00"
          "00000000000000030000000000000004"
          "01"
          "0000"
          "01"
          "00");
}

// Nobody believes what a node says of its own delta.
TEST(messages_test, leave_behind_what_whoever_brings_a_delta_measures) {
  update what;
  what.result.too_large = true;

  EXPECT_EQ(bytes_of(what), bytes_of(update{}));
}

TEST(messages_test, carry_states_as_tensors) {
  const tensor lent{std::make_shared<const gpu::buffer>(3), 7};
  const std::string handle = "0000000000000007000000000000000300";
  const std::string none(34, '0'), any(32, '0');
  expect_golden(
      offer{1, 2, 3, 0.5, 4, {}, lent}, "000000000000000100000002"
                                        "00000000000000033fe0000000000000"
                                        "00000004" +
                                            none + handle + none + any);
  offer varied{1, 2, 3, 0.5, 4, {}};
  varied.variate = lent;
  varied.within = {9, 2.0};
  expect_golden(varied, "000000000000000100000002"
                        "00000000000000033fe0000000000000"
                        "00000004" +
                            none + none + handle +
                            "0000000000000009"
                            "4000000000000000");
  expect_golden(update{1, {2, 3, {}, 0.5, 0.25, {}, 0.5f, false, true, lent}},
      "00000001"
      "00000000000000020000000000000003"
      "00000000000000000000000000000000"
      "0000000000000000000000000000000000"
      "3fe00000000000003fd0000000000000" +
          none + "3f00000000" + handle);
  const client_state one[] = {{5, lent}};
  store what;
  what.states = state_table{one};
  expect_golden(what, "0000000000000000" + none +
                          "0000"
                          "00000000000000000000000000000000"
                          "00"
                          "0100000005" +
                          handle + "0001");
  store known;
  known.residents.push_back({6, "a", "k"});
  expect_golden(known, "0000000000000000" + none +
                           "0000"
                           "00000000000000000000000000000000"
                           "0000"
                           "01000000060161016b01");
}

TEST(messages_test, name_a_state_that_is_elsewhere) {
  expect_golden(state_stored{7}, "0000000000000007");
  expect_golden(state_elsewhere(state_left_by(6), 3),
      "0000000000000007000000000000000300");
  EXPECT_FALSE(state_elsewhere(no_state, 3));
  EXPECT_NE(state_left_by(0), no_state);
}

// Who has no state pays for none.
TEST(messages_test, take_the_room_of_a_pointer_for_states_that_are_not_there) {
  EXPECT_EQ(sizeof(rare_tensor), sizeof(void*));
}

TEST(messages_test, leave_the_bytes_of_a_tensor_behind) {
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  ASSERT_TRUE(sink.apply(tensor{std::make_shared<const gpu::buffer>(3), 7}));
  tensor there{std::make_shared<const gpu::buffer>(5)};
  caf::binary_deserializer source{nullptr, bytes};
  ASSERT_TRUE(source.apply(there));

  EXPECT_EQ(there.here, nullptr);
  EXPECT_TRUE(there);
  EXPECT_EQ(there.id, 7u);
  EXPECT_EQ(there.count, 3u);
}

// Small ones of the host; as they lie in memory, and not big-endian.
TEST(messages_test, take_the_values_of_a_small_tensor_along) {
  auto own = std::make_shared<gpu::buffer>(2);
  own->span()[0] = 0.5f;
  own->span()[1] = std::numeric_limits<float>::denorm_min();

  expect_golden(evaluate{2, own}, "0000000000000002"
                                  "0000000000000000"
                                  "0000000000000002"
                                  "01"
                                  "0000003f01000000");
  expect_golden(evaluate{2, std::make_shared<gpu::buffer>(0)},
      "0000000000000002"
      "0000000000000000"
      "0000000000000000"
      "01");
}

TEST(messages_test, bring_back_the_values_that_went_along) {
  auto own = std::make_shared<gpu::buffer>(tensor::most_along);
  for (std::size_t i = 0; i < own->size(); ++i)
    own->span()[i] = static_cast<float>(i);
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  ASSERT_TRUE(sink.apply(tensor{own}));
  tensor there;
  caf::binary_deserializer source{nullptr, bytes};
  ASSERT_TRUE(source.apply(there));

  ASSERT_TRUE(there.here);
  EXPECT_EQ(there.count, own->size());
  EXPECT_TRUE(std::ranges::equal(there->span(), own->span()));
}

// However many it says there are: no memory is taken for more than may come.
TEST(messages_test, take_no_values_along_but_those_of_small_tensors) {
  const auto is_read = [](std::uint64_t id, std::uint64_t count,
                           std::size_t follow) {
    caf::byte_buffer bytes;
    caf::binary_serializer sink{nullptr, bytes};
    EXPECT_TRUE(sink.apply(id) && sink.apply(count) && sink.apply(true));
    bytes.resize(bytes.size() + follow);
    tensor there;
    caf::binary_deserializer source{nullptr, bytes};
    return source.apply(there) && source.remaining() == 0;
  };

  EXPECT_TRUE(is_read(0, 5, 20));
  EXPECT_FALSE(is_read(0, 5, 19));
  EXPECT_FALSE(is_read(7, 5, 20)) << "it is lent";
  EXPECT_TRUE(is_read(0, tensor::most_along, 4 * tensor::most_along));
  EXPECT_FALSE(is_read(0, tensor::most_along + 1, 4 * tensor::most_along + 4));
  EXPECT_FALSE(is_read(0, ~std::uint64_t{0}, 100));
}

TEST(messages_test, refuse_by_name_a_tensor_of_this_process) {
  register_messages();
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};

  EXPECT_FALSE(sink.apply(evaluate{
      1, std::make_shared<const gpu::buffer>(tensor::most_along + 1)}));

  EXPECT_NE(caf::to_string(sink.get_error()).find("troupe::tensor"),
      std::string::npos);
}

TEST(messages_test, refuse_by_name_to_take_memory_out_of_the_process) {
  expect_refusal<seated_offer>("troupe::seated_offer");
  expect_refusal<train_task>("troupe::train_task");
  expect_refusal<publish>("troupe::publish");
  expect_refusal<evaluate_task>("troupe::evaluate_task");
  expect_refusal<begin>("troupe::begin");
  expect_refusal<run_report>("troupe::run_report");
  expect_refusal<fact_batch>("troupe::fact_batch");
  expect_refusal<enrol>("troupe::enrol");
  expect_refusal<lend>("troupe::lend");
  expect_refusal<slots_lent>("troupe::slots_lent");
}

TEST(messages_test, keep_their_type_ids) {
  auto first = caf::first_custom_type_id;

  EXPECT_EQ(caf::type_id_v<fact_batch>, first);
  EXPECT_EQ(caf::type_id_v<errc>, first + 100);
  EXPECT_EQ(caf::type_id_v<offer>, first + 200);
  EXPECT_EQ(caf::type_id_v<tick>, first + 221);
  EXPECT_EQ(caf::type_id_v<discard>, first + 222);
  EXPECT_EQ(caf::type_id_v<device_reached>, first + 223);
  EXPECT_EQ(caf::type_id_v<part_begun>, first + 224);
  EXPECT_EQ(caf::type_id_v<slot_scoring>, first + 225);
  EXPECT_EQ(caf::type_id_v<slot_back>, first + 226);
  EXPECT_EQ(caf::type_id_v<slots_lent>, first + 231);
  EXPECT_EQ(caf::type_id_v<seated_offer>, first + 232);
  EXPECT_EQ(caf::type_id_v<revoke>, first + 233);
  EXPECT_EQ(caf::type_id_v<facts::node_joined>, first + 234);
  EXPECT_EQ(caf::type_id_v<facts::node_left>, first + 235);
  EXPECT_EQ(caf::type_id_v<facts::node_changed>, first + 236);
  EXPECT_EQ(caf::type_id_v<facts::node_serves>, first + 237);
  EXPECT_EQ(caf::type_id_v<facts::node_refused>, first + 238);
  EXPECT_EQ(caf::type_id_v<state_stored>, first + 239);
  EXPECT_EQ(caf::type_id_v<facts::fingerprint_mixed>, first + 240);
}

TEST(errc_test, has_a_name_for_every_code) {
  for (std::uint8_t value = 0;; ++value) {
    errc code{};
    if (!from_integer(value, code)) {
      EXPECT_EQ(value, 16);
      break;
    }
    errc back{};
    EXPECT_TRUE(from_string(to_string(code), back));
    EXPECT_EQ(back, code);
  }
}

} // namespace
} // namespace troupe
