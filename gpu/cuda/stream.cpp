#include "gpu/cuda/stream.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "gpu/cuda/blas.hpp"
#include "gpu/cuda/dnn.hpp"
#include "gpu/cuda/error.hpp"
#include "gpu/cuda/pool.hpp"
#include "gpu/out_of_memory.hpp"

namespace troupe::gpu::cuda {
namespace {

[[noreturn]] void refuse(int device, std::size_t bytes) {
  std::size_t free = 0, total = 0;
  static_cast<void>(cudaMemGetInfo(&free, &total));
  throw out_of_memory{"cuda:" + std::to_string(device) + " has no room for " +
                      mebibytes(bytes) + " more (" + mebibytes(free) +
                      " of its " + mebibytes(total) +
                      " are free); fewer slots or a smaller batch may help"};
}

// What was freed in pieces makes a whole again. Never waits for the device:
// some stream may be at a collective whose peer is silent, or be recorded. The
// pool orders what other streams have yet to free before its next use.
void gather_freed_memory(const stream& on, const pool& from) {
  if (const auto& idle = home(on.device()); idle.get() != &on)
    static_cast<void>(cudaStreamSynchronize(idle->handle()));
  static_cast<void>(cudaMemPoolTrimTo(from.handle(), 0));
}

} // namespace

/// Functions by their number; a ticket brings the driver back to one.
struct stream::desk {
  struct ticket {
    std::shared_ptr<desk> at;
    std::uint64_t number;
  };

  std::uint64_t add(std::function<void()> then) {
    std::lock_guard lock{guard};
    waiting.emplace(++last, std::move(then));
    return last;
  }
  std::function<void()> extract(std::uint64_t number) {
    std::lock_guard lock{guard};
    auto found = waiting.extract(number);
    return found ? std::move(found.mapped()) : nullptr;
  }
  void clear() {
    std::map<std::uint64_t, std::function<void()>> all; // goes without the lock
    std::lock_guard lock{guard};
    waiting.swap(all);
  }

  std::mutex guard;
  std::uint64_t last = 0;
  std::map<std::uint64_t, std::function<void()>> waiting;
};

stream::stream(int device)
    : device_(device),
      waits_for_launches_(launches_are_waited_for()),
      memory_(pool::of(device)),
      desk_(std::make_shared<desk>()) {
  check(cudaSetDevice(device));
  check_made(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking));
}

stream::~stream() {
  // Errors have been told to whoever asked for the work.
  static_cast<void>(cudaSetDevice(device_));
  static_cast<void>(cudaStreamSynchronize(handle_));
  desk_->clear();
  products_.reset();
  convolutions_.reset();
  for (auto* block : scratch_)
    give(block);
  static_cast<void>(cudaStreamDestroy(handle_));
}

cudaStream_t stream::handle(place at) const {
  check(cudaSetDevice(device_), at);
  return handle_;
}

void stream::launched(place at) const {
  if (waits_for_launches_)
    check(cudaStreamSynchronize(handle_), at);
}

blas& stream::products() {
  static_cast<void>(handle());
  if (!products_)
    products_ = std::make_unique<blas>(*this);
  return *products_;
}

// What fails for another reason than that there is none is told, and tried
// again: a choice of algorithms that lasts would change the bits in silence.
dnn* stream::convolutions() {
  const auto on = handle();
  if (!convolutions_)
    convolutions_ = dnn::open(on);
  return convolutions_->get();
}

void* stream::take(std::size_t bytes, place at) {
  void* block = nullptr;
  const auto on = handle(at);
  const auto attempt = [&] {
    const auto code =
        cudaMallocFromPoolAsync(&block, bytes, memory_.handle(), on);
    if (code == cudaErrorMemoryAllocation)
      static_cast<void>(cudaGetLastError());
    return code;
  };
  auto code = attempt();
  if (code == cudaErrorMemoryAllocation) {
    gather_freed_memory(*this, memory_);
    code = attempt();
  }
  if (code == cudaErrorMemoryAllocation)
    refuse(device_, bytes);
  check(code, at);
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

void stream::notify(std::function<void()> then, place at) {
  const auto on = handle(at);
  auto ticket = std::make_unique<desk::ticket>(
      desk::ticket{desk_, desk_->add(std::move(then))});
  const auto number = ticket->number;
  const auto code = cudaLaunchHostFunc(
      on,
      [](void* what) {
        const std::unique_ptr<desk::ticket> held{
            static_cast<desk::ticket*>(what)};
        if (auto call = held->at->extract(held->number))
          call();
      },
      ticket.get());
  if (code == cudaSuccess)
    static_cast<void>(ticket.release()); // the call above owns it now
  else
    static_cast<void>(desk_->extract(number));
  check(code, at);
}

} // namespace troupe::gpu::cuda
