#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gpu/collective/collective.hpp"
#include "gpu/cuda/nccl_api.hpp"

// The ranks that `simulated_nccl` brings together, and what moves them.
namespace troupe::tests::simulated {

using callback = std::function<void()>;

/// One half of a send and its receive.
struct half {
  bool sends = false;
  int peer = 0;
  gpu::const_typed_span from;
  gpu::typed_span to;
  bool done = false;
};

enum class call { all_reduce, reduce, broadcast, all_gather, reduce_scatter };

/// What stands in one rank's queue: a collective, a group of halves, or
/// somebody who wants to be told.
struct item {
  enum { collective, group, notice } kind = collective;
  call what = call::all_reduce;
  gpu::const_typed_span in{};
  void* out = nullptr;
  gpu::reduction how = gpu::reduction::sum;
  int root = 0;
  std::vector<half> halves{};
  callback then{};
};

struct world;

struct end {
  std::shared_ptr<world> in;
  int rank = 0;
  gpu::device where;
  std::deque<item> queue;
  std::deque<item> launching; // until `looks` is 0
  int looks = 0;
  int polls = 0;
  bool joined = false;
  bool silent = false;
  bool finalizing = false;
  gpu::cuda::nccl_result error = gpu::cuda::nccl_result::success;
  std::string text;
};

struct world {
  gpu::communicator_id id;
  std::vector<end*> ends;
  std::size_t operations = 0;
};

/// Runs whatever is its ranks' turn, until nothing is; `told` gets those who
/// wanted to know.
void advance(world& w, std::vector<callback>& told);

} // namespace troupe::tests::simulated
