#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <sys/types.h>

namespace troupe::monitoring {

/// Whether a program of that name is on PATH.
bool installed(const std::string& program);

struct finished {
  int status = -1; ///< exit status; -1: ended by a signal
  std::string output;
};

/// Runs a shell command to its end; stdout and stderr together.
finished run(const std::string& command);

/// A program in the background; killed at destruction.
class background {
public:
  explicit background(std::vector<std::string> command);
  ~background();

  /// Reads its stdout and stderr until `text` comes; false if it ends or
  /// `patience` runs out before.
  bool says(const std::string& text, std::chrono::seconds patience);
  const std::string& said() const noexcept { return said_; }
  background(const background&) = delete;
  background& operator=(const background&) = delete;

private:
  pid_t pid_ = -1;
  int output_ = -1;
  std::string said_;
};

/// A new empty directory, removed with all in it at destruction.
class scratch {
public:
  scratch();
  ~scratch();
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  std::string path(const std::string& name) const { return root_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const;

private:
  std::string root_;
};

} // namespace troupe::monitoring
