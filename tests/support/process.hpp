#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace troupe::tests {

/// A terminal's size, in characters.
struct window {
  unsigned short columns = 80;
  unsigned short rows = 24;
};

/// What to run, and where.
struct command {
  /// The program first, looked up in PATH.
  std::vector<std::string> words;
  /// Beside this process's.
  std::map<std::string, std::string> environment = {};
  /// Empty: this process's.
  std::filesystem::path directory = {};
  /// Set: on a terminal of its own.
  std::optional<window> terminal = {};
};

/// How a process ended: with a code or by a signal.
struct ending {
  int code = -1;
  int signal = 0;
};

/// A process that ended, and what it said.
struct finished {
  int code = -1; ///< -1: ended by a signal
  int signal = 0;
  std::string out; ///< on a terminal: everything that it showed
  std::string err;

  std::string text() const { return out + err; }
};

using patience = std::chrono::milliseconds;

/// Longer than anything a test waits for, sanitizers and other work included.
inline constexpr patience enough = std::chrono::minutes{3};

/// A real process and what it says, or shows on its terminal. Killed at
/// destruction. Threads of the test may each have their own.
///
///     process it{{{troupe, "run", "fashion.toml"}}};
///     ASSERT_TRUE(it.until([&] { return it.out().find("version 3") ... }));
///     it.signal(SIGINT);
///     EXPECT_EQ(it.wait().code, 130);
class process {
public:
  explicit process(const command& what);
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  pid_t id() const noexcept { return id_; }
  void signal(int number) const;
  /// Types `keys` on its terminal.
  void type(const std::string& keys) const;

  /// Everything that it said so far, as far as `until` or `wait` saw it.
  const std::string& out() const noexcept { return out_; }
  const std::string& err() const noexcept { return err_; }

  /// Waits for `condition`, which is asked whenever the process says something
  /// and every few milliseconds. False if the process ended without it, or
  /// `most` has gone by.
  bool until(const std::function<bool()>& condition, patience most = enough);
  /// Waits until it has said or shown `text`.
  bool says(const std::string& text, patience most = enough);

  /// Waits for the end. Throws, and kills it, if `most` goes by before.
  ending wait(patience most = enough);

private:
  bool listen(patience most);
  bool silent() const noexcept { return out_pipe_ < 0 && err_pipe_ < 0; }

  pid_t id_ = -1;
  int out_pipe_ = -1; // or the terminal's other side
  int err_pipe_ = -1;
  std::string out_;
  std::string err_;
  std::optional<ending> ended_;
};

/// Runs `what` to its end.
finished run(const command& what, patience most = enough);

/// Whether PATH has a program of that name.
bool installed(const std::string& program);

} // namespace troupe::tests
