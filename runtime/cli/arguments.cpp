#include "runtime/cli/arguments.hpp"

#include "runtime/configuration/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::cli {

namespace {

const option& find(std::span<const option> known, std::string_view name) {
  auto found = std::find_if(known.begin(), known.end(),
      [&](const option& each) { return each.name == name; });
  if (found != known.end())
    return *found;
  std::vector<std::string> names;
  for (const auto& each : known)
    names.push_back(fmt::format("--{}", each.name));
  std::vector<std::string_view> candidates{names.begin(), names.end()};
  auto word = fmt::format("--{}", name);
  throw usage_error{fmt::format(
      "there is no option {}{}", word, did_you_mean(word, candidates))};
}

} // namespace

arguments::arguments(
    std::span<const std::string> words, std::span<const option> known) {
  auto only_operands = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (only_operands || word.size() < 2 || word.front() != '-') {
      operands_.emplace_back(word);
      continue;
    }
    if (word == "--") {
      only_operands = true;
      continue;
    }
    if (word == "-h")
      word = "--help";
    if (!word.starts_with("--"))
      throw usage_error{fmt::format("there is no option {}", word)};
    auto equals = word.find('=');
    const auto& which = find(known, word.substr(2, equals - 2));
    auto& values = values_[std::string{which.name}];
    if (which.value.empty() && equals != word.npos)
      throw usage_error{fmt::format("--{} takes no value", which.name)};
    if (which.value.empty())
      values.emplace_back();
    else if (equals != word.npos)
      values.emplace_back(word.substr(equals + 1));
    else if (++i < words.size())
      values.push_back(words[i]);
    else
      throw usage_error{
          fmt::format("--{} needs its {}", which.name, which.value)};
  }
}

std::string arguments::value(
    std::string_view name, std::string_view otherwise) const {
  auto found = values_.find(name);
  return std::string{found == values_.end() ? otherwise : found->second.back()};
}

std::vector<std::string> arguments::all(std::string_view name) const {
  auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

std::string describe(std::span<const option> options) {
  auto head = [](const option& each) {
    return fmt::format(
        "--{}{}{}", each.name, each.value.empty() ? "" : " ", each.value);
  };
  std::size_t width = 0;
  for (const auto& each : options)
    width = std::max(width, head(each).size());
  std::string text;
  for (const auto& each : options)
    text += fmt::format("  {:<{}}  {}\n", head(each), width, each.meaning);
  return text;
}

} // namespace troupe::cli
