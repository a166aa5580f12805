#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace troupe::cli {

/// Lines of cells for a person: each column is as wide as its widest cell, two
/// blanks lie between two. The first columns stand to the left, the others to
/// the right, as numbers do.
class text_table {
public:
  using cells = std::vector<std::string>;

  explicit text_table(std::size_t to_the_left) : to_the_left_(to_the_left) {}

  void add(cells line) { lines_.push_back(std::move(line)); }
  /// Columns before `column` take up so much, the blanks behind them included.
  std::size_t begin_of(std::size_t column) const;
  std::string text() const;

private:
  std::size_t width(std::size_t column) const;

  std::size_t to_the_left_;
  std::vector<cells> lines_;
};

} // namespace troupe::cli
