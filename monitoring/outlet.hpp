#pragma once

#include <chrono>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>

namespace troupe::monitoring {

/// Writes text to a file descriptor on a thread of its own, which alone waits
/// for whoever reads: a stopped terminal, a paused pager, a full pipe.
///
///     write ──► backlog, at most `most_kept` bytes ──► thread ──► descriptor
///
/// What does not fit is left out from the oldest on, and its place says how
/// many lines that were. What nobody can take any more, a reader that has gone
/// or a full disk, is lost in silence. Any thread.
class outlet {
public:
  static constexpr std::size_t most_kept = std::size_t{1} << 20;
  /// How long a reader may stand still before it is given up.
  static constexpr std::chrono::milliseconds patience{5000};

  explicit outlet(int descriptor);
  /// Does not wait: the thread ends when its text is out.
  ~outlet();
  outlet(const outlet&) = delete;
  outlet& operator=(const outlet&) = delete;

  /// Keeps whole lines together; never waits.
  void write(std::string text);

  /// Whether everything has been taken.
  bool idle() const;

  /// Waits until everything has been taken. Gives up, with false, once nothing
  /// was taken for as long as `most`. A pipe is made larger first, so that what
  /// waits for a reader who pauses can stay there.
  bool settle(std::chrono::milliseconds most = patience);

private:
  struct state;
  std::shared_ptr<state> state_;
};

/// A stream that hands what was written to an outlet whenever it is flushed.
class outlet_stream : public std::ostream {
public:
  explicit outlet_stream(outlet& to) : std::ostream(nullptr), buffer_(to) {
    rdbuf(&buffer_);
  }

private:
  class buffer : public std::stringbuf {
  public:
    explicit buffer(outlet& to) : to_(&to) {}

  private:
    int sync() override;
    outlet* to_;
  };

  buffer buffer_;
};

/// This process's standard output and standard error, for everything that is
/// said in the course of a run. Where both lead to one place they are one
/// outlet, so that lines come in the order in which they were said.
outlet& standard_output();
outlet& standard_error();

/// `settle` for both.
bool settle_standard_outlets();

/// Has everything that was said taken, or given up, before a scope is left.
struct last_words {
  last_words() = default;
  ~last_words() { settle_standard_outlets(); }
  last_words(const last_words&) = delete;
  last_words& operator=(const last_words&) = delete;
};

} // namespace troupe::monitoring
