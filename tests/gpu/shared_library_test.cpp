#include "gpu/cuda/shared_library.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::gpu::cuda {
namespace {

using testing::HasSubstr;

TEST(shared_library_test, takes_the_first_name_that_loads) {
  shared_library maths{"libno-such-thing.so.9", "libm.so.6"};

  EXPECT_EQ(maths.name(), "libm.so.6");
  EXPECT_EQ(maths.symbol<double(double)>("sqrt")(49.0), 7.0);
}

TEST(shared_library_test, says_what_to_install) {
  try {
    shared_library none{"libno-such-thing.so.9", "libnor-this.so"};
    FAIL() << "it was opened";
  } catch (const library_missing& e) {
    EXPECT_THAT(e.what(), HasSubstr("cannot open libno-such-thing.so.9"));
    EXPECT_THAT(e.what(), HasSubstr("libnor-this.so"));
    EXPECT_THAT(e.what(), HasSubstr("install it"));
  }
}

TEST(shared_library_test, names_a_function_that_is_missing) {
  shared_library maths{"libm.so.6"};

  EXPECT_EQ(maths.symbol_if_there<void()>("no_such_function"), nullptr);
  try {
    maths.symbol<void()>("no_such_function");
    FAIL() << "it was found";
  } catch (const library_missing& e) {
    FAIL() << "the library is there: " << e.what();
  } catch (const std::runtime_error& e) {
    EXPECT_THAT(
        e.what(), HasSubstr("libm.so.6 has no function no_such_function"));
  }
}

} // namespace
} // namespace troupe::gpu::cuda
