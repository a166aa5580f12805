#include "runtime/cluster/wire_choice.hpp"

#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace troupe::cluster {
namespace {

// Where Linux lists InfiniBand, RoCE and their like.
bool has_rdma_devices() {
  std::error_code ignored;
  std::filesystem::directory_iterator first{"/sys/class/infiniband", ignored};
  return first != std::filesystem::directory_iterator{};
}

} // namespace

wire_choice wire_choice::of_environment() {
  const auto* text = std::getenv("TROUPE_WIRE");
  const std::string_view wish = text ? text : "";
  wire_choice result;
  if (wish == "tcp") {
    result.memory = false;
  } else if (wish == "ucx" || wish == "ucx-clear") {
    result.ucx = result.ucx_first = true;
    result.beside_tls = wish == "ucx-clear";
  } else {
    result.ucx = has_rdma_devices();
    result.transports = "ib";
  }
  return result;
}

} // namespace troupe::cluster
