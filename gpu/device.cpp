#include "gpu/device.hpp"

#include "gpu/cuda/presence.hpp"
#include "gpu/cuda/runtime.hpp"
#include "gpu/host/build.hpp"
#include "gpu/host/instruction_set.hpp"

#include <cblas.h>

#include <algorithm>
#include <fstream>
#include <sched.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace troupe::gpu {
namespace {

/// "OpenBLAS 0.3.21 SkylakeX": library, version and the kernel in use.
std::string blas_name() {
  return host::blas_release() + ' ' + openblas_get_corename();
}

std::string processor_name() {
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name"))
      continue;
    const auto value = line.find_first_not_of(" \t", line.find(':') + 1);
    if (value != std::string::npos)
      return line.substr(value);
  }
  return "unknown processor";
}

/// Cores that this process may run on, which a container or taskset limits.
std::size_t usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return static_cast<std::size_t>(CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

std::size_t physical_memory() {
  const auto pages = sysconf(_SC_PHYS_PAGES);
  const auto page = sysconf(_SC_PAGE_SIZE);
  return pages > 0 && page > 0 ? std::size_t(pages) * std::size_t(page) : 0;
}

} // namespace

std::string to_string(device where) {
  if (where.kind == device_kind::cpu)
    return "cpu";
  return "cuda:" + std::to_string(where.index);
}

std::vector<device_info> devices() {
  std::vector<device_info> result{{.where = {},
      .name = processor_name(),
      .slots = usable_cores(),
      .memory = physical_memory(),
      .capability = {}}};
  if constexpr (cuda::present)
    std::ranges::move(cuda::devices(), std::back_inserter(result));
  return result;
}

std::string blas(device where) {
  if constexpr (cuda::present)
    if (where.kind == device_kind::cuda)
      return cuda::blas_name();
  return blas_name();
}

std::string dnn(device where) {
  if constexpr (cuda::present)
    if (where.kind == device_kind::cuda)
      return cuda::dnn_name();
  return "kernels of our own";
}

bool built_for_gpus() noexcept {
  return cuda::present;
}

std::string why_no_gpu() {
  if constexpr (cuda::present)
    return cuda::absence();
  return "this build has no CUDA";
}

// Counts devices and does not look at them: every stream comes by here.
void require(device where) {
  auto count = 1;
  if (where.kind == device_kind::cuda) {
    count = 0;
    if constexpr (cuda::present)
      count = cuda::count();
  }
  if (where.index >= 0 && where.index < count)
    return;
  throw std::runtime_error(
      "no device " + to_string(where) + " here: " +
      (count > 0 ? "there are only " + std::to_string(count) + " of its kind"
                 : why_no_gpu()));
}

std::string numeric_fingerprint(device where) {
  auto host = blas_name() + "; kernels " + host::name(host::instructions()) +
              "; " + host::build(host::fuses());
  if constexpr (cuda::present)
    if (where.kind == device_kind::cuda)
      return "cuda; " + cuda::fingerprint(where.index) + "; " + host;
  return to_string(where) + "; " + host;
}

void use_one_blas_thread() {
  openblas_set_num_threads(1);
}

} // namespace troupe::gpu
