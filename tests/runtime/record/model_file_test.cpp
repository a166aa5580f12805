#include "runtime/record/model_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/record/checkpoint.hpp"
#include "runtime/record/sha256.hpp"
#include "tests/runtime/scratch_directory.hpp"

namespace {

using namespace troupe;
using testing::ElementsAre;
using testing::HasSubstr;

// A file's content: the header's length, the header, the values.
std::string content(const std::string& header, std::string_view values = "") {
  std::uint64_t length = header.size();
  std::string result(sizeof length, '\0');
  std::memcpy(result.data(), &length, sizeof length);
  return result + header + std::string{values};
}

std::string one_tensor(const std::string& entry, std::string_view values) {
  return content(R"({"w":)" + entry + "}", values);
}

template <class Number>
std::string raw(Number x) {
  std::string result(sizeof x, '\0');
  std::memcpy(result.data(), &x, sizeof x);
  return result;
}

model_file parse(const std::string& bytes) {
  return parse_model(std::as_bytes(std::span{bytes}), "m.safetensors");
}

std::string complaint(const std::string& bytes) {
  try {
    parse(bytes);
  } catch (const bad_file& error) {
    return error.what();
  }
  return "nothing";
}

gpu::layout small_layout() {
  gpu::layout result;
  gpu::append(result, "fc.weight", {2, 2});
  gpu::append(result, "fc.bias", {2});
  return result;
}

class model_file_test : public testing::Test {
protected:
  tests::scratch_directory here;
  files disk;
  std::vector<float> values{1.0f, -2.0f, 0.5f, 3.0f, 1e-3f, 7.0f};
};

// Python reads these bytes: safetensors.numpy.load(open(path, "rb").read()).
TEST_F(model_file_test, writes_golden_bytes) {
  write_model(disk, here / "m", small_layout(), values, {{"version", "3"}});

  auto header = std::string{
      R"({"__metadata__":{"version":"3"},)"
      R"("fc.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
      R"("fc.bias":{"dtype":"F32","shape":[2],"data_offsets":[16,24]}})"};
  header.resize(160, ' ');
  auto bytes = std::string_view{
      reinterpret_cast<const char*>(values.data()), sizeof(float) * 6};
  EXPECT_EQ(disk.read_all(here / "m"), content(header, bytes));
}

TEST_F(model_file_test, reads_what_it_wrote) {
  write_model(disk, here / "m", small_layout(), values, {{"k", "\"ü\n"}});

  auto model = read_model(disk, here / "m");

  EXPECT_EQ(model.layout, small_layout());
  EXPECT_EQ(model.metadata, (metadata{{"k", "\"ü\n"}}));
  EXPECT_THAT(model.values->span(), testing::ElementsAreArray(values));
}

TEST_F(model_file_test, keeps_the_old_model_when_writing_fails) {
  write_model(disk, here / "m", small_layout(), values);
  auto full = files{parse_file_fault("fail@3:write=ENOSPC")};

  EXPECT_THROW(
      write_model(full, here / "m", small_layout(), {values}, {}), file_error);

  EXPECT_EQ(read_model(disk, here / "m").layout.size(), 2u);
  EXPECT_THAT(disk.list(here.path()), ElementsAre("m"));
}

TEST_F(model_file_test, refuses_texts_that_are_not_utf_8) {
  EXPECT_THROW(
      write_model(disk, here / "m", small_layout(), values, {{"path", "\xff"}}),
      std::invalid_argument);
}

TEST_F(model_file_test, says_what_is_missing) {
  EXPECT_THROW(read_model(disk, here / "absent"), file_error);
}

TEST_F(model_file_test, refuses_every_truncation) {
  write_model(disk, here / "m", small_layout(), values);
  auto whole = disk.read_all(here / "m");

  for (std::size_t length = 0; length < whole.size(); ++length) {
    disk.write_atomically(here / "m", whole.substr(0, length));
    EXPECT_THROW(read_model(disk, here / "m"), bad_file) << length;
    EXPECT_THROW(parse(whole.substr(0, length)), bad_file) << length;
  }
  EXPECT_THAT(complaint(whole + "x"), HasSubstr("found 25"));
}

TEST_F(model_file_test, sorts_tensors_by_their_place) {
  auto model = parse(
      content(R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
              R"("a":{"shape":[],"data_offsets":[0,4],"dtype":"F32"},)"
              R"("none":{"dtype":"F32","shape":[3,0],"data_offsets":[4,4]}})",
          "abcdefgh"));

  ASSERT_EQ(model.layout.size(), 3u);
  EXPECT_EQ(model.layout[0].name, "a");
  EXPECT_EQ(model.layout[1].name, "none");
  EXPECT_EQ(model.layout[2].name, "b");
  EXPECT_EQ(model.layout[2].offset, 1u);
}

TEST_F(model_file_test, reads_a_model_without_tensors) {
  EXPECT_EQ(parse(content("{}")).values->size(), 0u);
}

TEST_F(model_file_test, says_what_is_no_safetensors_file) {
  EXPECT_EQ(complaint("PK"),
      "m.safetensors: byte 2: expected the 8 bytes of a header's length");
  EXPECT_EQ(complaint("PK\x03\x04 and so on, a zip file"),
      "m.safetensors: byte 0: expected a header of at most 100000000 bytes, "
      "found 7236828441365138256; this is no safetensors file");
  EXPECT_EQ(complaint(content("{}").replace(0, 1, "\x09")),
      "m.safetensors: byte 8: expected a header of 9 bytes, the file ends "
      "after 2");
  EXPECT_THAT(
      complaint(content(R"({"a":)")), HasSubstr("expected a header in JSON"));
  EXPECT_THAT(complaint(content("[]")), HasSubstr("a JSON object as header"));
  EXPECT_THAT(complaint(content("")), HasSubstr("a header in JSON"));
  EXPECT_THAT(
      complaint(content(R"({"a":1e999})")), HasSubstr("a header in JSON"));
}

TEST_F(model_file_test, refuses_tensors_that_it_cannot_place) {
  EXPECT_THAT(
      complaint(one_tensor(
          R"({"dtype":"I32","shape":[1],"data_offsets":[0,4]})", "abcd")),
      HasSubstr("F32, F64, F16 or BF16 as dtype of tensor \"w\", found I32; "
                "convert it with .float()"));
  EXPECT_THAT(
      complaint(one_tensor(
          R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})", "abcd")),
      HasSubstr("to hold 2 values, found 4 bytes"));
  EXPECT_THAT(
      complaint(one_tensor(
          R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", "abcd")),
      HasSubstr("within the 4 bytes of values, found [0, 8]"));
  EXPECT_THAT(
      complaint(one_tensor(
          R"({"dtype":"F32","shape":[],"data_offsets":[4,8]})", "abcdefgh")),
      HasSubstr("tensor \"w\" at byte 0 of the values, right behind the one "
                "before it, found it at 4"));
  EXPECT_THAT(
      complaint(one_tensor(
          R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})", "abcdefgh")),
      HasSubstr("4 bytes of values, as the tensors say, found 8"));
  EXPECT_THAT(
      complaint(content(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)"
                        R"([0,8]},"b":{"dtype":"F32","shape":[1],)"
                        R"("data_offsets":[4,8]}})",
          "abcdefgh")),
      HasSubstr("tensor \"b\" at byte 8"));
}

TEST_F(model_file_test, refuses_entries_of_the_wrong_kind) {
  for (auto entry : {"1", "[]", "{}", R"({"dtype":1})", R"({"dtype":"F32"})",
           R"({"dtype":"F32","shape":1})", R"({"dtype":"F32","shape":[1]})",
           R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[1.0],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":["1"],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[[1]],"data_offsets":[0,4]})",
           R"({"dtype":"F32","shape":[1],"data_offsets":[0]})",
           R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})",
           R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,4]})",
           R"({"dtype":"F32","shape":[4294967296,4294967296,4294967296],)"
           R"("data_offsets":[0,4]})"})
    EXPECT_THROW(parse(one_tensor(entry, "abcd")), bad_file) << entry;
  EXPECT_THROW(parse(content(R"({"__metadata__":[]})")), bad_file);
  EXPECT_THROW(parse(content(R"({"__metadata__":{"a":1}})")), bad_file);
}

TEST_F(model_file_test, takes_mixed_types_in_any_number) {
  const auto mixed =
      content(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
              R"("b":{"dtype":"F32","shape":[0],"data_offsets":[4,4]},)"
              R"("c":{"dtype":"F64","shape":[1],"data_offsets":[4,12]},)"
              R"("d":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},)"
              R"("e":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}})",
          raw(1.0f) + raw(2.0) + raw(3.0f) + raw(4.0f));

  const auto model = parse(mixed);

  EXPECT_THAT(model.values->span(), ElementsAre(1.0f, 2.0f, 3.0f, 4.0f));
  EXPECT_EQ(model.layout[3].name, "d");
  EXPECT_EQ(model.layout[3].offset, 2u);
}

// Eight times as many tensors take some eight times as long.
TEST_F(model_file_test, takes_no_longer_for_each_of_many_tensors) {
  const auto seconds_for = [&](std::size_t count) {
    gpu::layout layout;
    for (std::size_t i = 0; i < count; ++i)
      layout.push_back({"client." + std::to_string(i), {1}, i});
    const std::vector<float> ones(count, 1.0f);
    const auto before = std::clock();
    write_model(disk, here / "m", layout, ones);
    EXPECT_EQ(read_model(disk, here / "m").layout, layout);
    return double(std::clock() - before) / CLOCKS_PER_SEC;
  };
  seconds_for(100);

  const auto few = seconds_for(1'000), many = seconds_for(8'000);

  EXPECT_LT(many, 20 * few + 0.1);
}

TEST_F(model_file_test, refuses_a_tensor_that_comes_twice) {
  EXPECT_THAT(
      complaint(content(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":)"
                        R"([0,0]},"a":{"dtype":"F32","shape":[0],)"
                        R"("data_offsets":[0,0]}})")),
      HasSubstr("one tensor of each name, \"a\" comes twice"));
}

TEST_F(model_file_test, survives_deep_nesting) {
  EXPECT_THAT(complaint(content(R"({"a":)" + std::string(100'000, '['))),
      HasSubstr("nested deeper"));
}

std::string corpus(const std::string& name) {
  return files{}.read_all(
      TROUPE_SOURCE_DIR "/tests/fuzz/corpus/safetensors_fuzz/" + name);
}

// What made the files of `corpus` called seed_python_*.
gpu::layout layout_of_python() {
  gpu::layout result;
  gpu::append(result, "fc1.weight", {3, 2});
  gpu::append(result, "fc1.bias", {3});
  gpu::append(result, "fc2.weight", {2, 3});
  gpu::append(result, "fc2.bias", {2});
  return result;
}

const std::vector<float> values_of_python{-1.0f, -0.5f, 0.0f, 0.5f, 1.0f, 1.5f,
    0.0f, 0.25f, 0.5f, -0.0f, -2.0f, -4.0f, -6.0f, -8.0f, -10.0f, 7.0f, -8.0f};

std::string not_gathered(
    const model_file& from, const gpu::layout& wanted = small_layout()) {
  try {
    gathered("m", from, wanted);
  } catch (const bad_file& error) {
    return error.what();
  }
  return "nothing";
}

model_file of(const gpu::layout& layout) {
  return {layout, {}, std::make_shared<const gpu::buffer>(gpu::size(layout))};
}

TEST_F(model_file_test, reads_what_pythons_library_sorted_by_name) {
  auto file = parse(corpus("seed_python_sorted"));
  ASSERT_EQ(file.layout.front().name, "fc1.bias");

  auto found = gathered("m", file, layout_of_python());

  EXPECT_THAT(found->span(), testing::ElementsAreArray(values_of_python));
}

TEST_F(model_file_test, reads_doubles_and_both_halves_of_pythons_library) {
  auto file = parse(corpus("seed_python_types"));

  auto found = gathered("m", file, layout_of_python());

  EXPECT_EQ(file.metadata, (metadata{{"format", "pt"}}));
  EXPECT_THAT(found->span(), testing::ElementsAreArray(values_of_python));
}

TEST_F(model_file_test, says_how_the_tensors_of_a_state_dict_should_be_named) {
  EXPECT_EQ(
      not_gathered(parse(corpus("seed_python_state_dict")), layout_of_python()),
      "m: byte 8: expected tensor \"fc1.weight\" of 3 x 2 values, as the model "
      "has it; the model's tensors are \"fc1.weight\", \"fc1.bias\", "
      "\"fc2.weight\", \"fc2.bias\", the file's \"0.bias\", \"0.weight\", "
      "\"2.bias\", \"2.weight\"");
}

TEST_F(model_file_test, widens_every_kind_of_half) {
  auto widened = [](const char* type, std::vector<std::uint16_t> halves) {
    auto bytes = std::string_view{
        reinterpret_cast<const char*>(halves.data()), halves.size() * 2};
    auto file = parse(content(
        fmt::format(
            R"({{"w":{{"dtype":"{}","shape":[{}],"data_offsets":[0,{}]}}}})",
            type, halves.size(), bytes.size()),
        bytes));
    auto found = file.values->span();
    return std::vector<float>(found.begin(), found.end());
  };
  auto infinite = std::numeric_limits<float>::infinity();

  EXPECT_THAT(widened("F16", {0x3c00, 0xc000, 0x7bff, 0x0001, 0x83ff, 0x0400,
                                 0x7c00, 0xfc00, 0x3555}),
      ElementsAre(1.0f, -2.0f, 65504.0f, 0x1p-24f, -0x3ffp-24f, 0x1p-14f,
          infinite, -infinite, 0x1.554p-2f));
  EXPECT_THAT(widened("BF16", {0x3f80, 0xc000, 0x7f7f, 0x0001, 0xff80}),
      ElementsAre(1.0f, -2.0f, 0x1.fep127f, 0x1p-133f, -infinite));
  EXPECT_TRUE(std::signbit(widened("F16", {0x8000})[0]));
  EXPECT_TRUE(std::isnan(widened("F16", {0x7e00})[0]));
  EXPECT_TRUE(std::isnan(widened("BF16", {0x7fc0})[0]));
}

TEST_F(model_file_test, reads_tensors_larger_than_a_piece) {
  std::vector<double> many(20'000);
  for (std::size_t i = 0; i < many.size(); ++i)
    many[i] = static_cast<double>(i);
  auto bytes = std::string_view{
      reinterpret_cast<const char*>(many.data()), many.size() * sizeof(double)};

  auto file = parse(one_tensor(
      R"({"dtype":"F64","shape":[20000],"data_offsets":[0,160000]})", bytes));

  ASSERT_EQ(file.values->size(), 20'000u);
  for (std::size_t i = 0; i < many.size(); ++i)
    ASSERT_EQ(file.values->span()[i], static_cast<float>(i));
}

TEST_F(model_file_test, gathers_without_a_copy_what_is_in_order) {
  auto file = of(small_layout());

  EXPECT_EQ(gathered("m", file, small_layout()), file.values);
}

TEST_F(model_file_test, names_the_first_tensor_that_differs) {
  gpu::layout reshaped, shorter, longer = small_layout();
  gpu::append(reshaped, "fc.weight", {2, 2});
  gpu::append(reshaped, "fc.bias", {1, 2});
  gpu::append(shorter, "fc.weight", {2, 2});
  gpu::append(longer, "extra\n", {});

  EXPECT_EQ(not_gathered(of(small_layout())), "nothing");
  EXPECT_EQ(not_gathered(of(reshaped)),
      "m: byte 8: expected tensor \"fc.bias\" of 2 values, as the model has "
      "it, found 1 x 2 values");
  EXPECT_EQ(not_gathered(of(shorter)),
      "m: byte 8: expected tensor \"fc.bias\" of 2 values, as the model has "
      "it; the model's tensors are \"fc.weight\", \"fc.bias\", the file's "
      "\"fc.weight\"");
  EXPECT_EQ(not_gathered(of(longer)),
      "m: byte 8: expected no tensors but the model's \"fc.weight\", "
      "\"fc.bias\", found \"extra\\u000A\" too");
}

// A checkpoint that went through Python is as good as it was.
TEST_F(model_file_test, finds_a_checkpoint_sound_in_any_order) {
  auto layout = layout_of_python();
  gpu::buffer block{values_of_python.size()};
  std::copy(
      values_of_python.begin(), values_of_python.end(), block.span().begin());
  checkpoint state;
  state.version = 3;
  state.parameters = std::make_shared<const gpu::buffer>(std::move(block));
  state.rule_name = "fedavg";
  write_checkpoint(disk, here.path(), layout, state);
  auto path = here / checkpoint_name(3);
  auto ours = read_model(disk, path);
  gpu::layout sorted;
  for (auto name : {"fc1.bias", "fc1.weight", "fc2.bias", "fc2.weight"})
    for (const auto& view : layout)
      if (view.name == name)
        gpu::append(sorted, name, view.shape);
  auto moved = gathered(path, ours, sorted);
  write_model(disk, path, sorted, moved->span(), ours.metadata);

  EXPECT_THAT(read_checkpoint(disk, path, layout).parameters->span(),
      testing::ElementsAreArray(values_of_python));

  auto altered = std::vector<float>(moved->span().begin(), moved->span().end());
  altered[1] += 1.0f;
  write_model(disk, path, sorted, altered, ours.metadata);
  EXPECT_THROW(read_checkpoint(disk, path, layout), bad_file);
}

TEST(sha256_test, gives_the_standards_answers) {
  auto digest = [](std::string_view text) {
    return sha256(std::as_bytes(std::span{text.data(), text.size()}));
  };

  EXPECT_EQ(digest(""),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(sha256_test, gives_the_same_of_a_file) {
  tests::scratch_directory here;
  files disk;
  for (std::size_t size : {0u, 3u, 1u << 20, (1u << 20) + 7}) {
    std::string bytes(size, 'x');
    disk.write_atomically(here / "a", bytes);

    EXPECT_EQ(
        sha256_of(disk, here / "a"), sha256(std::as_bytes(std::span{bytes})));
  }
}

} // namespace
