#include "runtime/cli/text_table.hpp"

#include <algorithm>

#include "monitoring/wording.hpp"

namespace troupe::cli {

namespace {

constexpr std::size_t between = 2;

} // namespace

std::size_t text_table::width(std::size_t column) const {
  std::size_t result = 0;
  for (const auto& line : lines_)
    if (column < line.size())
      result = std::max(result, monitoring::columns(line[column]));
  return result;
}

std::size_t text_table::begin_of(std::size_t column) const {
  std::size_t result = 0;
  for (std::size_t i = 0; i < column; ++i)
    result += width(i) + between;
  return result;
}

std::string text_table::text() const {
  std::string all;
  for (const auto& each : lines_) {
    std::string line;
    for (std::size_t i = 0; i < each.size(); ++i) {
      const std::string blanks(width(i) - monitoring::columns(each[i]), ' ');
      line += i < to_the_left_ ? each[i] + blanks : blanks + each[i];
      line.append(between, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    all += line + '\n';
  }
  return all;
}

} // namespace troupe::cli
