#include "runtime/cluster/resident.hpp"

#include <gmock/gmock.h>

#include "runtime/files/files.hpp"
#include "tests/runtime/data/idx_content.hpp"
#include "tests/runtime/scratch_directory.hpp"

namespace troupe::cluster {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct resident_test : testing::Test {
  tests::scratch_directory place;
  files disk;
  residence at{3, "ab", {1, 1, 2}, 10};

  // Three samples of 1 x 2 bytes, and no test part.
  resident_test() {
    put("train-images", tests::idx_bytes({3, 1, 2}, "abcdef"));
    put("train-labels", tests::idx_bytes({3}, {"\0\2\1", 3}));
  }
  void put(const std::string& name, const std::string& content) {
    disk.write_atomically(place / name, content);
  }
  auto reading() {
    return [this] { own_samples(place.path().string(), at); };
  }
};

TEST_F(resident_test, reads_its_samples_as_those_of_the_run) {
  const auto own = own_samples(place.path().string(), at);

  EXPECT_EQ(own->size(), 3u);
  EXPECT_EQ(own->classes, 10u);
  EXPECT_EQ(own->labels[1], 2u);
}

TEST_F(resident_test, takes_what_there_is_where_the_run_does_not_say) {
  at.shape.clear();
  at.classes = 0;

  EXPECT_EQ(own_samples(place.path().string(), at)->classes, 3u);
}

TEST_F(resident_test, refuses_labels_that_the_run_does_not_have) {
  at.classes = 2;

  EXPECT_THAT(reading(),
      ThrowsMessage<std::runtime_error>(AllOf(HasSubstr(place.path().string()),
          HasSubstr("up to 2"), HasSubstr("2 classes"))));
}

TEST_F(resident_test, refuses_samples_of_another_shape) {
  at.shape = {1, 28, 28};

  EXPECT_THAT(
      reading(), ThrowsMessage<std::runtime_error>(
                     AllOf(HasSubstr("1 x 1 x 2"), HasSubstr("1 x 28 x 28"))));
}

TEST_F(resident_test, says_which_file_is_missing) {
  disk.remove(place / "train-labels");

  EXPECT_THAT(reading(), ThrowsMessage<std::runtime_error>(AllOf(
                             HasSubstr("--data"), HasSubstr("train-labels"))));
}

} // namespace
} // namespace troupe::cluster
