#include "gpu/training/dataset.hpp"

#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace troupe::training;

// Sample i is {i, i + 1, ...}, its label i modulo 3.
shared_dataset counting_bytes(std::size_t samples, std::size_t width) {
  dataset set{.shape = {width}, .classes = 3, .features = {}, .labels = {}};
  std::vector<std::uint8_t> features;
  for (std::size_t i = 0; i < samples; ++i) {
    set.labels.push_back(static_cast<std::uint8_t>(i % 3));
    for (std::size_t j = 0; j < width; ++j)
      features.push_back(static_cast<std::uint8_t>(i + j));
  }
  set.features = std::move(features);
  return std::make_shared<const dataset>(std::move(set));
}

TEST(dataset_test, multiplies_its_shape_into_a_width) {
  auto images = dataset{
      .shape = {1, 28, 28}, .classes = 10, .features = {}, .labels = {}};

  EXPECT_EQ(images.width(), 784u);
  EXPECT_EQ(images.size(), 0u);
}

TEST(view_test, sees_all_samples_in_order) {
  auto all = view{counting_bytes(5, 1)};

  EXPECT_EQ(all.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(all.index(i), i);
    EXPECT_EQ(all.label(i), i % 3);
  }
}

TEST(view_test, is_empty_at_first) {
  EXPECT_TRUE(view{}.empty());
  EXPECT_TRUE(view{nullptr}.empty());
}

TEST(view_test, slices_indices) {
  auto some = view{counting_bytes(9, 1), {8, 6, 4, 2}};

  auto middle = some.slice(1, 2).slice(1, 1);

  EXPECT_EQ(middle.size(), 1u);
  EXPECT_EQ(middle.index(0), 4u);
  EXPECT_TRUE(some.slice(4, 0).empty());
}

TEST(view_test, slices_a_whole_set) {
  auto part = view{counting_bytes(9, 1)}.slice(3, 4).slice(1, 2);

  EXPECT_EQ(part.index(0), 4u);
  EXPECT_EQ(part.index(1), 5u);
}

TEST(view_test, keeps_its_data_alive) {
  auto set = counting_bytes(2, 1);
  auto watch = std::weak_ptr<const dataset>{set};
  auto part = view{std::move(set)}.slice(0, 1);

  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(part.set().size(), 2u);
}

TEST(view_test, gathers_every_byte_as_byte_over_255) {
  auto samples = view{counting_bytes(1, 256)};
  std::vector<float> features(256);
  std::vector<std::uint8_t> labels(1);

  samples.gather(std::vector<std::uint32_t>{0}, features, labels);

  for (int byte = 0; byte < 256; ++byte)
    EXPECT_EQ(features[static_cast<std::size_t>(byte)],
        static_cast<float>(byte) / 255.0f)
        << byte;
}

TEST(view_test, gathers_rows_in_the_order_asked_for) {
  auto some = view{counting_bytes(9, 2), {8, 6, 4, 2}};
  std::vector<float> features(4);
  std::vector<std::uint8_t> labels(2);

  some.gather(std::vector<std::uint32_t>{2, 0}, features, labels);

  EXPECT_EQ(
      features, (std::vector{4 / 255.0f, 5 / 255.0f, 8 / 255.0f, 9 / 255.0f}));
  EXPECT_EQ(labels, (std::vector<std::uint8_t>{1, 2}));
}

TEST(view_test, gathers_floats_as_they_are) {
  auto set = std::make_shared<const dataset>(dataset{.shape = {2},
      .classes = 2,
      .features = std::vector{0.1f, -2.0f, 3.5f, 1e9f},
      .labels = {0, 1}});
  std::vector<float> features(2);
  std::vector<std::uint8_t> labels(1);

  view{set}.gather(std::vector<std::uint32_t>{1}, features, labels);

  EXPECT_EQ(features, (std::vector{3.5f, 1e9f}));
  EXPECT_EQ(labels[0], 1);
}

} // namespace
