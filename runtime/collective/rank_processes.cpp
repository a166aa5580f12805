#include "runtime/collective/rank_processes.hpp"

#include "runtime/files/descriptor.hpp"

#include <csignal>
#include <system_error>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe::collective {
namespace {

constexpr auto program = "/proc/self/exe";

// Of another thread's locks nothing may be touched between fork and exec.
pid_t start(char* const* words) {
  const auto parent = getpid();
  const auto child = fork();
  if (child != 0)
    return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(1); // it died meanwhile
  execv(program, words);
  _exit(127);
}

} // namespace

rank_processes::rank_processes(
    const std::vector<std::vector<std::string>>& words) {
  for (auto each : words) {
    std::string name = "troupe";
    std::vector<char*> pointers{name.data()};
    for (auto& word : each)
      pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const auto id = start(pointers.data());
    if (id < 0)
      throw std::system_error{
          errno, std::generic_category(), "cannot start a process for a rank"};
    ids_.push_back(id);
  }
}

rank_processes::~rank_processes() {
  for (auto id : ids_)
    kill(id, SIGKILL);
  wait();
}

bool rank_processes::wait() {
  bool well = true;
  for (auto id : ids_) {
    int status = 0;
    retried([&] { return waitpid(id, &status, 0); });
    well = well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  ids_.clear();
  return well;
}

} // namespace troupe::collective
