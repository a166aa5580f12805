#include "runtime/company/room.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <latch>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

namespace troupe {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

// Programs and libraries; a thread's stack and arena, as glibc has them; and
// OpenBLAS's buffer for one thread.
constexpr std::size_t of_programs = 128 * mib;
constexpr std::size_t of_a_thread = (8 + 64) * mib;
constexpr std::size_t of_blas = 128 * mib;

// Nothing: there is no limit.
std::optional<std::uint64_t> limit_of(__rlimit_resource_t which) {
  rlimit limit{};
  if (getrlimit(which, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return {};
  return limit.rlim_cur;
}

// Whether the address space has room for them.
bool can_map(std::size_t bytes) {
  auto block = mmap(nullptr, bytes, PROT_NONE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (block == MAP_FAILED)
    return false;
  munmap(block, bytes);
  return true;
}

std::size_t running_threads() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("Threads:"))
      return std::stoul(line.substr(8));
  return 0;
}

// Answers with how many there were, all at once.
std::size_t started(std::size_t count) {
  std::latch go{1};
  std::vector<std::thread> some;
  some.reserve(count);
  try {
    while (some.size() < count)
      some.emplace_back([&] { go.wait(); });
  } catch (const std::exception&) { // no thread, or no memory for one
  }
  go.count_down();
  for (auto& one : some)
    one.join();
  return some.size();
}

// A thread that was joined counts until the kernel has put it away.
void await_threads(std::size_t count) {
  auto patience = std::chrono::steady_clock::now() + std::chrono::seconds{1};
  while (
      running_threads() > count && std::chrono::steady_clock::now() < patience)
    std::this_thread::yield();
}

// OpenBLAS's own, made when it is loaded; one of them is the main thread.
std::size_t blas_threads() {
  for (auto name : {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"})
    if (auto text = std::getenv(name))
      if (auto count = std::strtoul(text, nullptr, 10); count > 0)
        return count;
  return std::max(1u, std::thread::hardware_concurrency());
}

std::string limit_on_space(std::uint64_t bytes) {
  return fmt::format(
      "the limit on address space is {} KiB (ulimit -v)", bytes / 1024);
}

std::string limit_on_threads() {
  auto stack = limit_of(RLIMIT_STACK).value_or(8 * mib);
  auto space = limit_of(RLIMIT_AS);
  if (space && !can_map(stack + mib))
    return fmt::format(
        "the limit on address space is {} KiB (ulimit -v)", *space / 1024);
  if (auto most = limit_of(RLIMIT_NPROC))
    return fmt::format(
        "the limit on processes and threads of this user is {} (ulimit -u)",
        *most);
  return "the system has no more (kernel.threads-max, or pids.max of a control "
         "group)";
}

} // namespace

void expect_threads(std::size_t count) {
  auto before = running_threads();
  auto there = started(count);
  if (there < count)
    throw no_room(fmt::format("{} more thread{} needed and {} to be had: {}; "
                              "raise it, or take fewer compute.slots",
        count, count == 1 ? " is" : "s are", there, limit_on_threads()));
  await_threads(before);
}

void expect_address_space(
    std::size_t threads, std::size_t multiplying, double bytes) {
  auto space = limit_of(RLIMIT_AS);
  auto needed = threads * of_a_thread + multiplying * of_blas +
                static_cast<std::size_t>(bytes);
  if (space && !can_map(needed))
    throw no_room(fmt::format("{} MiB more of address space are needed, about, "
                              "and not to be had: {}; raise it, or take fewer "
                              "compute.slots",
        needed / mib, limit_on_space(*space)));
}

void require_room_for_blas() {
  auto space = limit_of(RLIMIT_AS);
  auto needed = of_programs + blas_threads() * (of_a_thread + of_blas);
  if (!space || *space >= needed)
    return;
  std::fputs(fmt::format("troupe: {} MiB of address space are needed for BLAS, "
                         "and not to be had: {}; raise it, or set "
                         "OPENBLAS_NUM_THREADS=1 for less\n",
                 needed / mib, limit_on_space(*space))
                 .c_str(),
      stderr);
  std::_Exit(1);
}

} // namespace troupe
