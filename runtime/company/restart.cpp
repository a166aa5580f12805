#include "runtime/company/restart.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include <linux/close_range.h>
#include <unistd.h>

#include "gpu/kernel_sets.hpp"
#include "monitoring/outlet.hpp"

namespace troupe {
namespace {

constexpr unsigned first_of_ours = 3; // behind stdin, stdout and stderr

// As it was started, a 0 behind each word.
std::string words_of_this_process() {
  std::ifstream file{"/proc/self/cmdline", std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::vector<char*> pointers_to(std::string& words) {
  std::vector<char*> result;
  for (std::size_t at = 0; at < words.size(); at = words.find('\0', at) + 1)
    result.push_back(words.data() + at);
  result.push_back(nullptr);
  return result;
}

} // namespace

void restart_computing_by(std::string_view set) {
  for (const auto& [name, value] : gpu::environment_for(set))
    if (value)
      setenv(name.c_str(), value->c_str(), 1);
    else
      unsetenv(name.c_str());
  monitoring::settle_standard_outlets();
  std::fflush(nullptr);
  close_range(first_of_ours, ~0U, CLOSE_RANGE_CLOEXEC);
  auto words = words_of_this_process();
  execv("/proc/self/exe", pointers_to(words).data());
  throw std::system_error(
      errno, std::generic_category(), "this program cannot be started again");
}

void compute_by(const std::string& set) {
  if (set != "own" && !gpu::computes_by(set) && gpu::can_compute_by(set))
    restart_computing_by(set);
}

} // namespace troupe
