// What commands say of a mesh.
#include "runtime/cli/command.hpp"
#include "tests/runtime/scratch_directory.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace troupe::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct answer {
  int code = -1;
  std::string out;
  std::string err;
};

answer troupe(const std::vector<std::string>& words) {
  std::ostringstream out;
  std::ostringstream err;
  console to{out, err};
  auto code = act(words, to);
  return {code, out.str(), err.str()};
}

class mesh_cli_test : public testing::Test {
protected:
  std::string file() {
    auto path = (scratch_ / "mlp.toml").string();
    std::ofstream{path} << R"([run]
name = "mlp"
[model]
layers = [784, 50, 10]
[parallel]
workers = 4
[optimiser]
kind = "adamw"
)";
    return path;
  }

  tests::scratch_directory scratch_;
};

TEST_F(mesh_cli_test, sums_up_a_mesh) {
  const auto said =
      troupe({"check", file(), "--out", scratch_.path().string()});

  EXPECT_EQ(said.code, 0) << said.err;
  EXPECT_EQ(said.err, "");
  EXPECT_THAT(said.out,
      HasSubstr(": ok\n"
                "  ranks       4, by all_reduce, canonical\n"
                "  step        64 samples in 8 micro-batches, 937.5 steps a "
                "pass over the data\n"
                "  optimiser   adamw, rate 0.001\n"
                "  samples     60000; 10000 to test on\n"
                "  model       mlp, 39760 parameters\n"));
  EXPECT_THAT(said.out,
      HasSubstr("  repeats     by its seed, with any number of ranks\n"));
}

TEST_F(mesh_cli_test, finds_what_a_mesh_cannot_be) {
  const auto refused = [&](const std::string& setting) {
    const auto said = troupe({"check", file(), "--set", setting});
    EXPECT_EQ(said.code, 2);
    return said.err;
  };

  EXPECT_THAT(refused("parallel.micro_batches=7"),
      HasSubstr("does not divide parallel.batch = 64"));
  EXPECT_EQ(refused("client.lr=0.1"),
      "--set: client.lr = 0.1 is a federation's; a mesh (parallel.workers = 4) "
      "has optimiser.lr\n");
  EXPECT_THAT(refused("parallel.workers=0"),
      HasSubstr("optimiser.kind = \"adamw\" is a mesh's; a federation "
                "(parallel.workers = 0) has client.method"));
  EXPECT_THAT(troupe({"check", file(), "--labels"}).err,
      HasSubstr("--labels shows what clients have, and a mesh has none"));
}

TEST_F(mesh_cli_test, draws_a_mesh) {
  const auto tree = troupe({"topology", file()});
  const auto dot = troupe({"topology", file(), "--dot"});

  EXPECT_EQ(tree.code, 0);
  EXPECT_THAT(tree.out, StartsWith("mlp: all_reduce, canonical; 4 ranks"));
  EXPECT_THAT(tree.out, HasSubstr("executor x4"));
  EXPECT_THAT(dot.out, StartsWith("digraph troupe {"));
}

TEST_F(mesh_cli_test, simulates_no_mesh) {
  const auto said =
      troupe({"simulate", file(), "--out", (scratch_ / "run").string()});

  EXPECT_EQ(said.code, 2);
  EXPECT_EQ(said.out, "");
  EXPECT_THAT(said.err, testing::AllOf(HasSubstr("has no virtual clock"),
                            testing::Not(HasSubstr("run.order"))));
}

TEST_F(mesh_cli_test, lists_the_keys_of_a_mesh_in_the_help_of_run) {
  const auto said = troupe({"run", "--help"});

  EXPECT_THAT(said.out, HasSubstr("parallel.workers = 0"));
  EXPECT_THAT(said.out, HasSubstr("optimiser.kind = \"sgd\""));
  EXPECT_THAT(said.out, HasSubstr("run.steps = 1000"));
}

} // namespace
} // namespace troupe::cli
