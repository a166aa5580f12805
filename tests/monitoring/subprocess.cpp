#include "tests/monitoring/subprocess.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe::monitoring {

bool installed(const std::string& program) {
  return run("command -v " + program).status == 0;
}

finished run(const std::string& command) {
  FILE* pipe = popen(("(" + command + ") 2>&1").c_str(), "r");
  if (!pipe)
    throw std::runtime_error{"cannot run " + command};
  finished result;
  char buffer[4096];
  for (std::size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    result.output.append(buffer, n);
  const int status = pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

background::background(std::vector<std::string> command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw std::runtime_error{"cannot make a pipe"};
  std::vector<char*> arguments;
  for (auto& argument : command)
    arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[1]);
  output_ = ends[0];
  if (pid_ < 0)
    throw std::runtime_error{"cannot fork"};
}

bool background::says(const std::string& text, std::chrono::seconds patience) {
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + patience;
  while (said_.find(text) == std::string::npos) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - clock::now());
    pollfd wait{.fd = output_, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 ||
        poll(&wait, 1, static_cast<int>(left.count())) <= 0)
      return false;
    char buffer[4096];
    const auto n = read(output_, buffer, sizeof buffer);
    if (n <= 0)
      return false;
    said_.append(buffer, static_cast<std::size_t>(n));
  }
  return true;
}

background::~background() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  close(output_);
}

scratch::scratch() {
  auto name =
      (std::filesystem::temp_directory_path() / "troupe-XXXXXX").string();
  if (!mkdtemp(name.data()))
    throw std::runtime_error{"cannot make " + name};
  root_ = name;
}

scratch::~scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string scratch::write(
    const std::string& name, const std::string& text) const {
  std::ofstream{path(name)} << text;
  return path(name);
}

} // namespace troupe::monitoring
