#include "actors/collective/collective_call.hpp"

#include <stdexcept>
#include <string>

namespace troupe::collective {
namespace {

/// What a rank has to bring; a null block where nothing is looked at.
struct need {
  std::uint64_t in = 0;
  std::uint64_t out = 0;
};

need needed(const signature& x, std::uint32_t rank, std::uint32_t size) {
  const auto all = x.count * size;
  const bool at_root = rank == x.root;
  switch (x.kind) {
  case operation_kind::all_reduce:
    return {x.count, x.count};
  case operation_kind::reduce:
    return {x.count, at_root ? x.count : 0};
  case operation_kind::broadcast:
    return {0, x.count};
  case operation_kind::all_gather:
    return {x.count, all};
  case operation_kind::reduce_scatter:
    return {all, x.count};
  case operation_kind::all_to_all:
    return {all, all};
  case operation_kind::gather:
    return {x.count, at_root ? all : 0};
  case operation_kind::scatter:
    return {at_root ? all : 0, x.count};
  case operation_kind::transfer:
    return {at_root ? x.count : 0, rank == x.peer ? x.count : 0};
  case operation_kind::barrier:
    return {};
  }
  throw std::invalid_argument("there is no such operation");
}

template <class Block>
void check(const char* name, std::uint64_t count, const Block& block,
    const signature& what) {
  if (count > 0 && (block.count != count || block.type != what.type))
    throw std::invalid_argument(
        to_string(what) + ": `" + name + "` has " +
        std::to_string(block.count) + ' ' + to_string(block.type) + ", not " +
        std::to_string(count) + ' ' + to_string(what.type));
}

void transfer(
    gpu::communicator& group, gpu::device_stream& on, const perform& what) {
  const auto& [kind, type, how, count, from, to] = what.what.what;
  const auto rank = static_cast<std::uint32_t>(group.rank());
  if (from == to)
    throw std::invalid_argument(
        to_string(what.what.what) + ": a rank sends nothing to itself");
  if (rank == from)
    group.send(on, what.in, static_cast<int>(to));
  else if (rank == to)
    group.receive(on, what.out, static_cast<int>(from));
}

} // namespace

void call(gpu::communicator& group, gpu::device_stream& on, const perform& p) {
  const auto& x = p.what.what;
  const auto root = static_cast<int>(x.root);
  const auto need = needed(x, static_cast<std::uint32_t>(group.rank()),
      static_cast<std::uint32_t>(group.size()));
  check("in", need.in, p.in, x);
  check("out", need.out, p.out, x);
  switch (x.kind) {
  case operation_kind::all_reduce:
    return group.all_reduce(on, p.in, p.out, x.how);
  case operation_kind::reduce:
    return group.reduce(on, p.in, p.out, root, x.how);
  case operation_kind::broadcast:
    return group.broadcast(on, p.out, root);
  case operation_kind::all_gather:
    return group.all_gather(on, p.in, p.out);
  case operation_kind::reduce_scatter:
    return group.reduce_scatter(on, p.in, p.out, x.how);
  case operation_kind::all_to_all:
    return group.all_to_all(on, p.in, p.out);
  case operation_kind::gather:
    return group.gather(on, p.in, p.out, root);
  case operation_kind::scatter:
    return group.scatter(on, p.in, p.out, root);
  case operation_kind::transfer:
    return transfer(group, on, p);
  case operation_kind::barrier:
    return group.barrier(on);
  }
}

} // namespace troupe::collective
