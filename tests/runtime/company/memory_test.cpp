#include "runtime/company/memory.hpp"

#include <gmock/gmock.h>

namespace troupe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

machine with_gib(std::size_t gib) {
  machine result;
  result.devices.emplace_back();
  result.devices.front().slots = 2;
  result.devices.front().memory = gib << 30;
  return result;
}

TEST(memory_test, says_at_what_there_was_none) {
  auto said = [](auto&& thrown) -> std::string {
    try {
      with_memory("reading the data", [&]() -> int { throw thrown; });
    } catch (const std::exception& e) {
      return e.what();
    }
    return {};
  };

  EXPECT_EQ(said(std::bad_alloc{}), "out of memory while reading the data");
  EXPECT_EQ(said(gpu::out_of_memory{"4 GiB on cuda:0"}), "4 GiB on cuda:0");
  EXPECT_EQ(with_memory("counting", [] { return 3; }), 3);
}

TEST(memory_test, counts_a_gpus_slots_where_they_are) {
  device_choice on;
  on.devices = {{gpu::device{}, 2}};
  const configuration what;
  EXPECT_EQ(parameter_memory(10.0, on, what), 10.0 * (2 * 4 + 8 + 2 * 4 * 4));

  on.devices = {{gpu::device{gpu::device_kind::cuda, 0}, 64}};
  EXPECT_EQ(parameter_memory(10.0, on, what), 10.0 * 2 * 4);
}

TEST(memory_test, counts_the_control_variates_of_server_and_clients) {
  device_choice on;
  on.devices = {{gpu::device{}, 2}};
  configuration what;
  what.federation.clients = 7;
  what.client.method = "scaffold";

  EXPECT_EQ(parameter_memory(10.0, on, what),
      10.0 * ((2 * 2 + 7) * 4 + 2 * 8 + 2 * 6 * 4));
}

TEST(memory_test, counts_the_versions_that_a_virtual_order_keeps) {
  device_choice on;
  on.devices = {{gpu::device{}, 2}};
  configuration what;
  what.federation.rule = "fedbuff";
  what.federation.options["concurrency"] = std::uint64_t{10};
  what.federation.options["max_staleness"] = std::uint64_t{4};
  const auto usual = parameter_memory(10.0, on, what);
  what.run.order = "virtual";

  EXPECT_EQ(parameter_memory(10.0, on, what), usual + 10.0 * 5 * 4);
}

TEST(memory_test, refuses_what_does_not_fit_by_its_key) {
  configuration what;
  what.compute.device = "cpu";
  what.model.layers = {784, 1 << 14, 1 << 14, 10};
  EXPECT_THAT(run_beyond_memory(what, {}, with_gib(24)), IsEmpty());
  EXPECT_THAT(
      run_beyond_memory(what, {{"model.layers", "run.toml:8"}}, with_gib(12)),
      ElementsAre("run.toml:8: model.layers: a model of 281477130 parameters "
                  "on 2 slots takes about 13 GiB of memory; this machine has "
                  "12 GiB"));

  what.model.kind = "softmax";
  what.data.set = "synthetic";
  what.federation.clients = 1'000'000;
  EXPECT_THAT(data_beyond_memory(what, {}, with_gib(128)), IsEmpty());
  EXPECT_THAT(data_beyond_memory(what, {}, with_gib(24)),
      ElementsAre("federation.clients = 1000000: their synthetic data takes "
                  "about 102 GiB of memory; this machine has 24 GiB"));
}

} // namespace
} // namespace troupe
