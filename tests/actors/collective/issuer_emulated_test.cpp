// An issuer on an emulated GPU that fails: NCCL is simulated, the stream is
// not.

#include "actors/collective/issuer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "actors/collective/convener.hpp"
#include "gpu/cuda/stream.hpp"
#include "tests/support/cuda_emulation/mishaps.hpp"
#include "tests/support/rehearsal.hpp"
#include "tests/support/simulated_nccl.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using namespace collective;

constexpr gpu::device where{gpu::device_kind::cuda, 0};

/// Holds the issuer's stream back behind the next call.
std::optional<std::promise<void>> held;
std::future<void> opened;

/// As the simulation, but that the stream itself tells when it has come so far.
const gpu::cuda::nccl_api& on_a_stream() {
  static const auto one = [] {
    auto result = simulated_nccl::api();
    result.after = nullptr;
    result.all_reduce = [](const void*, void*, std::size_t, gpu::element,
                            gpu::reduction, gpu::cuda::nccl_api::handle,
                            const gpu::device_stream& order) {
      EXPECT_EQ(
          cudaLaunchHostFunc(
              gpu::cuda::handle(order), [](void*) { opened.wait(); }, nullptr),
          cudaSuccess);
      return gpu::cuda::nccl_result::success;
    };
    return result;
  }();
  return one;
}

struct issuer_emulated_test : testing::Test {
  issuer_emulated_test() {
    held.emplace();
    opened = held->get_future();
    settings common;
    common.size = common.least = 1;
    common.operation_time = 2s;
    convening = stage.system().spawn<convener_impl>(common);
    issuer_options options;
    options.who = {0, 1, 0, "GPU-0"};
    options.where = where;
    options.common = common;
    options.reports_to = convening;
    options.tells = teller.as<user>();
    options.through = &on_a_stream();
    options.look_back = 1s;
    subject = stage.system().spawn<issuer_impl>(options);
    stage.run();
    stage.pass(1ms);
  }
  ~issuer_emulated_test() override {
    open();
    for (auto one : {caf::actor_cast<caf::actor>(subject),
             caf::actor_cast<caf::actor>(convening)})
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    stage.run();
    cuda_emulation::mend(0);
  }

  /// Asks for something that the device never gets through with, until its
  /// deadline; returns what must live as long as the device works on it.
  std::weak_ptr<const void> ask_in_vain() {
    const auto epochs = teller.heard<epoch_opened>();
    EXPECT_EQ(epochs.size(), 1u);
    auto owner = std::make_shared<std::vector<float>>(5);
    const std::span<float> x{*owner};
    const signature add{operation_kind::all_reduce, gpu::element::f32,
        gpu::reduction::sum, 5, 0, 0};
    stage.tell(subject, perform{{epochs.front().epoch, 0, add}, x, x, owner,
                            teller.as<user>()});
    stage.pass(2s);
    EXPECT_EQ(teller.heard<performed>().size(), 1u);
    EXPECT_EQ(teller.heard<performed>().back().how, outcome::aborted);
    return owner;
  }
  /// The stream goes on behind the call that holds it.
  static void open() {
    if (held)
      held->set_value();
    held.reset();
  }
  void break_down() {
    gpu::device_stream other{where};
    cuda_emulation::queue_fault(
        gpu::cuda::handle(other), cudaErrorIllegalAddress);
    EXPECT_THROW(other.synchronise(), std::runtime_error);
  }

  rehearsal stage;
  extra teller{stage};
  convener convening;
  issuer subject;
};

TEST_F(issuer_emulated_test, holds_what_a_slow_device_is_at) {
  const auto seen = ask_in_vain();
  for (int i = 0; i < 5; ++i)
    stage.pass(1s);
  EXPECT_FALSE(seen.expired());

  open();
  gpu::device_stream{where}.synchronise();
  while (!seen.expired())
    stage.pass(10ms); // the driver's thread has its own time
}

TEST_F(issuer_emulated_test, lets_go_of_what_a_failed_device_was_at) {
  const auto seen = ask_in_vain();
  EXPECT_FALSE(seen.expired());
  break_down();
  open(); // the stream's word does not come: its device is no more

  stage.pass(1s);

  EXPECT_TRUE(seen.expired());
}

} // namespace
} // namespace troupe::tests
