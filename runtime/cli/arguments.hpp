#pragma once

#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::cli {

/// One option of a command: "--out DIR", or a flag where `value` is empty.
struct option {
  std::string_view name;  ///< without the dashes
  std::string_view value; ///< what its value is called; empty: it has none
  std::string_view meaning;
};

/// A command line that makes no sense; the text names the word and, where one
/// is near, what was meant.
class usage_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A command's words, sorted into options and operands. Takes `--name value`,
/// `--name=value`, and `--` before operands that begin with a dash.
class arguments {
public:
  /// Throws `usage_error` for an option that is not among `known`, one without
  /// its value and a flag with one.
  arguments(std::span<const std::string> words, std::span<const option> known);

  bool has(std::string_view name) const { return values_.contains(name); }
  /// The value given last, or `otherwise`.
  std::string value(
      std::string_view name, std::string_view otherwise = {}) const;
  /// Every value given, in order.
  std::vector<std::string> all(std::string_view name) const;
  const std::vector<std::string>& operands() const noexcept {
    return operands_;
  }

private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> operands_;
};

/// The lines of a help text, aligned: "  --out DIR    where results go".
std::string describe(std::span<const option> options);

} // namespace troupe::cli
