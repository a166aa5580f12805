// What goes wrong around the kernels, and what must not: two emulated GPUs that
// reach each other, with little memory.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <future>
#include <memory>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

#include "gpu/block.hpp"
#include "gpu/copy.hpp"
#include "gpu/cuda/error.hpp"
#include "gpu/cuda/pool.hpp"
#include "gpu/cuda/stream.hpp"
#include "gpu/models/network.hpp"
#include "gpu/operators/convolution.hpp"
#include "gpu/operators/linear.hpp"
#include "gpu/operators/products.hpp"
#include "gpu/operators/vectors.hpp"
#include "gpu/optimisers/sgd.hpp"
#include "gpu/out_of_memory.hpp"
#include "gpu/recording.hpp"
#include "gpu/training/cohort.hpp"
#include "gpu/training/trainer.hpp"
#include "tests/gpu/samples.hpp"
#include "tests/support/cuda_emulation/mishaps.hpp"

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Before anybody asks the emulation for anything.
const bool described = [] {
  setenv("TROUPE_EMULATED_GPUS", "2", 1);
  setenv("TROUPE_EMULATED_PEERS", "1", 1);
  setenv("TROUPE_EMULATED_GPU_BYTES", "67108864", 1);
  setenv("TROUPE_EMULATED_PINNED_BYTES", "8388608", 1);
  return true;
}();

constexpr gpu::device first{gpu::device_kind::cuda, 0};
constexpr gpu::device second{gpu::device_kind::cuda, 1};
/// More than a device has.
constexpr std::size_t too_many = (64 << 20) / sizeof(float) + 1;

/// Holds streams back until it is opened, as a collective does whose peer is
/// silent.
class gate {
public:
  ~gate() { open(); }
  void close(gpu::device_stream& on) {
    on.notify([opened = opened_.get_future().share()] { opened.wait(); });
  }
  void open() {
    if (!std::exchange(open_, true))
      opened_.set_value();
  }

private:
  std::promise<void> opened_;
  bool open_ = false;
};

template <class Work>
std::string complaint(Work work) {
  try {
    work();
    return "nothing";
  } catch (const std::exception& e) {
    return e.what();
  }
}

std::string here(int line) {
  return "mishaps_test.cpp:" + std::to_string(line);
}

// ---- memory of several devices

TEST(pool_test, is_open_to_every_gpu_that_reaches_it) {
  gpu::device_stream there{first}, on{second};
  gpu::buffer from{3, there}, to{3, on};
  const std::vector<float> values{1.0f, 2.0f, 3.0f};
  gpu::copy<float>(there, values, from.span());
  there.synchronise();

  // As NCCL and kernels reach it: without a word to the driver.
  EXPECT_EQ(cudaMemcpyAsync(to.span().data(), from.span().data(), 12,
                cudaMemcpyDefault, gpu::cuda::handle(on)),
      cudaSuccess);

  std::vector<float> result(3);
  gpu::copy<float>(on, to.span(), result);
  on.synchronise();
  EXPECT_EQ(result, values);
}

TEST(pool_test, leaves_the_devices_default_one_to_others) {
  gpu::device_stream on{first};
  const gpu::buffer some{1000, on};
  cudaMemPool_t pool = nullptr;
  std::uint64_t kept = 1, used = 1;
  ASSERT_EQ(cudaDeviceGetDefaultMemPool(&pool, 0), cudaSuccess);

  ASSERT_EQ(
      cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &kept),
      cudaSuccess);
  ASSERT_EQ(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used),
      cudaSuccess);

  EXPECT_EQ(kept, 0u);
  EXPECT_EQ(used, 0u);
}

TEST(stream_test, is_made_without_a_look_at_any_device) {
  gpu::device_stream one{first};
  const auto before = cuda_emulation::property_queries();

  gpu::device_stream another{second};

  EXPECT_EQ(cuda_emulation::property_queries(), before);
  const gpu::device third{gpu::device_kind::cuda, 2};
  EXPECT_THAT(complaint([&] { gpu::device_stream{third}; }),
      HasSubstr("no device cuda:2 here: there are only 2 of its kind"));
}

TEST(stream_test, the_fingerprint_names_every_library) {
  const auto text = gpu::numeric_fingerprint(first);

  EXPECT_THAT(text,
      HasSubstr("; OpenBLAS in emulation; convolutions in emulation; no NCCL; "
                "OpenBLAS "));
}

// ---- no room

TEST(no_room_test, is_told_while_another_thread_records) {
  gpu::device_stream on{first};
  gpu::buffer x{10, on};
  std::string told;
  std::vector<float> result(10);

  const gpu::recording work{
      on, [&] {
        gpu::scale_and_add(on, 0.0f, x.span(), 0.0f, x.span());
        std::thread{[&] {
          told = complaint([] { gpu::buffer{too_many, first}; });
        }}.join();
      }};
  work.play(on);

  gpu::copy<float>(on, x.span(), result);
  on.synchronise();
  EXPECT_THAT(told, HasSubstr("cuda:0 has no room for 65 MiB more"));
}

TEST(no_room_test, is_told_though_a_collective_never_ends) {
  gpu::device_stream busy{first};
  gate silent;
  silent.close(busy);

  auto told = std::async(std::launch::async, [] {
    return complaint([] { gpu::buffer{too_many, first}; });
  });
  const auto ended = told.wait_for(5s);
  silent.open();

  EXPECT_EQ(ended, std::future_status::ready);
  EXPECT_THAT(told.get(), HasSubstr("no room"));
}

TEST(no_room_test, of_page_locked_memory_is_told_alike) {
  gpu::device_stream on{first};

  EXPECT_THROW(
      (gpu::page_locked<float>{std::size_t{4} << 20, on}), gpu::out_of_memory);
  EXPECT_THAT(complaint([&] {
    gpu::page_locked<float>{std::size_t{4} << 20, on};
  }),
      HasSubstr("no room for 16 MiB of page-locked memory"));
  EXPECT_EQ(gpu::page_locked<float>(1000, on).size(), 1000u);
}

const models::model plain{
    .name = "plain",
    .shape = {1, 8, 8},
    .classes = 4,
    .layers = {models::flatten{}, models::linear{20}, models::relu{},
        models::linear{4}},
};

std::size_t free_bytes() {
  std::size_t free = 0, total = 0;
  EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  return free;
}

// The forward pass takes its memory behind work that reads what was brought.
TEST(no_room_test, in_an_evaluation_keeps_what_the_device_still_reads) {
  const auto learner = training::trainer(plain)({});
  auto block = std::make_shared<gpu::buffer>(gpu::size(learner->layout()));
  learner->initialise(block->span(), 1);
  const auto data = testing::random_samples(10, {1, 8, 8}, 4);
  const auto make = [] {
    return training::cohort{plain, first, 1, training::recipe{}};
  };
  std::size_t need = 0;
  {
    auto with_room = make();
    const auto before = free_bytes();
    with_room.score(block, data);
    with_room.stream().synchronise();
    need = before - free_bytes();
  }
  auto subject = make();
  gpu::device_stream elsewhere{first};
  const gpu::buffer filler{(free_bytes() - need) / 4 + 100, elsewhere};
  gate closed;
  closed.close(subject.stream());
  std::promise<void> refused;
  bool early = false;
  std::thread opener{[&] {
    early = refused.get_future().wait_for(300ms) == std::future_status::ready;
    closed.open();
  }};

  EXPECT_THROW(subject.score(block, data), gpu::out_of_memory);

  refused.set_value();
  opener.join();
  EXPECT_FALSE(early) << "it let go of what was being read";
}

// ---- limits

TEST(limits_test, are_told_where_32_bits_do_not_count_so_far) {
  gpu::device_stream on{first};
  constexpr std::size_t rows = 64 << 10, classes = 50257, width = 8;
  const auto in = gpu::const_matrix{
      std::span<const float>{(const float*)nullptr, rows * width}, rows, width};
  const auto out = gpu::matrix{
      std::span<float>{(float*)nullptr, rows * classes}, rows, classes};
  const std::span<const float> weight{(const float*)nullptr, width * classes};
  const std::span<const float> bias{(const float*)nullptr, classes};

  EXPECT_THAT(complaint([&] {
    gpu::linear_forward(on, in, weight, bias, gpu::activation::none, out);
  }),
      HasSubstr("65536 rows of a lane in a linear layer, the limit is 42730"));
}

TEST(limits_test, of_images_are_told_too) {
  gpu::device_stream on{first};
  constexpr std::size_t images = 1 << 21;
  const gpu::convolution what{{3, 32, 32}, 64, 1, 0};
  const auto in_size = what.in.size(), out_size = what.out().size();
  const auto in = gpu::const_matrix{
      std::span<const float>{(const float*)nullptr, images * in_size}, images,
      in_size};
  const auto out = gpu::matrix{
      std::span<float>{(float*)nullptr, images * out_size}, images, out_size};
  const std::span<const float> weight{(const float*)nullptr, what.weights()};
  const std::span<const float> bias{(const float*)nullptr, 64};

  EXPECT_THAT(complaint([&] {
    gpu::convolve(on, what, weight, bias, gpu::activation::none, in, out, {});
  }),
      HasSubstr("2097152 images of a lane in a convolution, the limit is"));
}

// ---- the order of streams

TEST(order_test, a_network_grows_behind_what_it_is_at) {
  gpu::device_stream on{first};
  models::network network{models::softmax(5, 3), first};
  models::trace left;
  std::vector<float> parameters(gpu::size(network.parameters()), 1.0f);
  gpu::buffer there{parameters.size(), on}, in{50, on};
  const std::vector<float> ones(50, 1.0f);
  std::vector<float> logits(3);
  gpu::copy<float>(on, parameters, there.span());
  gpu::copy<float>(on, ones, in.span());
  network.forward(on, there.span(), {in.span().first(5), 1, 5}, left);
  on.synchronise();
  gate closed;

  closed.close(on);
  const auto few =
      network.forward(on, there.span(), {in.span().first(5), 1, 5}, left);
  gpu::copy<float>(on, few.span(), logits);
  network.forward(on, there.span(), {in.span(), 10, 5}, left);
  gpu::buffer{1, first}; // whose stream has done all that it was asked for
  closed.open();
  on.synchronise();

  EXPECT_EQ(logits, (std::vector<float>{6.0f, 6.0f, 6.0f}));
}

TEST(order_test, a_descent_ends_behind_what_it_is_at) {
  gpu::device_stream on{first};
  std::optional<gpu::sgd> subject{
      std::in_place, gpu::sgd::options{.lr = 1.0f, .momentum = 0.5f}, 4};
  gpu::buffer parameters{4, on}, x{4, on};
  const std::vector<float> ones(4, 1.0f);
  std::vector<float> gradient(4);
  gpu::copy<float>(on, ones, x.span());
  gate closed;

  closed.close(on);
  const auto to = subject->sink(on, parameters.span()).destination.span();
  gpu::scale_and_add(on, 3.0f, x.span(), 0.0f, to);
  gpu::copy<float>(on, to, gradient);
  subject.reset();
  gpu::buffer{1, first}; // whose stream has done all that it was asked for
  closed.open();
  on.synchronise();

  EXPECT_EQ(gradient, std::vector<float>(4, 3.0f));
}

// ---- a device that fails

class broken_device_test : public ::testing::Test {
protected:
  ~broken_device_test() override {
    cuda_emulation::mend(0);
    unsetenv("TROUPE_CUDA_SYNC");
  }
  void break_down(gpu::device_stream& on) {
    cuda_emulation::queue_fault(gpu::cuda::handle(on), cudaErrorIllegalAddress);
  }
};

TEST_F(broken_device_test, is_told_by_the_line_that_meets_it) {
  gpu::device_stream on{first};
  gpu::buffer x{4, on};
  break_down(on);

  const auto line = __LINE__ + 1;
  const auto text = complaint([&] { on.synchronise(); });

  EXPECT_THAT(
      text, AllOf(HasSubstr("cudaErrorIllegalAddress"), HasSubstr(here(line)),
                HasSubstr("TROUPE_CUDA_SYNC=1")));
  EXPECT_THAT(complaint([&] {
    gpu::scale_and_add(on, 1.0f, x.span(), 0.0f, x.span());
  }),
      AllOf(HasSubstr("elementwise.cu:"), Not(HasSubstr("launch.hpp")),
          Not(HasSubstr("stream.cpp"))));
}

TEST_F(broken_device_test, is_told_at_once_where_launches_are_waited_for) {
  setenv("TROUPE_CUDA_SYNC", "1", 1);
  gpu::device_stream on{first};
  gpu::buffer x{4, on};
  break_down(on);

  EXPECT_THAT(complaint([&] {
    gpu::scale_and_add(on, 1.0f, x.span(), 0.0f, x.span());
  }),
      AllOf(HasSubstr("elementwise.cu:"), Not(HasSubstr("TROUPE_CUDA_SYNC"))));
}

TEST_F(broken_device_test, is_told_of_a_recordings_kernel_too) {
  setenv("TROUPE_CUDA_SYNC", "1", 1);
  gpu::device_stream on{first};
  gpu::buffer x{4, on};
  const std::vector<float> ones(4, 1.0f);
  gpu::copy<float>(on, ones, x.span());

  const gpu::recording twice{
      on, [&] { gpu::scale_and_add(on, 1.0f, x.span(), 1.0f, x.span()); }};
  std::vector<float> result(4);
  twice.play(on);
  gpu::copy<float>(on, x.span(), result);
  break_down(on);

  EXPECT_EQ(result, std::vector<float>(4, 2.0f));
  EXPECT_THAT(complaint([&] { twice.play(on); }), HasSubstr("elementwise.cu:"));
}

TEST_F(broken_device_test, drops_with_the_stream_what_it_never_called) {
  auto held = std::make_shared<int>(7);
  std::weak_ptr<int> seen = held;
  bool called = false;
  {
    gpu::device_stream on{first};
    gate closed;
    closed.close(on);
    break_down(on);
    on.notify([held = std::move(held), &called] { called = true; });
    closed.open();
    EXPECT_THROW(on.synchronise(), gpu::cuda::cuda_error);
    EXPECT_FALSE(seen.expired());
    EXPECT_THROW(on.notify([] {}), gpu::cuda::cuda_error);
  }

  EXPECT_FALSE(called);
  EXPECT_TRUE(seen.expired());
}

} // namespace
} // namespace troupe::tests
