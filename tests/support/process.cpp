#include "tests/support/process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe::tests {

namespace {

using clock = std::chrono::steady_clock;

// How often a condition that nothing announces is looked at.
constexpr patience glance{5};

[[noreturn]] void fail(const std::string& what, int reason = errno) {
  throw std::system_error(reason, std::generic_category(), what);
}

void close_if_open(int& descriptor) {
  if (descriptor >= 0)
    close(std::exchange(descriptor, -1));
}

// The two ends of a pipe or a terminal; the child's end is a copy by number.
struct channel {
  int ours = -1;
  int theirs = -1;

  static channel pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
      fail("pipe");
    return {ends[0], ends[1]};
  }

  static channel terminal(const window& size) {
    channel result;
    winsize columns{size.rows, size.columns, 0, 0};
    if (openpty(&result.ours, &result.theirs, nullptr, nullptr, &columns) != 0)
      fail("openpty");
    fcntl(result.ours, F_SETFD, FD_CLOEXEC);
    fcntl(result.theirs, F_SETFD, FD_CLOEXEC);
    return result;
  }
};

std::vector<std::string> environment(
    const std::map<std::string, std::string>& extra) {
  std::vector<std::string> result;
  for (char** one = environ; *one; ++one) {
    std::string text = *one;
    if (!extra.contains(text.substr(0, text.find('='))))
      result.push_back(std::move(text));
  }
  for (const auto& [name, value] : extra)
    result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// How posix_spawn is to start the child: signals as a shell would have them.
class attributes {
public:
  explicit attributes(bool session) {
    posix_spawnattr_init(&value_);
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setsigdefault(&value_, &all);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&value_, &none);
    int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    flags |= session ? POSIX_SPAWN_SETSID : 0;
    posix_spawnattr_setflags(&value_, static_cast<short>(flags));
  }
  ~attributes() { posix_spawnattr_destroy(&value_); }
  const posix_spawnattr_t* get() const { return &value_; }

private:
  posix_spawnattr_t value_{};
};

class actions {
public:
  actions() { posix_spawn_file_actions_init(&value_); }
  ~actions() { posix_spawn_file_actions_destroy(&value_); }

  // The first terminal that a new session opens becomes its own.
  void open(int as, const char* path) {
    posix_spawn_file_actions_addopen(&value_, as, path, O_RDWR, 0);
  }
  void copy(int from, int to) {
    posix_spawn_file_actions_adddup2(&value_, from, to);
  }
  void change_to(const std::filesystem::path& directory) {
    posix_spawn_file_actions_addchdir_np(&value_, directory.c_str());
  }
  const posix_spawn_file_actions_t* get() const { return &value_; }

private:
  posix_spawn_file_actions_t value_{};
};

// Appends what is there; closes the descriptor at its end.
void read_into(std::string& text, int& descriptor) {
  std::array<char, 4096> buffer{};
  auto got = read(descriptor, buffer.data(), buffer.size());
  if (got > 0)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  else if (got == 0 || errno != EINTR)
    close_if_open(descriptor); // a terminal without users answers EIO
}

patience left_of(clock::time_point end) {
  return std::chrono::duration_cast<patience>(end - clock::now());
}

} // namespace

process::process(const command& what) {
  actions todo;
  auto out =
      what.terminal ? channel::terminal(*what.terminal) : channel::pipe();
  auto err = what.terminal ? channel{} : channel::pipe();
  if (what.terminal) {
    todo.open(0, ptsname(out.ours));
    todo.copy(0, 1);
    todo.copy(0, 2);
  } else {
    todo.open(0, "/dev/null");
    todo.copy(out.theirs, 1);
    todo.copy(err.theirs, 2);
  }
  if (!what.directory.empty())
    todo.change_to(what.directory);
  attributes how{what.terminal.has_value()};
  auto words = what.words;
  auto variables = environment(what.environment);
  auto failed = posix_spawnp(&id_, words.front().c_str(), todo.get(), how.get(),
      pointers(words).data(), pointers(variables).data());
  close_if_open(out.theirs);
  close_if_open(err.theirs);
  out_pipe_ = out.ours;
  err_pipe_ = err.ours;
  if (failed != 0)
    fail("cannot start " + words.front(), failed);
}

process::~process() {
  if (!ended_) {
    kill(id_, SIGKILL);
    waitpid(id_, nullptr, 0);
  }
  close_if_open(out_pipe_);
  close_if_open(err_pipe_);
}

void process::signal(int number) const {
  if (!ended_)
    kill(id_, number);
}

void process::type(const std::string& keys) const {
  if (write(out_pipe_, keys.data(), keys.size()) !=
      static_cast<ssize_t>(keys.size()))
    fail("cannot type");
}

// Takes in what comes within `most`; returns whether anything did.
bool process::listen(patience most) {
  std::array<pollfd, 2> from{
      pollfd{out_pipe_, POLLIN, 0}, pollfd{err_pipe_, POLLIN, 0}};
  if (poll(from.data(), from.size(), static_cast<int>(most.count())) <= 0)
    return false;
  if (from[0].revents != 0)
    read_into(out_, out_pipe_);
  if (from[1].revents != 0)
    read_into(err_, err_pipe_);
  return true;
}

bool process::until(const std::function<bool()>& condition, patience most) {
  auto end = clock::now() + most;
  while (!condition()) {
    if (silent())
      return condition();
    if (left_of(end).count() <= 0)
      return false;
    listen(std::min(glance, left_of(end)));
  }
  return true;
}

bool process::says(const std::string& text, patience most) {
  return until(
      [&] {
        return out_.find(text) != std::string::npos ||
               err_.find(text) != std::string::npos;
      },
      most);
}

ending process::wait(patience most) {
  auto end = clock::now() + most;
  while (!ended_) {
    while (!silent() && listen(patience{0}))
      ;
    int status = 0;
    if (waitpid(id_, &status, WNOHANG) == id_) {
      ended_ = WIFEXITED(status) ? ending{WEXITSTATUS(status), 0}
                                 : ending{-1, WTERMSIG(status)};
    } else if (left_of(end).count() <= 0) {
      signal(SIGKILL);
      throw std::runtime_error(
          "a process did not end in time; it said:\n" + out_ + err_);
    } else {
      listen(std::min(glance, left_of(end)));
    }
  }
  while (!silent() && listen(patience{0}))
    ;
  return *ended_;
}

finished run(const command& what, patience most) {
  process it{what};
  auto how = it.wait(most);
  return {how.code, how.signal, it.out(), it.err()};
}

bool installed(const std::string& program) {
  return run({{"sh", "-c", "command -v " + program}}).code == 0;
}

} // namespace troupe::tests
