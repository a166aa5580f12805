#include "runtime/data/splits.hpp"

#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/data/idx_content.hpp"
#include "tests/runtime/scratch_directory.hpp"

namespace {

using namespace troupe;
using namespace troupe::tests;
using testing::AllOf;
using testing::HasSubstr;

using shape = std::vector<std::size_t>;

class splits_test : public testing::Test {
protected:
  void put(const std::string& name, const std::string& content) {
    disk.write_atomically(here / name, content);
  }

  // Three training images and two test images of 1 x 2 bytes.
  void put_all(const std::string& suffix = "-idx3-ubyte") {
    put("train-images" + suffix, idx_bytes({3, 1, 2}, "abcdef"));
    put("train-labels-idx1-ubyte", idx_bytes({3}, {"\0\2\1", 3}));
    put("t10k-images" + suffix, idx_bytes({2, 1, 2}, "ghij"));
    put("t10k-labels-idx1-ubyte", idx_bytes({2}, {"\0\4", 2}));
  }

  template <class Read>
  static std::string complaint(Read&& read) {
    try {
      read();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "nothing";
  }

  std::string complaint() {
    return complaint([this] { data::idx(here.path(), disk); });
  }

  scratch_directory here;
  files disk;
};

TEST_F(splits_test, reads_the_four_files) {
  put_all();

  auto [train, test] = data::idx(here.path(), disk);

  EXPECT_EQ(train->size(), 3u);
  EXPECT_EQ(train->shape, (shape{1, 1, 2}));
  EXPECT_EQ(train->labels, (std::vector<std::uint8_t>{0, 2, 1}));
  EXPECT_EQ(test->size(), 2u);
  EXPECT_EQ(std::get<0>(test->features),
      (std::vector<std::uint8_t>{'g', 'h', 'i', 'j'}));
}

TEST_F(splits_test, counts_the_classes_of_both_parts) {
  put_all();

  auto [train, test] = data::idx(here.path(), disk);

  EXPECT_EQ(train->classes, 5u);
  EXPECT_EQ(test->classes, 5u);
}

TEST_F(splits_test, reads_packed_files_and_features_of_floats) {
  put("train-images-idx2-float.gz", packed(idx_floats({2, 1}, {0.5f, 1.5f})));
  put("train-labels.gz", packed(idx_bytes({2}, {"\0\1", 2})));
  put("test-images", idx_floats({1, 1}, {2.5f}));
  put("test-labels", idx_bytes({1}, {"\0", 1}));

  auto [train, test] = data::idx(here.path(), disk);

  EXPECT_EQ(train->shape, shape{1});
  EXPECT_EQ(std::get<1>(train->features), (std::vector{0.5f, 1.5f}));
  EXPECT_EQ(std::get<1>(test->features), std::vector{2.5f});
}

TEST_F(splits_test, keeps_the_channels_of_images) {
  put_all();
  put("train-images-idx3-ubyte", idx_bytes({3, 2, 1, 1}, "abcdef"));
  put("t10k-images-idx3-ubyte", idx_bytes({2, 2, 1, 1}, "abcd"));

  EXPECT_EQ(data::idx(here.path(), disk).train->shape, (shape{2, 1, 1}));
}

TEST_F(splits_test, prefers_plain_files) {
  put_all();
  put("train-images-idx3-ubyte.gz", "not gzip at all");

  EXPECT_EQ(data::idx(here.path(), disk).train->size(), 3u);
}

TEST_F(splits_test, says_what_a_directory_should_hold_that_is_not_there) {
  auto said = complaint([&] { data::idx(here / "nowhere", disk); });

  EXPECT_EQ(
      said, (here / "nowhere").string() +
                ": cannot list: No such file or directory; data.path needs the "
                "directory of train-images*, train-labels*, t10k-images* and "
                "t10k-labels*, plain or .gz");
}

TEST_F(splits_test, says_which_file_is_missing) {
  put_all();
  disk.remove(here / "t10k-labels-idx1-ubyte");

  EXPECT_THAT(complaint(),
      HasSubstr("t10k-labels*: cannot open: No such file or directory; "
                "data.path needs one file named t10k-labels* or test-labels*, "
                "plain or .gz"));
}

TEST_F(splits_test, says_which_files_are_too_many) {
  put_all();
  put("train-images-old", "");

  EXPECT_THAT(
      complaint(), HasSubstr("needs only one file named train-images*, it has "
                             "train-images-idx3-ubyte, train-images-old"));
}

TEST_F(splits_test, reads_what_is_tested_on_alone) {
  put_all();
  disk.remove(here / "train-images-idx3-ubyte");

  const auto part = data::test_part("idx", here.path(), disk);

  EXPECT_EQ(part->size(), 2u);
  EXPECT_EQ(part->classes, 5u);
}

TEST_F(splits_test, reads_what_a_resident_has_alone) {
  put_all();
  disk.remove(here / "t10k-images-idx3-ubyte");

  const auto part = data::own_part(here.path(), disk);

  EXPECT_EQ(part.size(), 3u);
  EXPECT_EQ(part.classes, 3u);
}

TEST_F(splits_test, refuses_parts_that_do_not_fit) {
  put_all();
  put("train-labels-idx1-ubyte", idx_bytes({2}, {"\0\1", 2}));
  EXPECT_THAT(complaint(),
      HasSubstr("byte 4: expected 3 labels, as many as images, found 2"));

  put_all();
  put("t10k-images-idx3-ubyte", idx_bytes({2, 2, 2}, "abcdefgh"));
  EXPECT_THAT(complaint(), AllOf(HasSubstr("expected samples of 1 x 1 x 2"),
                               HasSubstr("found 1 x 2 x 2")));

  put_all();
  put("t10k-images-idx3-ubyte", idx_bytes({0, 1, 2}, ""));
  EXPECT_THAT(complaint(), HasSubstr("expected samples, found 0 x 1 x 2"));

  put_all();
  put("train-images-idx3-ubyte", idx_bytes({3}, "abc"));
  EXPECT_THAT(complaint(), HasSubstr("expected at least two dimensions"));

  put_all();
  put("train-labels-idx1-ubyte", idx_floats({3}, {0.0f, 1.0f, 2.0f}));
  EXPECT_THAT(complaint(),
      HasSubstr(
          "byte 2: expected unsigned bytes (8), one a label, found floats "
          "(13)"));
}

TEST_F(splits_test, says_what_labels_have_to_be) {
  put_all();
  put("train-labels-idx1-ubyte", idx_header(0x0C, {3}) + std::string(12, '\0'));
  EXPECT_THAT(complaint(),
      HasSubstr(
          "byte 2: expected unsigned bytes (8), one a label, found 32-bit "
          "integers (12)"));

  put("train-labels-idx1-ubyte", idx_bytes({3, 1}, "abc"));
  EXPECT_THAT(complaint(),
      HasSubstr("byte 3: expected one dimension, as labels have, found 2"));
}

TEST_F(splits_test, counts_the_bytes_of_packed_files_unpacked) {
  put_all();
  disk.remove(here / "train-labels-idx1-ubyte");
  put("train-labels-idx1-ubyte.gz", packed(idx_bytes({2}, {"\0\1", 2})));

  EXPECT_THAT(complaint(),
      HasSubstr("byte 4: expected 3 labels, as many as images, found 2 (offset "
                "after unpacking)"));
}

TEST_F(splits_test, names_the_package_that_brings_fashion_mnist) {
  auto said = complaint([this] { data::fashion_mnist(here.path(), disk); });

  EXPECT_THAT(said,
      AllOf(HasSubstr("train-images-idx3-ubyte.gz: cannot open: No such file"),
          HasSubstr("install Debian's package dataset-fashion-mnist"),
          HasSubstr("data.path")));
}

TEST_F(splits_test, reads_fashion_mnist) {
  if (!files::exists("/usr/share/datasets/fashion-mnist"))
    GTEST_SKIP() << "needs Debian's package dataset-fashion-mnist";

  auto [train, test] = data::fashion_mnist();

  EXPECT_EQ(train->size(), 60'000u);
  EXPECT_EQ(test->size(), 10'000u);
  EXPECT_EQ(train->shape, (shape{1, 28, 28}));
  EXPECT_EQ(train->classes, 10u);
  EXPECT_EQ(train->labels[0], 9); // an ankle boot
}

} // namespace
