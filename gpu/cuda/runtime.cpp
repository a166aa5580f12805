#include "gpu/cuda/runtime.hpp"

#include <array>
#include <mutex>
#include <utility>

#include "gpu/cuda/blas.hpp"
#include "gpu/cuda/dnn.hpp"
#include "gpu/cuda/error.hpp"
#include "gpu/cuda/stream.hpp"

namespace troupe::gpu::cuda {
namespace {

constexpr std::size_t most_devices = 64;

int count(cudaError_t& why) {
  int devices = 0;
  why = cudaGetDeviceCount(&devices);
  if (why != cudaSuccess)
    static_cast<void>(cudaGetLastError());
  return why == cudaSuccess ? devices : 0;
}

cudaDeviceProp properties(int device) {
  cudaDeviceProp result;
  check(cudaGetDeviceProperties(&result, device));
  return result;
}

/// 13000 -> "13.0"
std::string version(int number) {
  return std::to_string(number / 1000) + '.' +
         std::to_string(number % 1000 / 10);
}

} // namespace

std::shared_ptr<stream> open(int device) {
  return std::make_shared<stream>(device);
}

void synchronise(stream& on) {
  check(cudaStreamSynchronize(on.handle()));
}

void notify(stream& on, std::function<void()> then) {
  auto handle = on.handle();
  auto held = std::make_unique<std::function<void()>>(std::move(then));
  check(cudaLaunchHostFunc(
      handle,
      [](void* what) {
        std::unique_ptr<std::function<void()>> call{
            static_cast<std::function<void()>*>(what)};
        (*call)();
      },
      held.get()));
  static_cast<void>(held.release()); // the call above owns it now
}

void copy(stream& on, const void* from, void* to, std::size_t bytes) {
  if (bytes > 0)
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, on.handle()));
}

// Memory of pools is not mapped on other devices, so the driver must be told.
void copy_between(stream& on, int from_device, const void* from, void* to,
    std::size_t bytes) {
  if (bytes > 0)
    check(cudaMemcpyPeerAsync(
        to, on.device(), from, from_device, bytes, on.handle()));
}

// Never destroyed: buffers may outlive every static object.
const std::shared_ptr<stream>& home(int device) {
  static std::mutex guard;
  static auto* all = new std::array<std::shared_ptr<stream>, most_devices>;
  std::lock_guard lock{guard};
  auto& one = all->at(static_cast<std::size_t>(device));
  if (!one)
    one = open(device);
  return one;
}

void* take(stream& on, std::size_t bytes) {
  return on.take(bytes);
}

void give(stream& on, void* block) noexcept {
  on.give(block);
}

void* take_pinned(std::size_t bytes) {
  void* block = nullptr;
  check(cudaMallocHost(&block, bytes));
  return block;
}

void give_pinned(void* block) noexcept {
  static_cast<void>(cudaFreeHost(block));
}

std::vector<device_info> devices() {
  cudaError_t why;
  std::vector<device_info> result;
  for (int i = 0, end = count(why); i < end; ++i) {
    auto card = properties(i);
    result.push_back({.where = {device_kind::cuda, i},
        .name = card.name,
        .slots = 100,
        .memory = card.totalGlobalMem,
        .capability =
            std::to_string(card.major) + '.' + std::to_string(card.minor)});
  }
  return result;
}

std::string blas_name() {
  return blas::name();
}

std::string dnn_name() {
  return dnn::name();
}

std::string absence() {
  cudaError_t why;
  if (count(why) > 0)
    return {};
  if (why == cudaErrorInsufficientDriver)
    return "no CUDA driver that this build could use";
  if (why == cudaSuccess || why == cudaErrorNoDevice)
    return "no CUDA device";
  return std::string{"CUDA: "} + cudaGetErrorString(why);
}

std::string fingerprint(int device) {
  auto card = properties(device);
  int driver = 0, runtime = 0;
  check(cudaDriverGetVersion(&driver));
  check(cudaRuntimeGetVersion(&runtime));
  return std::string{card.name} + ", capability " + std::to_string(card.major) +
         '.' + std::to_string(card.minor) + "; CUDA " + version(runtime) +
         ", driver " + version(driver);
}

} // namespace troupe::gpu::cuda
