#include "gpu/cuda/runtime.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "gpu/cuda/blas.hpp"
#include "gpu/cuda/dnn.hpp"
#include "gpu/cuda/error.hpp"
#include "gpu/cuda/nccl_api.hpp"
#include "gpu/cuda/pool.hpp"
#include "gpu/cuda/stream.hpp"
#include "gpu/out_of_memory.hpp"

namespace troupe::gpu::cuda {
namespace {

int count(cudaError_t& why) {
  int devices = 0;
  why = cudaGetDeviceCount(&devices);
  if (why != cudaSuccess)
    static_cast<void>(cudaGetLastError());
  return why == cudaSuccess ? std::min(devices, most_devices) : 0;
}

cudaDeviceProp properties(int device) {
  cudaDeviceProp result;
  check(cudaGetDeviceProperties(&result, device));
  return result;
}

/// Without the reason why there is none.
std::string short_name(const std::string& library) {
  return library.starts_with("no ") ? library.substr(0, library.find(':'))
                                    : library;
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

void synchronise(stream& on, source_location at) {
  check(cudaStreamSynchronize(on.handle(at)), at);
}

void notify(stream& on, std::function<void()> then, source_location at) {
  on.notify(std::move(then), at);
}

void copy(stream& on, const void* from, void* to, std::size_t bytes,
    source_location at) {
  if (bytes == 0)
    return;
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, on.handle(at)), at);
  on.launched(at);
}

// A pool that is open to the other device is copied from like any memory; of
// one that is not the driver must be told where it is. (Told so of one that is
// open, drivers were seen to copy nothing.)
void copy_between(stream& on, int from_device, const void* from, void* to,
    std::size_t bytes, source_location at) {
  if (bytes == 0 || pool::of(from_device).reached_by(on.device()))
    return copy(on, from, to, bytes, at);
  check(cudaMemcpyPeerAsync(
            to, on.device(), from, from_device, bytes, on.handle(at)),
      at);
  on.launched(at);
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

void* take_page_locked(std::size_t bytes) {
  void* block = nullptr;
  const auto code = cudaMallocHost(&block, bytes);
  if (code == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    throw out_of_memory{"the host has no room for " + mebibytes(bytes) +
                        " of page-locked memory; fewer slots may help, or a "
                        "higher limit (ulimit -l)"};
  }
  check(code);
  return block;
}

void give_page_locked(void* block) noexcept {
  static_cast<void>(cudaFreeHost(block));
}

bool waits_for_launches(const stream& on) noexcept {
  return on.waits_for_launches();
}

int count() {
  cudaError_t why;
  return count(why);
}

std::vector<device_info> devices() {
  std::vector<device_info> result;
  for (int i = 0, end = count(); i < end; ++i) {
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
         ", driver " + version(driver) + "; " + short_name(blas_name()) + "; " +
         short_name(dnn_name()) + "; " + short_name(nccl_name());
}

} // namespace troupe::gpu::cuda
