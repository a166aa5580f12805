// What `troupe topology --pipeline` says.
#include "runtime/cli/command.hpp"
#include "tests/runtime/scratch_directory.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

namespace troupe::cli {
namespace {

using testing::HasSubstr;

struct answer {
  int code = -1;
  std::string out;
  std::string err;
};

answer troupe(std::vector<std::string> words) {
  words.insert(words.begin(), "topology");
  std::ostringstream out;
  std::ostringstream err;
  console to{out, err};
  auto code = act(words, to);
  return {code, out.str(), err.str()};
}

TEST(pipeline_cli_test, shows_a_step_of_a_pipeline) {
  const auto said = troupe({"--pipeline", "zb-h1", "--ranks", "4"});

  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_THAT(
      said.out, HasSubstr("zb-h1, 4 ranks, 8 micro-batches\n"
                          "forward 1, backward 1, weights 1, transfer 0\n"
                          "27 long, 11.1 % idle, 11.1 % by the formula\n"));
}

TEST(pipeline_cli_test, draws_it_into_a_file) {
  tests::scratch_directory scratch;
  const auto file = (scratch / "step.svg").string();

  const auto said = troupe({"--pipeline", "interleaved", "--svg", file});

  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_THAT(said.out, HasSubstr("4 ranks of 2 chunks"));
}

TEST(pipeline_cli_test, names_what_does_not_go) {
  const auto refused = [](std::vector<std::string> words) {
    const auto said = troupe(std::move(words));
    EXPECT_EQ(said.code, 2);
    return said.err;
  };

  EXPECT_THAT(refused({"--pipeline", "pipedream"}),
      HasSubstr("--pipeline pipedream is not one of naive, gpipe, 1f1b"));
  EXPECT_THAT(refused({"--pipeline", "1f1b", "--chunks", "2"}),
      HasSubstr("1f1b has one chunk a rank, not 2"));
  EXPECT_THAT(
      refused({"--chunks", "2"}), HasSubstr("--chunks goes with --pipeline"));
  EXPECT_THAT(refused({"--pipeline", "1f1b", "--root", "1"}),
      HasSubstr("--root goes with --schedule"));
  EXPECT_THAT(refused({"--pipeline", "1f1b", "--schedule", "ring"}),
      HasSubstr("one at a time"));
  EXPECT_THAT(refused({"--ranks", "3"}),
      HasSubstr("--ranks goes with --schedule or --pipeline"));
  EXPECT_THAT(refused({"--pipeline", "1f1b", "--ranks", "0"}),
      HasSubstr("--ranks 0 is not a whole number from 1 to 64"));
}

} // namespace
} // namespace troupe::cli
