#include "protocols/collective/operation.hpp"

namespace troupe::collective {
namespace {

std::string rank(std::uint32_t number) {
  return "rank " + std::to_string(number);
}

std::string ends(const signature& x) {
  switch (x.kind) {
  case operation_kind::reduce:
  case operation_kind::gather:
    return " to " + rank(x.root);
  case operation_kind::broadcast:
  case operation_kind::scatter:
    return " from " + rank(x.root);
  case operation_kind::transfer:
    return " from " + rank(x.root) + " to " + rank(x.peer);
  default:
    return "";
  }
}

bool reduces(operation_kind kind) {
  return kind == operation_kind::all_reduce || kind == operation_kind::reduce ||
         kind == operation_kind::reduce_scatter;
}

} // namespace

const char* to_string(operation_kind kind) noexcept {
  switch (kind) {
  case operation_kind::all_reduce:
    return "all_reduce";
  case operation_kind::reduce:
    return "reduce";
  case operation_kind::broadcast:
    return "broadcast";
  case operation_kind::all_gather:
    return "all_gather";
  case operation_kind::reduce_scatter:
    return "reduce_scatter";
  case operation_kind::all_to_all:
    return "all_to_all";
  case operation_kind::gather:
    return "gather";
  case operation_kind::scatter:
    return "scatter";
  case operation_kind::transfer:
    return "transfer";
  case operation_kind::barrier:
    return "barrier";
  }
  return "invalid";
}

std::string to_string(const signature& x) {
  std::string text = to_string(x.kind);
  if (x.kind == operation_kind::barrier)
    return text;
  if (reduces(x.kind))
    text += std::string{" ("} + to_string(x.how) + ')';
  return text + " of " + std::to_string(x.count) + ' ' + to_string(x.type) +
         ends(x);
}

} // namespace troupe::collective
