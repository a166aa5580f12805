#include "tests/support/screen.hpp"

#include <algorithm>

namespace troupe::tests {

namespace {

constexpr std::string_view erase_rest = "\x1b[K";

} // namespace

void screen::show(std::string_view bytes) {
  while (!bytes.empty()) {
    if (bytes.starts_with(erase_rest)) {
      lines_.back().resize(std::min(lines_.back().size(), column_));
      bytes.remove_prefix(erase_rest.size());
    } else {
      put(bytes.front());
      bytes.remove_prefix(1);
    }
  }
}

void screen::put(char c) {
  if (c == '\r') {
    column_ = 0;
    return;
  }
  if (c == '\n' || column_ == columns_) {
    lines_.emplace_back();
    column_ = 0;
    if (c == '\n')
      return;
  }
  auto& line = lines_.back();
  if (column_ >= line.size())
    line.resize(column_ + 1, ' ');
  line[column_++] = c;
}

std::vector<std::string> screen::lines() const {
  auto result = lines_;
  for (auto& line : result)
    line.erase(line.find_last_not_of(' ') + 1);
  return result;
}

std::vector<std::string> seen(std::string_view bytes, std::size_t columns) {
  screen shown{columns};
  shown.show(bytes);
  return shown.lines();
}

} // namespace troupe::tests
