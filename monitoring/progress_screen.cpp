#include "monitoring/progress_screen.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ostream>
#include <string_view>
#include <utility>
#include <variant>

#include <sys/ioctl.h>
#include <unistd.h>

namespace troupe::monitoring {

namespace {

constexpr duration between_drawings = std::chrono::milliseconds{100};
constexpr std::string_view erase_line = "\r\x1b[K";

std::size_t terminal_width(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return 80;
  return size.ws_col;
}

bool can_move_its_cursor(int descriptor) {
  const char* kind = std::getenv("TERM");
  return isatty(descriptor) != 0 && kind && std::string_view{kind} != "dumb";
}

} // namespace

progress_options progress_options_for(int descriptor) {
  progress_options result;
  result.live = can_move_its_cursor(descriptor);
  result.width = [descriptor] { return terminal_width(descriptor); };
  return result;
}

progress_screen::progress_screen(std::ostream& out, progress_options options)
    : out_(&out), options_(std::move(options)) {
  options_.live = options_.live && !options_.quiet;
}

progress_screen::progress_screen(progress_screen&& other) noexcept
    : out_(other.out_),
      options_(std::move(other.options_)),
      line_(std::move(other.line_)),
      drawn_(std::exchange(other.drawn_, false)),
      drawn_at_(other.drawn_at_) {}

// A run that ends without a word must not leave the prompt inside its line.
progress_screen::~progress_screen() {
  if (drawn_)
    *out_ << std::endl;
}

void progress_screen::show(const std::vector<fact>& batch) {
  std::vector<remark> remarks;
  bool published = false;
  for (const auto& f : batch) {
    line_.hear(f, remarks);
    published |= std::holds_alternative<facts::published>(f.what);
  }
  if (options_.quiet)
    std::erase_if(remarks, [](const remark& r) { return !r.error; });
  const bool due = !drawn_ || line_.now() - drawn_at_ >= between_drawings;
  const bool redraw = options_.live && (due || published || !remarks.empty()) &&
                      options_.ready();
  if (remarks.empty() && !redraw)
    return;
  say(remarks);
  if (redraw && line_.running())
    draw();
  out_->flush();
}

void progress_screen::say(const std::vector<remark>& remarks) {
  if (!remarks.empty())
    erase();
  for (const auto& r : remarks)
    *out_ << r.text << '\n';
}

void progress_screen::erase() {
  if (drawn_)
    *out_ << erase_line;
  drawn_ = false;
}

// The last column stays empty: a terminal would wrap behind it.
void progress_screen::draw() {
  const auto width = std::max<std::size_t>(options_.width(), 2);
  *out_ << '\r' << line_.live(width - 1) << "\x1b[K";
  drawn_ = true;
  drawn_at_ = line_.now();
}

} // namespace troupe::monitoring
