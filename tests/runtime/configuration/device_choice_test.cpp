#include "runtime/configuration/device_choice.hpp"
#include "runtime/configuration/device_names.hpp"

#include <gmock/gmock.h>

namespace troupe {
namespace {

using gpu::device_kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr gpu::device cpu{};
constexpr gpu::device cuda(int index) {
  return {device_kind::cuda, index};
}

gpu::device_info card(int index, std::string name) {
  return {.where = cuda(index),
      .name = std::move(name),
      .slots = 32,
      .memory = 1 << 30,
      .capability = "9.0"};
}

machine with(std::vector<gpu::device_info> cards) {
  machine here;
  here.devices.push_back({.where = cpu,
      .name = "processor",
      .slots = 2,
      .memory = 1 << 30,
      .capability = {}});
  here.devices.insert(here.devices.end(), cards.begin(), cards.end());
  here.why_no_gpu = cards.empty() ? "no CUDA device" : "";
  here.built_for_gpus = true;
  return here;
}

const auto no_gpu = with({});
const auto two_gpus = with({card(0, "H"), card(1, "H")});
const auto unlike_gpus = with({card(0, "H"), card(1, "A"), card(2, "H")});

configuration of(const std::vector<std::string>& settings) {
  auto read = parse_configuration("", "run.toml", settings);
  EXPECT_THAT(read.problems, IsEmpty());
  return read.value;
}

device_choice choose(
    const machine& here, const std::vector<std::string>& settings) {
  return choose_devices(of(settings), here);
}

TEST(device_names_test, know_the_cpu_and_numbered_gpus) {
  EXPECT_EQ(named_device("cpu"), cpu);
  EXPECT_EQ(named_device("cuda:0"), cuda(0));
  EXPECT_EQ(named_device("cuda:63"), cuda(63));
  for (auto no : {"cuda", "auto", "", "cuda:", "cuda:-1", "cuda:00", "cuda:01",
           "cuda:64", "cuda:1x", "cuda: 1", "CPU", "cuda:99999999999"})
    EXPECT_EQ(named_device(no), std::nullopt) << no;
}

TEST(device_names_test, overlap_where_one_includes_the_other) {
  EXPECT_TRUE(overlap("cuda", "cuda:3"));
  EXPECT_TRUE(overlap("cuda:3", "cuda"));
  EXPECT_TRUE(overlap("cpu", "cpu"));
  EXPECT_FALSE(overlap("cuda:1", "cuda:10"));
  EXPECT_FALSE(overlap("cpu", "cuda"));
}

TEST(device_choice_test, takes_every_gpu_by_itself) {
  auto chosen = choose(two_gpus, {});

  EXPECT_THAT(chosen.devices,
      ElementsAre(chosen_device{cuda(0), 32}, chosen_device{cuda(1), 32}));
  EXPECT_THAT(chosen.problems, IsEmpty());
  EXPECT_EQ(chosen.remark, "");
  EXPECT_EQ(chosen.slots(), 64u);
  EXPECT_TRUE(chosen.on_gpu());
  EXPECT_EQ(chosen.text(), "32 slots on cuda:0, 32 on cuda:1");
}

TEST(device_choice_test, says_why_it_falls_back_to_the_cpu) {
  auto chosen = choose(no_gpu, {});

  EXPECT_THAT(chosen.devices, ElementsAre(chosen_device{cpu, 2}));
  EXPECT_EQ(chosen.remark, "no CUDA device; training on the CPU");
  EXPECT_EQ(chosen.text(), "2 slots");
  EXPECT_EQ(choose(no_gpu, {"compute.device=cpu"}).remark, "");
}

TEST(device_choice_test, says_nothing_in_a_build_that_knows_no_gpus) {
  auto here = no_gpu;
  here.built_for_gpus = false;

  EXPECT_EQ(choose(here, {}).remark, "");
}

TEST(device_choice_test, takes_devices_in_the_order_that_was_asked_for) {
  auto chosen = choose(two_gpus, {R"(compute.devices=["cuda:1", "cpu"])",
                                     R"(compute.slots={cpu = 3, cuda = 5})"});

  EXPECT_THAT(chosen.devices,
      ElementsAre(chosen_device{cuda(1), 5}, chosen_device{cpu, 3}));
}

TEST(device_choice_test, prefers_a_devices_own_number_of_slots) {
  auto chosen = choose(two_gpus,
      {"compute.device=cuda", R"(compute.slots={cuda=5,"cuda:1"=7})"});

  EXPECT_THAT(chosen.devices,
      ElementsAre(chosen_device{cuda(0), 5}, chosen_device{cuda(1), 7}));
}

TEST(device_choice_test, gives_one_number_of_slots_to_every_device) {
  auto chosen = choose(
      two_gpus, {R"(compute.devices=["cpu","cuda"])", "compute.slots=4"});

  EXPECT_EQ(chosen.slots(), 12u);
}

TEST(device_choice_test, refuses_by_name_a_gpu_that_is_not_there) {
  EXPECT_THAT(choose(no_gpu, {"compute.device=cuda"}).problems,
      ElementsAre("compute.device = \"cuda\" asks for a GPU, which is "
                  "not here: no CUDA device; use \"auto\" or \"cpu\""));
  EXPECT_THAT(
      choose(two_gpus, {R"(compute.devices=["cpu","cuda:2"])"}).problems,
      ElementsAre("compute.devices = [\"cpu\", \"cuda:2\"] asks for cuda:2, "
                  "which is not here: there is only cuda:0, cuda:1; use "
                  "\"auto\" or \"cpu\""));
}

TEST(device_choice_test, keeps_unlike_cards_apart) {
  EXPECT_THAT(choose(unlike_gpus, {}).devices,
      ElementsAre(chosen_device{cuda(0), 32}, chosen_device{cuda(2), 32}));
  EXPECT_THAT(choose(unlike_gpus, {"compute.device=cuda:1"}).devices,
      ElementsAre(chosen_device{cuda(1), 32}));
  EXPECT_THAT(
      choose(unlike_gpus, {R"(compute.devices=["cuda:0","cuda:1"])"}).problems,
      ElementsAre(HasSubstr("cuda:0 is H and cuda:1 is A")));
}

TEST(device_choice_test, has_the_fingerprint_of_its_kind) {
  EXPECT_EQ(choose(no_gpu, {}).fingerprint(), gpu::numeric_fingerprint());
}

TEST(device_choice_test, records_the_slots_that_decide_who_trains_where) {
  auto mixed = of({R"(compute.devices=["cpu","cuda"])"});
  auto alone = of({"compute.device=cuda"});

  auto recorded = settled(mixed, choose_devices(mixed, two_gpus));

  EXPECT_THAT(recorded.compute.devices, ElementsAre("cpu", "cuda:0", "cuda:1"));
  EXPECT_EQ(recorded.compute.slots,
      (slot_counts{{"cpu", 2}, {"cuda:0", 32}, {"cuda:1", 32}}));
  EXPECT_EQ(settled(alone, choose_devices(alone, two_gpus)), alone);
}

TEST(device_choice_test, lets_a_run_on_one_kind_change_its_slots_and_devices) {
  auto before = of({"compute.device=cuda", "compute.slots=4"});

  EXPECT_THAT(differences(before, of({})), IsEmpty());
  EXPECT_THAT(differences(before, of({"compute.device=cpu"})), IsEmpty());
  EXPECT_THAT(
      differences(before, of({R"(compute.devices=["cuda:0","cuda:1"])",
                              R"(compute.slots={"cuda:0"=1,"cuda:1"=9})"})),
      IsEmpty());
}

TEST(device_choice_test, refuses_to_move_clients_between_kinds_on_a_resume) {
  auto both = std::string{R"(compute.devices=["cpu","cuda:0"])"};
  auto before = of({both, R"(compute.slots={cpu=2,"cuda:0"=4})"});

  EXPECT_THAT(differences(before, before), IsEmpty());
  EXPECT_THAT(
      differences(before, of({both, R"(compute.slots={cpu=1,"cuda:0"=2})"})),
      IsEmpty());
  EXPECT_THAT(
      differences(before, of({R"(compute.devices=["cuda:0","cuda:1","cpu"])",
                              R"(compute.slots={cuda=2,cpu=2})"})),
      IsEmpty());
  EXPECT_THAT(
      differences(before, of({both, R"(compute.slots={cpu=2,"cuda:0"=5})"})),
      ElementsAre("compute.slots was {cpu = 2, \"cuda:0\" = 4} and would be "
                  "{cpu = 2, \"cuda:0\" = 5}: clients would move from one kind "
                  "of device to another, and the run's bits change"));
  EXPECT_THAT(differences(before, of({"compute.slots=4"})),
      ElementsAre(StartsWith("compute.devices was [\"cpu\", \"cuda:0\"] and "
                             "would be []: ")));
}

} // namespace
} // namespace troupe
