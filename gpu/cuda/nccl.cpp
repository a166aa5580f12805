#include "gpu/cuda/nccl_api.hpp"

#include <cstring>
#include <stdexcept>

#include <nccl.h>

#include "gpu/cuda/shared_library.hpp"
#include "gpu/cuda/stream.hpp"

namespace troupe::gpu::cuda {
namespace {

static_assert(sizeof(ncclUniqueId) == sizeof(communicator_id));

// Non-blocking communicators are from 2.14.
constexpr int oldest = 21400;

/// NCCL's functions, each as its header declares it.
struct library {
  shared_library file{"libnccl.so.2"};

  template <class F>
  F* function(const char* name, F*) const {
    return file.symbol<F>(name);
  }

#define TROUPE_NCCL(symbol) function(#symbol, &::symbol)
  decltype(&::ncclGetVersion) version = TROUPE_NCCL(ncclGetVersion);
  decltype(&::ncclGetUniqueId) make_id = TROUPE_NCCL(ncclGetUniqueId);
  decltype(&::ncclCommInitRankConfig) init =
      TROUPE_NCCL(ncclCommInitRankConfig);
  decltype(&::ncclCommGetAsyncError) state = TROUPE_NCCL(ncclCommGetAsyncError);
  decltype(&::ncclGetLastError) last_error = TROUPE_NCCL(ncclGetLastError);
  decltype(&::ncclCommFinalize) finalize = TROUPE_NCCL(ncclCommFinalize);
  decltype(&::ncclCommDestroy) destroy = TROUPE_NCCL(ncclCommDestroy);
  decltype(&::ncclCommAbort) abort = TROUPE_NCCL(ncclCommAbort);
  decltype(&::ncclGroupStart) group_start = TROUPE_NCCL(ncclGroupStart);
  decltype(&::ncclGroupEnd) group_end = TROUPE_NCCL(ncclGroupEnd);
  decltype(&::ncclAllReduce) all_reduce = TROUPE_NCCL(ncclAllReduce);
  decltype(&::ncclReduce) reduce = TROUPE_NCCL(ncclReduce);
  decltype(&::ncclBroadcast) broadcast = TROUPE_NCCL(ncclBroadcast);
  decltype(&::ncclAllGather) all_gather = TROUPE_NCCL(ncclAllGather);
  decltype(&::ncclReduceScatter) reduce_scatter =
      TROUPE_NCCL(ncclReduceScatter);
  decltype(&::ncclSend) send = TROUPE_NCCL(ncclSend);
  decltype(&::ncclRecv) receive = TROUPE_NCCL(ncclRecv);
#undef TROUPE_NCCL

  library() {
    int found = 0;
    if (version(&found) != ncclSuccess || found < oldest)
      throw std::runtime_error(file.name() + " is version " +
                               std::to_string(found) + ": install NCCL 2.14 " +
                               "or newer");
  }
};

const library& lib() {
  static const library one;
  return one;
}

nccl_result ours(ncclResult_t code) {
  return static_cast<nccl_result>(code);
}

ncclComm_t theirs(nccl_api::handle on) {
  return static_cast<ncclComm_t>(on);
}

ncclDataType_t theirs(element type) {
  switch (type) {
  case element::f32:
    return ncclFloat32;
  case element::bf16:
    return ncclBfloat16;
  case element::i64:
    return ncclInt64;
  }
  throw std::invalid_argument("NCCL does not know this type of element");
}

ncclRedOp_t theirs(reduction how) {
  switch (how) {
  case reduction::sum:
    return ncclSum;
  case reduction::product:
    return ncclProd;
  case reduction::maximum:
    return ncclMax;
  case reduction::minimum:
    return ncclMin;
  case reduction::average:
    return ncclAvg;
  }
  throw std::invalid_argument("NCCL does not know this reduction");
}

nccl_result make_id(communicator_id& made) {
  ncclUniqueId id;
  auto code = lib().make_id(&id);
  std::memcpy(made.bytes.data(), id.internal, sizeof id.internal);
  return ours(code);
}

nccl_result init(nccl_api::handle& made, int size, const communicator_id& id,
    int rank, device where) {
  ncclUniqueId same;
  std::memcpy(same.internal, id.bytes.data(), sizeof same.internal);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  // NCCL takes the calling thread's device.
  if (cudaSetDevice(where.index) != cudaSuccess)
    return nccl_result::unhandled_cuda_error;
  ncclComm_t fresh = nullptr;
  auto code = lib().init(&fresh, size, same, rank, &config);
  made = fresh;
  return ours(code);
}

nccl_result state(nccl_api::handle on, nccl_result& now) {
  ncclResult_t said = ncclSuccess;
  auto code = lib().state(theirs(on), &said);
  now = ours(said);
  return ours(code);
}

const char* last_error(nccl_api::handle on) {
  return lib().last_error(theirs(on));
}

nccl_result all_reduce(const void* in, void* out, std::size_t count,
    element type, reduction how, nccl_api::handle on,
    const device_stream& order) {
  return ours(lib().all_reduce(
      in, out, count, theirs(type), theirs(how), theirs(on), handle(order)));
}

nccl_result reduce(const void* in, void* out, std::size_t count, element type,
    reduction how, int root, nccl_api::handle on, const device_stream& order) {
  return ours(lib().reduce(in, out, count, theirs(type), theirs(how), root,
      theirs(on), handle(order)));
}

nccl_result broadcast(const void* in, void* out, std::size_t count,
    element type, int root, nccl_api::handle on, const device_stream& order) {
  return ours(lib().broadcast(
      in, out, count, theirs(type), root, theirs(on), handle(order)));
}

nccl_result all_gather(const void* in, void* out, std::size_t count,
    element type, nccl_api::handle on, const device_stream& order) {
  return ours(lib().all_gather(
      in, out, count, theirs(type), theirs(on), handle(order)));
}

nccl_result reduce_scatter(const void* in, void* out, std::size_t count,
    element type, reduction how, nccl_api::handle on,
    const device_stream& order) {
  return ours(lib().reduce_scatter(
      in, out, count, theirs(type), theirs(how), theirs(on), handle(order)));
}

nccl_result send(const void* in, std::size_t count, element type, int peer,
    nccl_api::handle on, const device_stream& order) {
  return ours(
      lib().send(in, count, theirs(type), peer, theirs(on), handle(order)));
}

nccl_result receive(void* out, std::size_t count, element type, int peer,
    nccl_api::handle on, const device_stream& order) {
  return ours(
      lib().receive(out, count, theirs(type), peer, theirs(on), handle(order)));
}

} // namespace

int nccl_version() {
  int found = 0;
  static_cast<void>(lib().version(&found)); // it has answered before
  return found;
}

const nccl_api& open_nccl() {
  static_cast<void>(lib());
  static const nccl_api one{
      .make_id = make_id,
      .init = init,
      .state = state,
      .last_error = last_error,
      .finalize =
          [](nccl_api::handle on) { return ours(lib().finalize(theirs(on))); },
      .destroy =
          [](nccl_api::handle on) { return ours(lib().destroy(theirs(on))); },
      .abort =
          [](nccl_api::handle on) { return ours(lib().abort(theirs(on))); },
      .group_start = [] { return ours(lib().group_start()); },
      .group_end = [] { return ours(lib().group_end()); },
      .all_reduce = all_reduce,
      .reduce = reduce,
      .broadcast = broadcast,
      .all_gather = all_gather,
      .reduce_scatter = reduce_scatter,
      .send = send,
      .receive = receive,
      .after = nullptr,
  };
  return one;
}

} // namespace troupe::gpu::cuda
