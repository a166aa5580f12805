#include "tests/support/cuda_emulation/fibre.hpp"

#include <sys/mman.h>

#include <mutex>
#include <new>
#include <utility>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace troupe::cuda_emulation {
namespace {

constexpr std::size_t guard_bytes = 4096; // an overflow faults there
constexpr std::size_t stack_bytes = 256 << 10;

// The address sanitizer must hear of both ends of a switch.
void switching([[maybe_unused]] void** fake,
    [[maybe_unused]] const void* bottom, [[maybe_unused]] std::size_t size) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(fake, bottom, size);
#endif
}
void switched([[maybe_unused]] void* fake, [[maybe_unused]] const void** bottom,
    [[maybe_unused]] std::size_t* size) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake, bottom, size);
#endif
}

// Stacks begin at different offsets in their pages, or their busy ends would
// all fall into the same few lines of the cache.
std::size_t next_size() {
  static thread_local std::size_t count = 0;
  return stack_bytes - count++ % 32 * 128;
}

std::byte* map_stack() {
  auto* pages = mmap(nullptr, guard_bytes + stack_bytes, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED || mprotect(pages, guard_bytes, PROT_NONE) != 0)
    throw std::bad_alloc{};
  return static_cast<std::byte*>(pages);
}

/// Stacks of streams that ended, for those that begin. Never destroyed.
struct spare_stacks {
  std::mutex guard;
  std::vector<std::byte*> all;

  std::byte* take() {
    std::lock_guard lock{guard};
    if (all.empty())
      return map_stack();
    auto* result = all.back();
    all.pop_back();
    return result;
  }
  void give(std::byte* stack) {
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(stack, guard_bytes + stack_bytes);
#endif
    std::lock_guard lock{guard};
    all.push_back(stack);
  }
};
spare_stacks& stacks() {
  static auto* one = new spare_stacks;
  return *one;
}

} // namespace

fibre::fibre(std::function<void()> body)
    : body_(std::move(body)),
      stack_(stacks().take()),
      size_(next_size()),
      here_(boost::context::detail::make_fcontext(
          stack_ + guard_bytes + size_, size_, &fibre::start)) {}

fibre::~fibre() {
  stacks().give(stack_);
}

void fibre::start(transfer from) {
  auto* self = static_cast<fibre*>(from.data);
  self->outside_ = from.fctx;
  switched(nullptr, &self->bottom_outside_, &self->size_outside_);
  self->body_();
  self->leave(true);
}

void fibre::resume() {
  void* fake = nullptr;
  switching(&fake, stack_ + guard_bytes, size_);
  here_ = boost::context::detail::jump_fcontext(here_, this).fctx;
  switched(fake, nullptr, nullptr);
}

void fibre::leave(bool forever) {
  switching(forever ? nullptr : &fake_here_, bottom_outside_, size_outside_);
  outside_ = boost::context::detail::jump_fcontext(outside_, nullptr).fctx;
  switched(fake_here_, &bottom_outside_, &size_outside_);
}

} // namespace troupe::cuda_emulation
