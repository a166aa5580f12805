#include "protocols/collective/messages.hpp"

#include <string>

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "protocols/messages.hpp"

namespace troupe::collective {
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

template <class Message>
void expect_golden(const Message& message, const std::string& golden) {
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

gpu::communicator_id marked() {
  gpu::communicator_id id;
  id.bytes.front() = 0xab;
  id.bytes.back() = 0xcd;
  return id;
}
const std::string mark = "ab" + std::string(252, '0') + "cd";

TEST(collective_messages_test, keep_their_bytes) {
  expect_golden(rejected{2, refusal::device_taken, "no"}, "0000000000000002"
                                                          "01"
                                                          "026e6f");
  expect_golden(name_epoch{3}, "0000000000000003");
  expect_golden(epoch_named{3, 1, marked()}, "0000000000000003"
                                             "00000001" +
                                                 mark);
  expect_golden(form_epoch{3, 1, 2, marked()}, "0000000000000003"
                                               "00000001"
                                               "00000002" +
                                                   mark);
  expect_golden(formed{3, 1}, "0000000000000003"
                              "00000001");
  expect_golden(declared{1, {3, 4,
                                {operation_kind::transfer, gpu::element::i64,
                                    gpu::reduction::minimum, 5, 6, 7}}},
      "00000001"
      "0000000000000003"
      "0000000000000004"
      "08"
      "02"
      "03"
      "0000000000000005"
      "00000006"
      "00000007");
  expect_golden(broke{3, 1, "no"}, "0000000000000003"
                                   "00000001"
                                   "026e6f");
  expect_golden(dissolve_epoch{3, trouble::mismatch, "no"}, "0000000000000003"
                                                            "04"
                                                            "026e6f");
  expect_golden(released{3, 1}, "0000000000000003"
                                "00000001");
  expect_golden(performed{3, 4, outcome::aborted, trouble::lost, "no"},
      "0000000000000003"
      "0000000000000004"
      "03"
      "01"
      "026e6f");
  expect_golden(epoch_opened{3, 1, 2}, "0000000000000003"
                                       "00000001"
                                       "00000002");
  expect_golden(epoch_closed{3, trouble::left, "no"}, "0000000000000003"
                                                      "09"
                                                      "026e6f");
  expect_golden(turned_away{refusal::given_up, "no"}, "02"
                                                      "026e6f");
  expect_golden(let_go{3}, "0000000000000003");
  expect_golden(issue_done{3, 4}, "0000000000000003"
                                  "0000000000000004");
  expect_golden(look{3}, "0000000000000003");
  expect_golden(wake_up{3}, "0000000000000003");
  expect_golden(candidate{1, 2, 3, "GPU"}, "00000001"
                                           "0000000000000002"
                                           "00000003"
                                           "03475055");
}

TEST(collective_messages_test, refuse_values_that_no_enumeration_has) {
  register_messages();
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  ASSERT_TRUE(sink.apply(dissolve_epoch{3, trouble{troubles}, ""}));
  dissolve_epoch copy;
  caf::binary_deserializer source{nullptr, bytes};

  EXPECT_FALSE(source.apply(copy));
}

TEST(collective_messages_test, take_no_memory_out_of_the_process) {
  register_messages();
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};

  EXPECT_FALSE(sink.apply(perform{}));
  EXPECT_NE(caf::to_string(sink.get_error()).find("collective::perform"),
      std::string::npos);
}

TEST(collective_messages_test, keep_their_type_ids) {
  const auto first = caf::first_custom_type_id + 300;

  EXPECT_EQ(caf::type_id_v<enlist>, first);
  EXPECT_EQ(caf::type_id_v<perform>, first + 10);
  EXPECT_EQ(caf::type_id_v<turned_away>, first + 17);
}

TEST(collective_messages_test, every_code_has_a_name) {
  for (std::uint8_t i = 0; i < troubles; ++i)
    EXPECT_STRNE(to_string(trouble{i}), "invalid");
  EXPECT_STREQ(to_string(trouble{troubles}), "invalid");
  for (std::uint8_t i = 0; i < refusals; ++i)
    EXPECT_STRNE(to_string(refusal{i}), "invalid");
  EXPECT_STREQ(to_string(refusal{refusals}), "invalid");
  for (std::uint8_t i = 0; i < outcomes; ++i)
    EXPECT_STRNE(to_string(outcome{i}), "invalid");
  EXPECT_STREQ(to_string(outcome{outcomes}), "invalid");
  for (std::uint8_t i = 0; i < operation_kinds; ++i)
    EXPECT_STRNE(to_string(operation_kind{i}), "invalid");
  EXPECT_STREQ(to_string(operation_kind{operation_kinds}), "invalid");
}

} // namespace
} // namespace troupe::collective
