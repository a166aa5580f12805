#include "runtime/configuration/configuration.hpp"
#include "runtime/configuration/device_choice.hpp"
#include "runtime/topology.hpp"

#include <gmock/gmock.h>

namespace troupe {
namespace {

using gpu::device_kind;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

machine with_gpus(int count) {
  machine here;
  gpu::device_info each;
  here.devices.push_back(each);
  for (each.where.kind = device_kind::cuda; each.where.index < count;
       ++each.where.index)
    here.devices.push_back(each);
  here.why_no_gpu = count > 0 ? "" : "no CUDA device";
  here.built_for_gpus = true;
  return here;
}

configuration of(const std::vector<std::string>& settings) {
  auto read = parse_configuration("", "run.toml", settings);
  EXPECT_THAT(read.problems, IsEmpty());
  return read.value;
}

const std::string bf16 = "compute.precision=bf16";

TEST(precision_test, is_fp32_unless_asked_for) {
  EXPECT_EQ(
      choose_devices(of({}), with_gpus(1)).products, gpu::precision::fp32);
  auto chosen = choose_devices(of({bf16}), with_gpus(2));
  EXPECT_EQ(chosen.products, gpu::precision::bf16);
  EXPECT_THAT(chosen.problems, IsEmpty());
}

TEST(precision_test, refuses_bf16_where_a_cpu_computes) {
  EXPECT_THAT(choose_devices(of({bf16}), with_gpus(0)).problems,
      ElementsAre("compute.precision = \"bf16\" needs a GPU, but there is "
                  "none here: no CUDA device; use \"fp32\""));
  for (auto devices :
      {"compute.device=cpu", R"(compute.devices=["cuda","cpu"])"})
    EXPECT_THAT(choose_devices(of({bf16, devices}), with_gpus(2)).problems,
        ElementsAre("compute.precision = \"bf16\" needs a GPU, but the run is "
                    "on the CPU, too; use \"fp32\""));
}

TEST(precision_test, is_one_of_two) {
  auto read =
      parse_configuration("[compute]\nprecision = \"fp16\"\n", "run.toml");

  EXPECT_THAT(read.problems,
      ElementsAre(HasSubstr("run.toml:2: compute.precision = \"fp16\" is not "
                            "one of fp32, bf16")));
}

TEST(precision_test, is_part_of_the_bits) {
  EXPECT_THAT(differences(of({bf16}), of({})),
      ElementsAre("compute.precision was \"bf16\" and would be \"fp32\": the "
                  "run's bits would change"));
  EXPECT_THAT(differences(of({bf16}), of({bf16})), IsEmpty());
}

TEST(precision_test, is_in_the_fingerprint) {
  device_choice on;
  on.devices.push_back({});
  EXPECT_THAT(on.fingerprint(), Not(HasSubstr("bf16")));
  on.products = gpu::precision::bf16;
  EXPECT_THAT(on.fingerprint(), EndsWith("; products in bf16"));
}

TEST(precision_test, leaves_learners_of_ones_own_alone) {
  auto what = topology{"own"}
                  .learner([](gpu::device) { return nullptr; }, "mine")
                  .with({bf16});

  EXPECT_THAT(what.problems(),
      Contains(HasSubstr("a learner of one's own decides by itself")));
}

} // namespace
} // namespace troupe
