#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "gpu/buffer.hpp"
#include "gpu/collective/collective.hpp"
#include "gpu/cuda/nccl_api.hpp"
#include "gpu/device_stream.hpp"
#include "gpu/source_location.hpp"

namespace troupe::gpu {

/// What NCCL refused: its name for the error, its own words, who asked for
/// what, and the place.
class nccl_error : public std::runtime_error {
public:
  nccl_error(
      cuda::nccl_result code, const std::string& text, source_location where);
  cuda::nccl_result code() const noexcept { return code_; }

private:
  cuda::nccl_result code_;
};

struct communicator_options {
  communicator_id id; ///< the same at every rank
  int rank = 0;
  int size = 1;
  device where; ///< no two ranks share one
  /// For joining, for what NCCL does behind a call, and for finalising.
  std::chrono::nanoseconds timeout = std::chrono::seconds{60};
};

/// One rank's end of a NCCL communicator. Operations are queued on a stream, as
/// operators are; all ranks must ask for the same ones in the same order, and
/// nothing here notices if they do not (`collective::ensemble` does). Use one
/// stream. Spans are on the stream's device; counts that do not fit throw
/// `std::invalid_argument`, all that NCCL refuses throws `nccl_error`. Belongs
/// to one thread; move-only.
///
///     in_progress ◄──► ready ──finalize──┐
///          └──► failed ◄─┘               ▼
///     any of them ─────────abort──────► closed
///
/// NCCL never says that a silent peer on the same host is gone: whoever needs
/// an operation to end sets a deadline and aborts. `abort` ends what waits, and
/// so does the destructor, which never waits for a peer.
class communicator {
public:
  enum class state : std::uint8_t {
    in_progress, ///< joining, or NCCL is still at the last call
    ready,
    failed, ///< only `abort` is left
    closed,
  };
  using place = source_location;

  /// Joins; returns when all ranks have, or throws within the timeout.
  explicit communicator(const communicator_options& options,
      const cuda::nccl_api& through = cuda::nccl(),
      place at = place::current());
  /// Begins to join and does not wait: `poll` tells when that is done. The
  /// timeout is then the caller's to watch.
  static communicator start(const communicator_options& options,
      const cuda::nccl_api& through = cuda::nccl(),
      place at = place::current());
  static communicator_id make_id(const cuda::nccl_api& through = cuda::nccl(),
      place at = place::current());

  int rank() const noexcept { return options_.rank; }
  int size() const noexcept { return options_.size; }

  /// Asks NCCL how it is; never waits.
  state poll() noexcept;
  /// What `failed` is about; empty otherwise.
  const std::string& why() const noexcept { return why_; }
  /// Waits until the last call is through, at most for the timeout.
  void wait_ready(place at = place::current());

  // Each waits first, if need be, until NCCL is through with the last one.

  /// out[i] = in[i] over all ranks; in == out is allowed.
  void all_reduce(device_stream& on, const_typed_span in, typed_span out,
      reduction how = reduction::sum, place at = place::current());
  /// Like `all_reduce`, at the root alone; elsewhere `out` is not used.
  void reduce(device_stream& on, const_typed_span in, typed_span out, int root,
      reduction how = reduction::sum, place at = place::current());
  /// The root's elements to all, in place.
  void broadcast(device_stream& on, typed_span data, int root,
      place at = place::current());
  /// out = in of rank 0, in of rank 1, ...
  void all_gather(device_stream& on, const_typed_span in, typed_span out,
      place at = place::current());
  /// Rank r gets the r-th part of what `all_reduce` would give.
  void reduce_scatter(device_stream& on, const_typed_span in, typed_span out,
      reduction how = reduction::sum, place at = place::current());
  /// Part p of `in` goes to rank p, and part p of `out` comes from it.
  void all_to_all(device_stream& on, const_typed_span in, typed_span out,
      place at = place::current());
  /// To the root, in the order of ranks; elsewhere `out` is not used.
  void gather(device_stream& on, const_typed_span in, typed_span out, int root,
      place at = place::current());
  /// Part r of the root's `in` to rank r; elsewhere `in` is not used.
  void scatter(device_stream& on, const_typed_span in, typed_span out, int root,
      place at = place::current());
  /// Needs a `receive` of the same count at the other rank.
  void send(device_stream& on, const_typed_span in, int to,
      place at = place::current());
  void receive(
      device_stream& on, typed_span out, int from, place at = place::current());
  /// The stream passes when every rank's has come here.
  void barrier(device_stream& on, place at = place::current());

  /// Calls `then`, from any thread, once what was queued so far is done, as
  /// `device_stream::notify` does: never, if the device fails before. Ask for
  /// it when `poll` says ready: before that nothing may follow on a stream.
  void notify(device_stream& on, std::function<void()> then);

  /// Waits until all ranks are done with what is queued, and closes. Aborts
  /// when that takes longer than the timeout, and throws.
  void finalize(place at = place::current());
  /// Closes at once; operations under way leave nonsense behind.
  void abort() noexcept;

private:
  struct aborter {
    const cuda::nccl_api* through = nullptr;
    void operator()(void* handle) const noexcept { through->abort(handle); }
  };

  communicator(const communicator_options& options,
      const cuda::nccl_api* through) noexcept;
  void join(place at);
  void prepare(const device_stream& on, place at);
  void accept(cuda::nccl_result said, const char* what, place at);
  [[noreturn]] void fail(cuda::nccl_result said, const char* what, place at);
  std::string describe(cuda::nccl_result said, const char* what) const;
  cuda::nccl_result send_parts(
      device_stream& on, const_typed_span in, std::size_t count);
  cuda::nccl_result receive_parts(
      device_stream& on, typed_span out, std::size_t count);
  void expect(
      bool fits, const char* what, const_typed_span in, typed_span out) const;
  void expect_rank(int other, const char* what) const;

  communicator_options options_;
  const cuda::nccl_api* api_;
  std::unique_ptr<void, aborter> handle_;
  state state_ = state::in_progress;
  cuda::nccl_result code_ = cuda::nccl_result::success; // of `why_`
  std::string why_;
  std::optional<buffer> token_; // what a barrier adds up
};

/// The same for every name of one device, different for different devices: a
/// GPU's UUID, "cpu" for a CPU.
std::string identity(device where);

} // namespace troupe::gpu
