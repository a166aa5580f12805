#include "runtime/configuration/configuration_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "runtime/configuration/legible.hpp"
#include "runtime/configuration/mesh_choice.hpp"
#include "runtime/configuration/spelling.hpp"
#include "runtime/configuration/toml_guard.hpp"
#include "runtime/configuration/toml_value.hpp"

namespace troupe {

namespace {

constexpr auto by_setting = "--set";

std::vector<std::string_view> sections() {
  std::vector<std::string_view> result;
  for (const auto& k : keys())
    if (result.empty() || result.back() != k.section)
      result.push_back(k.section);
  return result;
}

std::vector<std::string_view> names(std::string_view section) {
  std::vector<std::string_view> result;
  for (const auto& k : keys())
    if (k.section == section)
      result.push_back(k.name);
  return result;
}

// A misspelt name is best explained by its section; a misplaced one by the
// section that has it.
std::string meant(std::string_view section, std::string_view name) {
  auto siblings = names(section);
  auto hint = did_you_mean(name, siblings);
  for (const auto& k : keys())
    if (hint.empty() && k.name == name)
      hint = fmt::format(" (did you mean {}?)", k.path());
  if (!hint.empty())
    return hint;
  if (siblings.empty())
    return fmt::format("; the sections are {}", fmt::join(sections(), ", "));
  return fmt::format("; [{}] has {}", section, fmt::join(siblings, ", "));
}

std::string misplaced(std::string_view label, const toml::node& value) {
  auto known = sections();
  auto name = legible(label);
  if (std::find(known.begin(), known.end(), label) != known.end())
    return fmt::format("{0} is a section: write [{0}] on its own line", name);
  if (!value.is_table())
    return fmt::format("{} stands in no section{}", name, meant({}, label));
  auto hint = did_you_mean(label, known);
  if (hint.empty())
    hint = fmt::format("; there are {}", fmt::join(known, ", "));
  return fmt::format("[{}] is not a section{}", name, hint);
}

std::optional<toml::table> parsed(std::string_view value) {
  auto text = fmt::format("value = {}", value);
  if (find_stray(text))
    return {};
  try {
    return toml::parse(text);
  } catch (const toml::parse_error&) {
    return {};
  }
}

// Quotes are easily lost between shells, so a value that is no TOML, or that is
// no text where the key wants some, counts as text. Nothing: it is not UTF-8,
// which no configuration file could hold.
std::optional<toml::table> value_of(const key& k, std::string_view value) {
  configuration any;
  auto wants_text = std::holds_alternative<std::string*>(k.in(any));
  auto one_line = value.find_first_of("\r\n") == std::string_view::npos;
  auto table = one_line ? parsed(value) : std::nullopt;
  if (!table || (wants_text && !table->get("value")->is_string()))
    return parsed(toml_string(value));
  return table;
}

std::string_view trimmed(std::string_view text) {
  constexpr auto blanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

} // namespace

void configuration_reader::assign(const key& k, const toml::node& value,
    std::size_t line, const std::string& from) {
  auto lenient = k;
  if (any_word_)
    lenient.choices = {};
  auto wrong = assign_value(lenient, value, result_.value);
  if (wrong.empty())
    result_.where[k.path()] = from;
  else
    fault(line, fmt::format("{}: {} = {} {}", from, k.path(), as_written(value),
                    wrong));
}

void configuration_reader::reset(const key& k) {
  configuration defaults;
  std::visit([&](auto* to) { *to = *std::get<decltype(to)>(k.in(defaults)); },
      k.in(result_.value));
}

// A file may have keys of several models, rules and partitions, of which a line
// or a setting chooses one; what a file has for none that it names itself is
// worth a note, as it may be a mistake. What a run wrote is taken as it is:
// earlier releases wrote keys that nobody used. What the other kind of topology
// goes by is no choice among several, and stays to be refused.
void configuration_reader::leave_out_unused() {
  for (const auto& k : keys()) {
    auto found = result_.where.find(k.path());
    if (found == result_.where.end() || found->second == by_setting ||
        k.applies(result_.value) ||
        (!any_word_ && k.section != "data" && !k.fits_kind(result_.value)))
      continue;
    if (!any_word_ && k.section != "data" && !k.applies(file_))
      result_.notes.push_back(fmt::format("{}: {} is for {} alone; left out",
          found->second, k.path(), k.used_with));
    result_.where.erase(found);
    reset(k);
  }
}

void configuration_reader::read_section(
    std::string_view section, const toml::table& part, std::string_view name) {
  for (const auto& [label, value] : part) {
    auto line = value.source().begin.line;
    auto from = fmt::format("{}:{}", name, line);
    if (auto k = find_key(section, label.str()))
      assign(*k, value, line, from);
    else
      fault(line, fmt::format("{}: {}.{} is not a key{}", from, section,
                      legible(label.str()), meant(section, label.str())));
  }
}

void configuration_reader::read(
    const toml::table& file, std::string_view name) {
  auto known = sections();
  for (const auto& [label, value] : file) {
    auto line = value.source().begin.line;
    auto part = value.as_table();
    auto section = std::find(known.begin(), known.end(), label.str());
    if (part && section != known.end())
      read_section(*section, *part, name);
    else
      fault(line,
          fmt::format("{}:{}: {}", name, line, misplaced(label.str(), value)));
  }
  file_ = result_.value;
}

// Blanks around the equals sign mean nothing, as in a file.
void configuration_reader::set(std::string_view setting) {
  auto equals = setting.find('=');
  auto path = trimmed(setting.substr(0, equals));
  auto dot = std::min(path.find('.'), path.size());
  auto section = path.substr(0, dot);
  auto name = path.substr(std::min(dot + 1, path.size()));
  auto k = find_key(section, name);
  if (equals == setting.npos || path.empty()) {
    fault(behind_the_file,
        fmt::format("--set {}: is not section.key=value, like client.lr=0.1",
            legible(setting)));
  } else if (k) {
    auto table = value_of(*k, trimmed(setting.substr(equals + 1)));
    if (table)
      assign(*k, *table->get("value"), behind_the_file, by_setting);
    else
      fault(behind_the_file,
          fmt::format("--set: {} is not written in UTF-8", k->path()));
  } else {
    auto known = dot < path.size();
    fault(behind_the_file,
        fmt::format("--set: {} is not a key{}", legible(path),
            known ? meant(section, name) : meant({}, section)));
  }
}

// A setting may have chosen another rule, or another optimiser: what was said
// to the one before it says nothing to this one.
void configuration_reader::reset_unused() {
  const auto said = [&](std::string_view path) {
    return result_.where.contains(path);
  };
  for (const auto& k : keys())
    if ((k.section == "federation" || k.of == topology_kind::mesh) &&
        k.fits_kind(result_.value) && !k.applies(result_.value) &&
        !said(k.path()))
      reset(k);
  auto& how = result_.value.optimiser;
  if (said("optimiser.kind") && !said("optimiser.lr"))
    how.lr = usual_rate(how.kind);
}

reading configuration_reader::finish() && {
  std::stable_sort(faults_.begin(), faults_.end(),
      [](const auto& a, const auto& b) { return a.line < b.line; });
  for (auto& each : faults_)
    result_.problems.push_back(std::move(each.text));
  // A refused key kept its default; what that contradicts would be noise.
  if (result_.problems.empty())
    result_.problems = contradictions(result_.value, result_.where);
  return std::move(result_);
}

} // namespace troupe
