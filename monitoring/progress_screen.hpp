#pragma once

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <vector>

#include "monitoring/progress_line.hpp"

namespace troupe::monitoring {

struct progress_options {
  bool live = false;  ///< the output is a terminal: keep one line moving
  bool quiet = false; ///< say errors alone
  /// Columns of the terminal, asked at every drawing: windows change size.
  std::function<std::size_t()> width = [] { return std::size_t{80}; };
  /// Whether the output takes what it is given at once. While it does not, the
  /// live line stands still; remarks are kept for when it does.
  std::function<bool()> ready = [] { return true; };
};

/// Options for this process's file descriptor (1, 2): live if it is a terminal
/// that can move its cursor.
progress_options progress_options_for(int descriptor);

/// Shows a progress_line on a stream. Remarks are printed for good; on a
/// terminal the live line moves below them and is drawn anew ten times a second
/// at most, by the facts' own times, and with every version and remark.
class progress_screen {
public:
  /// `out` must outlive this object, and belongs to it while it lives.
  progress_screen(std::ostream& out, progress_options options);
  ~progress_screen();
  progress_screen(progress_screen&& other) noexcept;
  progress_screen& operator=(progress_screen&&) = delete;

  void show(const std::vector<fact>& batch);

private:
  void say(const std::vector<remark>& remarks);
  void erase();
  void draw();

  std::ostream* out_;
  progress_options options_;
  progress_line line_;
  bool drawn_ = false;
  instant drawn_at_{};
};

} // namespace troupe::monitoring
