#include "runtime/record/provenance.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/launch.hpp"
#include "runtime/record/sha256.hpp"
#include "runtime/topology.hpp"
#include "tests/runtime/scratch_directory.hpp"

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using training::dataset;
using training::view;

dataset samples(std::size_t count) {
  dataset set{.shape = {2},
      .classes = 3,
      .features = std::vector<float>(2 * count),
      .labels = std::vector<std::uint8_t>(count)};
  auto& values = std::get<std::vector<float>>(set.features);
  std::iota(values.begin(), values.end(), 0.0f);
  for (std::size_t i = 0; i < count; ++i)
    set.labels[i] = static_cast<std::uint8_t>(i * i % 3);
  return set;
}

training::shared_dataset shared(dataset set) {
  return std::make_shared<const dataset>(std::move(set));
}

facts::provenance of(const std::vector<view>& clients) {
  return provenance_of(clients, {}, {});
}

std::vector<std::string> between(
    const facts::provenance& then, const facts::provenance& now) {
  configuration what;
  return differences(then, now, what);
}

TEST(provenance_test, is_of_content_wherever_it_lies) {
  auto one = view{shared(samples(9))};
  auto other = view{shared(samples(9)), {0, 1, 2, 3, 4, 5, 6, 7, 8}};

  EXPECT_THAT(between(of({one}), of({other})), IsEmpty());
  EXPECT_THAT(between(of({one.slice(2, 3), one.slice(6, 1)}),
                  of({other.slice(2, 3), other.slice(6, 1)})),
      IsEmpty());
  EXPECT_EQ(of({one, one}).features, of({one}).features) << "it is taken once";
}

TEST(provenance_test, tells_labels_from_features) {
  auto all = view{shared(samples(9))};
  auto other = samples(9);
  std::swap(other.labels[0], other.labels[1]);
  auto relabelled = view{shared(other)};
  other = samples(9);
  std::get<std::vector<float>>(other.features)[17] = 0.0f;
  auto altered = view{shared(other)};

  EXPECT_THAT(between(of({all}), of({relabelled})),
      ElementsAre("data.path: the labels differ from those the run was trained "
                  "on"));
  EXPECT_THAT(between(of({all}), of({altered})),
      ElementsAre("data.path: the features differ from those the run was "
                  "trained on"));
  auto then = provenance_of(std::vector{all}, all, {});
  auto now = provenance_of(std::vector{all}, relabelled, {});
  EXPECT_THAT(between(then, now),
      ElementsAre("data.path: the test set's labels differ from those the run "
                  "was scored by"));
}

TEST(provenance_test, tells_who_has_a_sample_and_in_which_order) {
  auto set = shared(samples(9));
  auto all = view{set};
  auto halves = of({all.slice(0, 4), all.slice(4, 5)});

  for (const auto& other : {of({all.slice(0, 5), all.slice(5, 4)}),
           of({all.slice(4, 5), all.slice(0, 4)}), of({all}),
           of({all.slice(0, 4), {}, all.slice(4, 5)}),
           of({view{set, {1, 0, 2, 3}}, all.slice(4, 5)}),
           of({all.slice(0, 4), view{shared(samples(9))}.slice(4, 5)})})
    EXPECT_NE(other.labels, halves.labels);
}

TEST(provenance_test, tells_shapes_and_types_apart) {
  auto square = samples(2);
  square.shape = {2, 1};
  dataset bytes{.shape = {8},
      .classes = 3,
      .features = std::vector<std::uint8_t>(16),
      .labels = {0, 1}};
  dataset floats{.shape = {2},
      .classes = 3,
      .features = std::vector<float>(4),
      .labels = {0, 1}};

  EXPECT_NE(of({view{shared(samples(2))}}).features,
      of({view{shared(square)}}).features);
  EXPECT_NE(
      of({view{shared(bytes)}}).features, of({view{shared(floats)}}).features);
}

TEST(provenance_test, tells_initial_parameters_apart) {
  auto block = std::make_shared<gpu::buffer>(3);
  auto other = std::make_shared<gpu::buffer>(3);
  other->span()[2] = 1.0f;
  auto drawn = provenance_of({}, {}, {});
  auto given = provenance_of({}, {}, block);

  EXPECT_EQ(drawn.initial, "");
  EXPECT_EQ(given.initial, sha256(std::as_bytes(block->span())));
  EXPECT_THAT(between(given, provenance_of({}, {}, other)),
      ElementsAre("model.init: the initial parameters differ from those the "
                  "run began with"));
  EXPECT_THAT(between(given, drawn), testing::SizeIs(1));
  EXPECT_TRUE(drawn.known()) << "clients without data are known too";
}

// A program that brings its own data.
TEST(provenance_test, serves_programs_too) {
  tests::scratch_directory place;
  auto trained = [&](dataset set, std::uint64_t until, bool resume) {
    auto all = view{shared(std::move(set))};
    auto what = topology{"own"}
                    .model(models::softmax(2, 3))
                    .aggregator(fedavg{.fraction = 1.0})
                    .clients({all.slice(0, 4), all.slice(4, 5)}, sgd{}, local{})
                    .evaluate(all, every{1})
                    .until(rounds{until});
    return execute(
        what, {.out = place / "run", .resume = resume, .quiet = true});
  };
  ASSERT_EQ(trained(samples(9), 2, false), 0);
  auto other = samples(9);
  std::swap(other.labels[0], other.labels[1]);

  testing::internal::CaptureStderr();
  auto code = trained(other, 4, true);
  auto said = testing::internal::GetCapturedStderr();

  EXPECT_EQ(code, 2) << said;
  EXPECT_THAT(said,
      HasSubstr("the program's own data: the labels, or who has which sample, "
                "differ"));
  EXPECT_EQ(trained(samples(9), 4, true), 0);
}

TEST(sha256_test, is_the_same_in_pieces) {
  const std::string text = "the same bytes, one after the other";
  auto bytes = std::as_bytes(std::span{text});
  sha256_stream stream;

  stream.take(bytes.first(7));
  stream.take({});
  stream.take(bytes.subspan(7));

  EXPECT_EQ(stream.digest(), sha256(bytes));
}

} // namespace
} // namespace troupe
