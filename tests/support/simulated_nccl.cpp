#include "tests/support/simulated_nccl.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "tests/support/simulated_world.hpp"

namespace troupe::tests {
namespace {

using namespace simulated;
using gpu::communicator_id;
using gpu::const_typed_span;
using gpu::device;
using gpu::device_stream;
using gpu::element;
using gpu::reduction;
using gpu::cuda::nccl_api;
using gpu::cuda::nccl_result;

struct all_of_it {
  std::mutex guard;
  std::list<std::shared_ptr<world>> worlds;
  std::uint64_t ids = 0;
  std::size_t open = 0;
  std::string last_error;
};

all_of_it& everything() {
  static all_of_it one;
  return one;
}

struct open_group {
  int depth = 0;
  std::vector<std::pair<end*, half>> halves;
};
thread_local open_group group;

/// Holds the lock, and tells those who wait once it is released.
class turn {
public:
  turn() : lock_(everything().guard) {}
  ~turn() {
    lock_.unlock();
    for (auto& then : told)
      then();
  }
  std::vector<callback> told;

private:
  std::unique_lock<std::mutex> lock_;
};

nccl_result break_end(end& e, nccl_result code, const std::string& text) {
  everything().last_error = e.text = text;
  return e.error = code;
}

nccl_result put(end& e, item what, turn& now) {
  if (e.error != nccl_result::success)
    return e.error;
  if (!e.joined || e.looks > 0)
    return break_end(e, nccl_result::invalid_argument,
        "Attempt to use communicator before the previous operation returned "
        "ncclSuccess");
  e.looks = e.polls;
  (e.looks > 0 ? e.launching : e.queue).push_back(std::move(what));
  advance(*e.in, now.told);
  return e.looks > 0 ? nccl_result::in_progress : nccl_result::success;
}

end& of(nccl_api::handle on) {
  return *static_cast<end*>(on);
}

nccl_result put_collective(nccl_api::handle on, call what, const_typed_span in,
    void* out, reduction how = reduction::sum, int root = 0) {
  turn now;
  return put(of(on), {item::collective, what, in, out, how, root, {}, {}}, now);
}

nccl_result put_half(nccl_api::handle on, half what) {
  turn now;
  if (group.depth > 0) {
    group.halves.emplace_back(&of(on), std::move(what));
    return of(on).polls > 0 ? nccl_result::in_progress : nccl_result::success;
  }
  item one{.kind = item::group};
  one.halves = {std::move(what)};
  return put(of(on), std::move(one), now);
}

nccl_result end_group() {
  auto code = nccl_result::success;
  if (--group.depth > 0)
    return code;
  turn now;
  auto all = std::exchange(group.halves, {});
  while (!all.empty()) {
    auto* e = all.front().first;
    item one{.kind = item::group};
    std::erase_if(all, [&](auto& x) {
      return x.first == e && (one.halves.push_back(x.second), true);
    });
    if (auto said = put(*e, std::move(one), now); said != nccl_result::success)
      code = said;
  }
  return code;
}

std::shared_ptr<world> find(const communicator_id& id) {
  for (const auto& w : everything().worlds)
    if (w->id == id)
      return w;
  return nullptr;
}

void complete_joining(world& w, turn& now) {
  for (std::size_t i = 0; i < w.ends.size(); ++i)
    for (std::size_t k = 0; k < w.ends.size(); ++k) {
      auto *a = w.ends[i], *b = w.ends[k];
      if (i != k && a->where == b->where &&
          a->where.kind == gpu::device_kind::cuda)
        break_end(*a, nccl_result::invalid_usage,
            "Duplicate GPU detected : rank " + std::to_string(i) +
                " and rank " + std::to_string(k) + " both on CUDA device " +
                std::to_string(a->where.index));
    }
  for (auto* e : w.ends)
    e->joined = true;
  advance(w, now.told);
}

nccl_result init(nccl_api::handle& made, int size, const communicator_id& id,
    int rank, device where) {
  turn now;
  auto w = find(id);
  if (!w) {
    w = std::make_shared<world>();
    w->id = id;
    w->ends.resize(static_cast<std::size_t>(size));
    everything().worlds.push_back(w);
  }
  auto& seat = w->ends.at(static_cast<std::size_t>(rank));
  if (seat != nullptr || w->ends.size() != static_cast<std::size_t>(size))
    return nccl_result::invalid_argument;
  made = seat = new end{};
  seat->in = w;
  seat->rank = rank;
  seat->where = where;
  ++everything().open;
  if (std::ranges::find(w->ends, nullptr) == w->ends.end())
    complete_joining(*w, now);
  return nccl_result::in_progress;
}

nccl_result look(nccl_api::handle on, nccl_result& said) {
  turn now;
  auto& e = of(on);
  said = e.error;
  if (e.error != nccl_result::success)
    return nccl_result::success;
  if (e.looks > 0 && --e.looks == 0) {
    std::ranges::move(e.launching, std::back_inserter(e.queue));
    e.launching.clear();
    advance(*e.in, now.told);
  }
  if (!e.joined || e.looks > 0 || (e.finalizing && !e.queue.empty()))
    said = nccl_result::in_progress;
  return nccl_result::success;
}

// What was aborted counts as done.
nccl_result leave(nccl_api::handle on) {
  turn now;
  std::unique_ptr<end> e{&of(on)};
  for (auto* queue : {&e->queue, &e->launching})
    for (auto& x : *queue)
      if (x.kind == item::notice)
        now.told.push_back(std::move(x.then));
  auto& ends = e->in->ends;
  ends[static_cast<std::size_t>(e->rank)] = nullptr;
  --everything().open;
  if (std::ranges::all_of(ends, [](auto* x) { return x == nullptr; }))
    everything().worlds.remove(e->in);
  return nccl_result::success;
}

void after(nccl_api::handle on, device_stream&, callback then) {
  turn now;
  if (on == nullptr) {
    now.told.push_back(std::move(then));
    return;
  }
  item notice{.kind = item::notice};
  notice.then = std::move(then);
  of(on).queue.push_back(std::move(notice));
  advance(*of(on).in, now.told);
}

communicator_id numbered(std::uint64_t number) {
  communicator_id result;
  std::memcpy(result.bytes.data(), &number, sizeof number);
  return result;
}

nccl_result make_id(communicator_id& made) {
  turn now;
  made = numbered(++everything().ids);
  return nccl_result::success;
}

const char* last_error(nccl_api::handle on) {
  turn now;
  return on != nullptr ? of(on).text.c_str() : "";
}

nccl_result all_reduce(const void* in, void* out, std::size_t count,
    element type, reduction how, nccl_api::handle on, const device_stream&) {
  return put_collective(on, call::all_reduce, {in, count, type}, out, how);
}

nccl_result reduce(const void* in, void* out, std::size_t count, element type,
    reduction how, int root, nccl_api::handle on, const device_stream&) {
  return put_collective(on, call::reduce, {in, count, type}, out, how, root);
}

nccl_result broadcast(const void* in, void* out, std::size_t count,
    element type, int root, nccl_api::handle on, const device_stream&) {
  return put_collective(
      on, call::broadcast, {in, count, type}, out, reduction::sum, root);
}

nccl_result all_gather(const void* in, void* out, std::size_t count,
    element type, nccl_api::handle on, const device_stream&) {
  return put_collective(on, call::all_gather, {in, count, type}, out);
}

nccl_result reduce_scatter(const void* in, void* out, std::size_t count,
    element type, reduction how, nccl_api::handle on, const device_stream&) {
  count *= of(on).in->ends.size();
  return put_collective(on, call::reduce_scatter, {in, count, type}, out, how);
}

nccl_result send(const void* in, std::size_t count, element type, int peer,
    nccl_api::handle on, const device_stream&) {
  return put_half(on, {true, peer, {in, count, type}, {}});
}

nccl_result receive(void* out, std::size_t count, element type, int peer,
    nccl_api::handle on, const device_stream&) {
  return put_half(on, {false, peer, {}, {out, count, type}});
}

end& at(const communicator_id& id, int rank) {
  return *find(id)->ends.at(static_cast<std::size_t>(rank));
}

} // namespace

const nccl_api& simulated_nccl::api() {
  static const nccl_api one{
      .make_id = make_id,
      .init = init,
      .state = look,
      .last_error = last_error,
      .finalize =
          [](nccl_api::handle on) {
            turn now;
            of(on).finalizing = true;
            return nccl_result::in_progress;
          },
      .destroy = leave,
      .abort = leave,
      .group_start =
          [] {
            ++group.depth;
            return nccl_result::success;
          },
      .group_end = end_group,
      .all_reduce = all_reduce,
      .reduce = reduce,
      .broadcast = broadcast,
      .all_gather = all_gather,
      .reduce_scatter = reduce_scatter,
      .send = send,
      .receive = receive,
      .after = after,
  };
  return one;
}

communicator_id simulated_nccl::last_id() {
  turn now;
  return numbered(everything().ids);
}

void simulated_nccl::break_down(const communicator_id& id, int rank,
    nccl_result code, const std::string& text) {
  turn now;
  break_end(at(id, rank), code, text);
}

void simulated_nccl::silence(const communicator_id& id, int rank) {
  turn now;
  at(id, rank).silent = true;
}

void simulated_nccl::slow_down(const communicator_id& id, int rank, int polls) {
  turn now;
  at(id, rank).polls = polls;
}

std::size_t simulated_nccl::open_ends() {
  turn now;
  return everything().open;
}

std::size_t simulated_nccl::operations(const communicator_id& id) {
  turn now;
  auto w = find(id);
  return w ? w->operations : 0;
}

} // namespace troupe::tests
