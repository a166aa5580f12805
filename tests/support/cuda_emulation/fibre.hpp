#pragma once

#include <boost/context/detail/fcontext.hpp>

#include <cstddef>
#include <functional>

#include "tests/support/cuda_emulation/vector_types.hpp"

namespace troupe::cuda_emulation {

/// A function with a stack of its own, entered and left in the middle. Belongs
/// to the thread that made it. Address and undefined sanitizers know of it.
class fibre {
public:
  /// `body` runs on the first `resume`; once it has returned the fibre has
  /// ended, which it must before it is destroyed.
  explicit fibre(std::function<void()> body);
  ~fibre();
  fibre(const fibre&) = delete;
  fibre& operator=(const fibre&) = delete;

  /// Runs it until it leaves or ends. Not from a fibre.
  void resume();
  /// From inside: back to whoever resumed it.
  void leave() { leave(false); }

  unsigned thread = 0; ///< the CUDA thread that it runs
  uint3 index{};       ///< its threadIdx

private:
  using transfer = boost::context::detail::transfer_t;
  static void start(transfer from);
  void leave(bool forever);

  std::function<void()> body_;
  std::byte* stack_;
  std::size_t size_; // of the part in use, from the guard on
  boost::context::detail::fcontext_t here_;
  boost::context::detail::fcontext_t outside_ = nullptr;
  // What the address sanitizer keeps for a stack while another one is in use.
  void* fake_here_ = nullptr;
  const void* bottom_outside_ = nullptr;
  std::size_t size_outside_ = 0;
};

} // namespace troupe::cuda_emulation
