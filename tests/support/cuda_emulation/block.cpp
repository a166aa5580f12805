#include "tests/support/cuda_emulation/block.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "tests/support/cuda_emulation/errors.hpp"
#include "tests/support/cuda_emulation/fibre.hpp"

namespace troupe::cuda_emulation {
namespace {

constexpr unsigned lanes = 32;

bool same(const place& a, const place& b) {
  return a.line() == b.line() &&
         (a.file_name() == b.file_name() ||
             std::strcmp(a.file_name(), b.file_name()) == 0);
}

/// Some threads, a block's or a warp's, that wait for each other.
struct meeting {
  unsigned arrived = 0;
  place at{};
  unsigned generation = 0; // parity says which half of what is brought is new
  std::array<unsigned, 2> votes{};
  std::array<std::array<std::uint64_t, lanes>, 2> brought{};
  std::vector<fibre*> waiting;
};

/// Runs blocks on one OS thread. A fibre runs one CUDA thread after another
/// until one of them waits; then another fibre goes on.
class executor {
public:
  ~executor() {
    ending_ = true;
    for (auto& one : fibres_)
      one->resume();
  }

  void run(dim3 grid, dim3 block, std::uint64_t seed,
      const std::function<void()>& thread);

  unsigned meet_in_block(bool vote, place at) {
    auto half = block_.generation & 1u;
    block_.votes[half] += vote;
    if (arrive(block_, threads_, at))
      block_.votes[~half & 1u] = 0; // of the time before, which all have read
    return block_.votes[half];
  }

  const std::array<std::uint64_t, lanes>& meet_in_warp(
      std::uint64_t mine, place at) {
    auto& warp = warps_[current_->thread / lanes];
    if ((current_->thread / lanes + 1) * lanes > threads_)
      die("%s:%u: a warp's collective in a warp with fewer than 32 threads "
          "(block %u x %u x %u)",
          at.file_name(), at.line(), blockDim.x, blockDim.y, blockDim.z);
    auto& brought = warp.brought[warp.generation & 1u];
    brought[current_->thread % lanes] = mine;
    arrive(warp, lanes, at);
    return brought;
  }

  unsigned thread() const { return current_->thread; }

private:
  void run_block();
  void run_threads(fibre& self);
  void resume(fibre& one);
  bool arrive(meeting& with, unsigned expected, place at);
  [[noreturn]] void deadlock();

  const std::function<void()>* body_ = nullptr;
  unsigned threads_ = 0, next_ = 0, ended_ = 0;
  bool ending_ = false;
  std::vector<unsigned> order_;
  meeting block_;
  std::vector<meeting> warps_;
  std::vector<std::unique_ptr<fibre>> fibres_;
  std::vector<fibre*> spare_, ready_;
  std::size_t first_ready_ = 0;
  fibre* current_ = nullptr;
};

void executor::run(dim3 grid, dim3 block, std::uint64_t seed,
    const std::function<void()>& thread) {
  body_ = &thread;
  threads_ = block.x * block.y * block.z;
  warps_.resize((threads_ + lanes - 1) / lanes);
  gridDim = grid;
  blockDim = block;
  std::mt19937_64 random{seed};
  order_.resize(threads_);
  std::iota(order_.begin(), order_.end(), 0u);
  std::ranges::shuffle(order_, random);
  std::vector<std::uint64_t> blocks(std::uint64_t{grid.x} * grid.y * grid.z);
  std::iota(blocks.begin(), blocks.end(), std::uint64_t{0});
  std::ranges::shuffle(blocks, random);
  for (auto i : blocks) {
    blockIdx = {static_cast<unsigned>(i % grid.x),
        static_cast<unsigned>(i / grid.x % grid.y),
        static_cast<unsigned>(i / grid.x / grid.y)};
    run_block();
  }
}

void executor::run_block() {
  next_ = ended_ = 0;
  while (first_ready_ < ready_.size() || next_ < threads_) {
    if (first_ready_ < ready_.size()) {
      resume(*ready_[first_ready_++]);
      continue;
    }
    if (spare_.empty()) {
      fibres_.push_back(std::make_unique<fibre>(
          [this, i = fibres_.size()] { run_threads(*fibres_[i]); }));
      spare_.push_back(fibres_.back().get());
    }
    auto* one = spare_.back();
    spare_.pop_back();
    resume(*one);
  }
  ready_.clear();
  first_ready_ = 0;
  if (ended_ != threads_)
    deadlock();
}

// A fibre's life. Threads that never wait all run on one of them.
void executor::run_threads(fibre& self) {
  while (!ending_) {
    while (next_ < threads_ && first_ready_ == ready_.size()) {
      self.thread = order_[next_++];
      self.index = threadIdx = {self.thread % blockDim.x,
          self.thread / blockDim.x % blockDim.y,
          self.thread / blockDim.x / blockDim.y};
      (*body_)();
      ++ended_;
    }
    spare_.push_back(&self);
    self.leave();
  }
}

void executor::resume(fibre& one) {
  current_ = &one;
  threadIdx = one.index;
  one.resume();
}

/// Whether the caller was the last.
bool executor::arrive(meeting& with, unsigned expected, place at) {
  if (with.arrived > 0 && !same(with.at, at))
    die("threads of one %s wait at %s:%u and at %s:%u",
        &with == &block_ ? "block" : "warp", with.at.file_name(),
        with.at.line(), at.file_name(), at.line());
  with.at = at;
  if (++with.arrived < expected) {
    with.waiting.push_back(current_);
    current_->leave();
    return false;
  }
  with.arrived = 0;
  ++with.generation;
  if (first_ready_ == ready_.size()) {
    ready_.clear();
    first_ready_ = 0;
  }
  ready_.insert(ready_.end(), with.waiting.begin(), with.waiting.end());
  with.waiting.clear();
  return true;
}

void executor::deadlock() {
  const auto& first = block_.arrived > 0
                          ? block_
                          : *std::ranges::find_if(warps_, [](const auto& warp) {
                              return warp.arrived > 0;
                            });
  die("deadlock: of the %u threads of a block (grid %u x %u x %u, block "
      "%u x %u x %u) %u have ended, others wait for them at %s:%u",
      threads_, gridDim.x, gridDim.y, gridDim.z, blockDim.x, blockDim.y,
      blockDim.z, ended_, first.at.file_name(), first.at.line());
}

executor& here() {
  static thread_local executor one;
  return one;
}

} // namespace

void run_grid(dim3 grid, dim3 block, std::uint64_t seed,
    const std::function<void()>& thread) {
  here().run(grid, block, seed, thread);
}

unsigned meet_in_block(bool vote, place at) {
  return here().meet_in_block(vote, at);
}

const std::array<std::uint64_t, 32>& meet_in_warp(
    std::uint64_t mine, unsigned mask, place at) {
  if (mask != ~0u)
    die("%s:%u: a warp's collective with mask %08x; only ffffffff is emulated",
        at.file_name(), at.line(), mask);
  return here().meet_in_warp(mine, at);
}

unsigned thread_in_block() {
  return here().thread();
}

} // namespace troupe::cuda_emulation
