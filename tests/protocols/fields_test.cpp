#include "protocols/fields.hpp"

#include <bit>
#include <cmath>
#include <concepts>
#include <limits>
#include <string>
#include <utility>
#include <variant>

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/deep_to_string.hpp>
#include <caf/exit_reason.hpp>
#include <caf/save_inspector_base.hpp>
#include <caf/sec.hpp>
#include <gtest/gtest.h>

#include "protocols/cluster/frames.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/federated/fedasync.hpp"
#include "protocols/messages.hpp"
#include "protocols/training.hpp"

namespace troupe {
namespace {

template <class What>
caf::byte_buffer written(const What& what) {
  register_messages();
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  EXPECT_TRUE(sink.apply(what)) << caf::to_string(sink.get_error());
  return bytes;
}

template <class What>
bool is_read(const caf::byte_buffer& bytes, What& what) {
  caf::binary_deserializer source{nullptr, bytes};
  return source.apply(what) && source.remaining() == 0;
}

template <class What>
What there_and_back(const What& what) {
  What result{};
  EXPECT_TRUE(is_read(written(what), result));
  return result;
}

std::uint64_t bits(double x) {
  return std::bit_cast<std::uint64_t>(x);
}
std::uint32_t bits(float x) {
  return std::bit_cast<std::uint32_t>(x);
}

template <class Number>
struct numbers_test : testing::Test {
  using limits = std::numeric_limits<Number>;
  using as_bits = typename exact<Number>::bits;
  static constexpr as_bits no_number =
      std::bit_cast<as_bits>(limits::quiet_NaN());

  static constexpr Number odd[] = {0, Number(-0.0), 1, -1, Number(0.1),
      limits::denorm_min(), -limits::denorm_min(), limits::min(),
      std::bit_cast<Number>(as_bits{12345}), limits::max(), limits::lowest(),
      limits::infinity(), -limits::infinity(), limits::quiet_NaN(),
      std::bit_cast<Number>(no_number | as_bits{0xabc})};
};
using both = testing::Types<float, double>;
TYPED_TEST_SUITE(numbers_test, both);

TYPED_TEST(numbers_test, keep_every_bit) {
  for (auto x : this->odd)
    EXPECT_EQ(bits(there_and_back(exact<TypeParam>{x}).value), bits(x)) << x;
}

TYPED_TEST(numbers_test, are_read_by_people_as_what_they_are) {
  EXPECT_EQ(caf::deep_to_string(exact<TypeParam>{TypeParam(0.5)}),
      caf::deep_to_string(TypeParam(0.5)));
}

// What the fields are for. Where this fails, they may go.
TEST(fields_test, stand_in_for_a_format_that_loses_small_numbers) {
  const auto small = std::numeric_limits<double>::denorm_min();

  EXPECT_NE(there_and_back(small), small);
}

TEST(fields_test, of_an_update_keep_every_bit) {
  const auto small = std::numeric_limits<double>::denorm_min();
  update what;
  what.result.outcome.loss = small;
  what.result.outcome.square_loss = -0.0;
  what.result.seconds = 3 * small;
  what.result.cpu_seconds = std::numeric_limits<double>::infinity();
  what.result.largest = std::numeric_limits<float>::denorm_min();

  const auto back = there_and_back(what).result;

  EXPECT_EQ(bits(back.outcome.loss), bits(small));
  EXPECT_EQ(bits(back.outcome.square_loss), bits(-0.0));
  EXPECT_EQ(back.seconds, 3 * small);
  EXPECT_TRUE(std::isinf(back.cpu_seconds));
  EXPECT_EQ(back.largest, what.result.largest);
}

TEST(fields_test, of_offers_scores_and_reports_keep_every_bit) {
  const auto small = std::numeric_limits<double>::denorm_min();

  EXPECT_EQ(there_and_back(offer{1, 2, 3, small, 0, {}}).share, small);
  evaluated_part part{1, {2, 3, small}, small, {}};
  EXPECT_EQ(there_and_back(part).sums.loss_sum, small);
  EXPECT_EQ(there_and_back(part).cpu_seconds, small);
  scored score{1, {}, small, small, {}};
  EXPECT_EQ(there_and_back(score).seconds, small);
  EXPECT_EQ(there_and_back(score).cpu_seconds, small);
  cluster::hello first{{}, {}, 1, {}, small};
  EXPECT_EQ(there_and_back(first).silence, small);
  cluster::report said;
  said.waits_since = small;
  said.nodes.resize(1);
  said.nodes[0].since = small;
  EXPECT_EQ(there_and_back(said).waits_since, small);
  EXPECT_EQ(there_and_back(said).nodes[0].since, small);
}

TEST(fields_test, of_a_rule_keep_every_bit) {
  const auto small = std::numeric_limits<double>::denorm_min();
  federated::staleness_function trust;
  trust.exponent = small;
  trust.slope = std::numeric_limits<double>::infinity();
  trust.grace = -0.0;

  const auto back = there_and_back(trust);

  EXPECT_EQ(back.exponent, small);
  EXPECT_EQ(back.slope, trust.slope);
  EXPECT_TRUE(std::signbit(back.grace));
}

/// Takes what a frame may be made of: numbers as their bits alone, and no error
/// of CAF's, with which it does not compile.
struct wholesome : caf::save_inspector_base<wholesome> {
  using types = caf::span<const caf::type_id_t>;
  using name = caf::string_view;

  static constexpr bool has_human_readable_format() { return false; }
  bool begin_object(caf::type_id_t, name) { return true; }
  bool end_object() { return true; }
  bool begin_field(name) { return true; }
  bool begin_field(name, bool) { return true; }
  bool begin_field(name, types, std::size_t) { return true; }
  bool begin_field(name, bool, types, std::size_t) { return true; }
  bool end_field() { return true; }
  bool begin_sequence(std::size_t) { return true; }
  bool end_sequence() { return true; }
  template <std::integral Whole>
  bool value(Whole) {
    return true;
  }
  bool value(name) { return true; }
  bool value(caf::span<const caf::byte>) { return true; }
  template <std::floating_point Number>
  bool value(Number) {
    return false;
  }
};

template <std::size_t... I>
bool all_are_wholesome(std::index_sequence<I...>) {
  wholesome f;
  return (f.apply(std::variant_alternative_t<I, cluster::frame>{}) && ...);
}

TEST(fields_test, are_all_that_frames_have) {
  wholesome f;
  EXPECT_FALSE(f.apply(0.5));
  EXPECT_TRUE(f.apply(cluster::node_report{}));
  EXPECT_TRUE(all_are_wholesome(
      std::make_index_sequence<std::variant_size_v<cluster::frame>>()));
}

caf::error told(const caf::error& x) {
  return there_and_back(failure{1, 2, x}).why;
}

TEST(errors_test, keep_code_and_text) {
  const auto back = told(caf::make_error(errc::out_of_memory, "1 GiB"));

  EXPECT_EQ(back, errc::out_of_memory);
  EXPECT_EQ(text(back), "1 GiB");
  EXPECT_EQ(told(caf::make_error(errc::stopped)), errc::stopped);
}

TEST(errors_test, that_are_none_of_ours_become_one_with_their_text) {
  const auto back = told(caf::make_error(caf::sec::runtime_error, "no luck"));

  EXPECT_EQ(back, errc::learner_failed);
  EXPECT_EQ(text(back), "no luck");
  const auto killed = told(caf::make_error(caf::exit_reason::kill));
  EXPECT_EQ(killed, errc::learner_failed);
  EXPECT_NE(text(killed).find("kill"), std::string::npos);
  const auto part = there_and_back(
      evaluated_part{1, {}, 0.0, caf::make_error(caf::sec::bad_function_call)});
  EXPECT_EQ(part.failed, errc::evaluation_failed);
}

TEST(errors_test, that_are_not_there_stay_away) {
  EXPECT_FALSE(there_and_back(evaluated_part{}).failed);
  EXPECT_FALSE(there_and_back(scored{}).failed);
  EXPECT_EQ(text(caf::error{}), "");
  EXPECT_EQ(code(caf::error{}), "");
}

// Nobody is told that a client failed without a reason.
TEST(errors_test, are_there_where_something_failed) {
  failure what;

  EXPECT_FALSE(is_read(written(failure{1, 2, {}}), what));
}

TEST(errors_test, of_a_code_that_is_not_known_are_not_read) {
  auto bytes = written(failure{1, 2, caf::make_error(errc::stopped)});
  const auto at = bytes.size() - 2; // before a text of no bytes
  ASSERT_EQ(bytes[at], static_cast<caf::byte>(errc::stopped));

  for (int code = 0; code < 256; ++code) {
    bytes[at] = static_cast<caf::byte>(code);
    failure what;
    errc known{};
    const auto is_known = from_integer(static_cast<std::uint8_t>(code), known);
    EXPECT_EQ(is_read(bytes, what), is_known && known != errc::none) << code;
    EXPECT_TRUE(!is_known || text(what.why) != "" || known == errc::none);
  }
}

// What CAF itself writes of an error: that there is one, its code, the number
// of a type, and a message.
TEST(errors_test, in_the_form_of_the_actor_system_are_not_read) {
  const auto head = written(std::pair{client_id{1}, lease_id{2}});
  for (unsigned category : {0u, 1u, 20u, 200u, 0xffffu}) {
    caf::byte_buffer bytes = head;
    for (unsigned byte : {1u, 0xffu, category >> 8, category & 0xffu, 0u, 0u})
      bytes.push_back(static_cast<caf::byte>(byte));
    failure what;
    if (is_read(bytes, what)) {
      EXPECT_NE(code(what.why), "") << "it can be printed";
    }
  }
}

TEST(errors_test, have_texts_that_fit_a_frame) {
  const std::string longest(told_error::longest - 1, 'x');

  EXPECT_EQ(
      text(told(caf::make_error(errc::learner_failed, longest))), longest);
  const auto back =
      told(caf::make_error(errc::learner_failed, longest + "\u00e9" + longest));
  EXPECT_EQ(text(back), longest) << "no character is cut in two";
}

} // namespace
} // namespace troupe
