#include "monitoring/endpoint.hpp"

#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::monitoring {

namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string refusal(const std::string& text) {
  try {
    auto parsed = endpoint::parse(text);
    return "parsed as " + parsed.text();
  } catch (const std::invalid_argument& failure) {
    return failure.what();
  }
}

TEST(endpoint_test, reads_host_and_port) {
  auto where = endpoint::parse("127.0.0.1:9464");

  EXPECT_EQ(where.host, "127.0.0.1");
  EXPECT_EQ(where.port, 9464);
}

TEST(endpoint_test, writes_what_it_reads) {
  for (const auto* text : {"127.0.0.1:0", "localhost:65535", "[::1]:9464"})
    EXPECT_EQ(endpoint::parse(text).text(), text);
}

TEST(endpoint_test, says_what_is_wrong_and_how_it_should_be) {
  EXPECT_THAT(
      refusal("9464"), AllOf(HasSubstr("\"9464\""), HasSubstr("it has no port"),
                           HasSubstr("127.0.0.1:9464")));
  EXPECT_THAT(refusal("[::1]"), HasSubstr("it has no port"));
  EXPECT_THAT(refusal(":9464"), HasSubstr("it has no host"));
  EXPECT_THAT(refusal("[]:9464"), HasSubstr("it has no host"));
  EXPECT_THAT(refusal("::1:9464"), HasSubstr("wants brackets"));
}

TEST(endpoint_test, refuses_what_is_no_port) {
  for (const auto* port : {"", "x", "-1", "65536", "80x", " 80", "99999999999"})
    EXPECT_THAT(refusal(std::string{"localhost:"} + port),
        HasSubstr("is not in 0 to 65535"));
}

} // namespace

} // namespace troupe::monitoring
