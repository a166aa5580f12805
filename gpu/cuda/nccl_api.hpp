#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "gpu/collective/collective.hpp"
#include "gpu/device_stream.hpp"

namespace troupe::gpu::cuda {

/// NCCL's answers, in NCCL's numbers.
enum class nccl_result : int {
  success = 0,
  unhandled_cuda_error,
  system_error,
  internal_error,
  invalid_argument,
  invalid_usage,
  remote_error,
  in_progress,
};
/// As NCCL spells it: "ncclInvalidUsage".
const char* to_string(nccl_result code) noexcept;

/// The part of NCCL that Troupe calls, as functions that can be exchanged:
/// tests put a stand-in here that needs no GPU. A handle is one rank's end of a
/// communicator. All communicators are non-blocking: a call that answers
/// `in_progress` is through once `state` says `success`, and until then nothing
/// else but `state` and `abort` may be called on that handle.
struct nccl_api {
  using handle = void*;

  nccl_result (*make_id)(communicator_id& made);
  nccl_result (*init)(handle& made, int size, const communicator_id& id,
      int rank, device where);
  /// What an asynchronous call has come to.
  nccl_result (*state)(handle on, nccl_result& now);
  /// NCCL's words for its last error; `on` may be null.
  const char* (*last_error)(handle on);
  /// Ends what is queued; once `state` says success, `destroy` never blocks.
  nccl_result (*finalize)(handle on);
  nccl_result (*destroy)(handle on);
  /// Ends kernels that wait for others, and frees the handle; at any time.
  nccl_result (*abort)(handle on);

  nccl_result (*group_start)();
  nccl_result (*group_end)();
  nccl_result (*all_reduce)(const void* in, void* out, std::size_t count,
      element type, reduction how, handle on, const device_stream& order);
  nccl_result (*reduce)(const void* in, void* out, std::size_t count,
      element type, reduction how, int root, handle on,
      const device_stream& order);
  nccl_result (*broadcast)(const void* in, void* out, std::size_t count,
      element type, int root, handle on, const device_stream& order);
  /// `count` elements from each rank.
  nccl_result (*all_gather)(const void* in, void* out, std::size_t count,
      element type, handle on, const device_stream& order);
  /// `count` elements for each rank.
  nccl_result (*reduce_scatter)(const void* in, void* out, std::size_t count,
      element type, reduction how, handle on, const device_stream& order);
  nccl_result (*send)(const void* in, std::size_t count, element type, int peer,
      handle on, const device_stream& order);
  nccl_result (*receive)(void* out, std::size_t count, element type, int peer,
      handle on, const device_stream& order);

  /// Calls `then` once what was queued on `order` so far is done, aborted work
  /// included; from any thread. Null: as the stream itself does.
  void (*after)(handle on, device_stream& order, std::function<void()> then);
};

/// NCCL itself, opened when it is first asked for. Throws `std::runtime_error`
/// that says what is missing.
const nccl_api& nccl();
/// Why there is no NCCL here; empty if there is.
std::string nccl_absence();
/// Opens it: "NCCL 2.28.3", or why there is none: "no NCCL: cannot ...".
std::string nccl_name();

/// Defined in builds that found NCCL's header.
const nccl_api& open_nccl();
/// As NCCL numbers it: 22803.
int nccl_version();

} // namespace troupe::gpu::cuda
