#include "gpu/cuda/stream.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <mutex>
#include <string>

#include "gpu/cuda/blas.hpp"
#include "gpu/cuda/dnn.hpp"
#include "gpu/cuda/error.hpp"
#include "gpu/out_of_memory.hpp"

namespace troupe::gpu::cuda {
namespace {

constexpr int most_devices = 64;

// The driver's pool of a device keeps what was freed: taking memory then costs
// a microsecond and no synchronisation.
void keep_freed_memory(int device) {
  static std::array<std::once_flag, most_devices> done;
  std::call_once(done.at(static_cast<std::size_t>(device)), [device] {
    cudaMemPool_t pool;
    check(cudaDeviceGetDefaultMemPool(&pool, device));
    auto all = std::numeric_limits<std::uint64_t>::max();
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all));
  });
}

std::string mebibytes(std::size_t bytes) {
  return std::to_string((bytes + (1u << 20) - 1) >> 20) + " MiB";
}

[[noreturn]] void refuse(int device, std::size_t bytes) {
  std::size_t free = 0, total = 0;
  static_cast<void>(cudaMemGetInfo(&free, &total));
  throw out_of_memory{"cuda:" + std::to_string(device) + " has no room for " +
                      mebibytes(bytes) + " more (" + mebibytes(free) +
                      " of its " + mebibytes(total) +
                      " are free); fewer slots or a smaller batch may help"};
}

// What was freed in other streams' order may not be ready yet, or in pieces.
void gather_freed_memory(int device) {
  cudaMemPool_t pool;
  check(cudaDeviceSynchronize());
  check(cudaDeviceGetDefaultMemPool(&pool, device));
  check(cudaMemPoolTrimTo(pool, 0));
}

} // namespace

stream::stream(int device) : device_(device) {
  check(cudaSetDevice(device));
  keep_freed_memory(device);
  check(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking));
}

stream::~stream() {
  // Errors have been told to whoever asked for the work.
  static_cast<void>(cudaSetDevice(device_));
  static_cast<void>(cudaStreamSynchronize(handle_));
  products_.reset();
  convolutions_.reset();
  for (auto* block : scratch_)
    give(block);
  static_cast<void>(cudaStreamDestroy(handle_));
}

cudaStream_t stream::handle() const {
  check(cudaSetDevice(device_));
  return handle_;
}

blas& stream::products() {
  const auto on = handle();
  if (!products_)
    products_ = std::make_unique<blas>(on);
  return *products_;
}

dnn* stream::convolutions() {
  const auto on = handle();
  if (!convolutions_)
    convolutions_ = dnn::open(on);
  return convolutions_->get();
}

void* stream::take(std::size_t bytes) {
  void* block = nullptr;
  auto on = handle();
  auto code = cudaMallocAsync(&block, bytes, on);
  if (code == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    gather_freed_memory(device_);
    code = cudaMallocAsync(&block, bytes, on);
  }
  if (code == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    refuse(device_, bytes);
  }
  check(code);
  return block;
}

void* stream::scratch(std::size_t bytes) {
  if (bytes > scratch_bytes_) {
    scratch_.reserve(scratch_.size() + 1);
    scratch_.push_back(take(bytes));
    scratch_bytes_ = bytes;
  }
  return scratch_.empty() ? nullptr : scratch_.back();
}

void stream::give(void* block) noexcept {
  static_cast<void>(cudaSetDevice(device_));
  static_cast<void>(cudaFreeAsync(block, handle_));
}

} // namespace troupe::gpu::cuda
