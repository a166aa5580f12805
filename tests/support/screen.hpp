#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::tests {

/// What a person sees of the bytes that a program sends to its terminal: lines
/// that wrap at `columns`, carriage returns, and "erase to the end of the
/// line". Other escape sequences are kept as text, so that tests notice them.
class screen {
public:
  explicit screen(std::size_t columns = 80) : columns_(columns) {}

  void show(std::string_view bytes);

  /// Every line so far, without trailing blanks; the last one has the cursor.
  std::vector<std::string> lines() const;

private:
  void put(char c);

  std::size_t columns_;
  std::vector<std::string> lines_{{}};
  std::size_t column_ = 0;
};

/// The lines that `bytes` leave on a terminal.
std::vector<std::string> seen(std::string_view bytes, std::size_t columns);

} // namespace troupe::tests
