#include "runtime/cli/comparison_text.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "monitoring/wording.hpp"
#include "runtime/cli/text_table.hpp"
#include "runtime/configuration/rule_choice.hpp"

namespace troupe::cli {

namespace {

using monitoring::figure;
using monitoring::grouped;
using monitoring::one_line;
using nlohmann::ordered_json;
using side = comparison::side;
using row = std::optional<history_row>;

constexpr std::size_t columns_to_target = 10; // those before it

std::string seconds(double value) {
  return fmt::format("{:.2f}", value);
}

// A dash for what is not there.
template <class Value, class Show>
std::string or_dash(const std::optional<Value>& value, Show&& show) {
  return value ? show(*value) : "-";
}

std::string accuracy(const row& of) {
  return or_dash(of, [](const auto& x) { return figure(x.accuracy); });
}

text_table::cells line_of(const comparison& what, const side& x) {
  return {one_line(x.name), one_line(rule_name(x.run.config)),
      one_line(method_name(x.run.config)), one_line(x.run.config.model.kind),
      grouped(x.run.version), grouped(x.run.updates), seconds(x.run.seconds),
      accuracy(x.last), accuracy(x.best),
      or_dash(x.best, [](const auto& best) { return grouped(best.version); }),
      or_dash(x.reached, [](const auto& at) { return grouped(at.version); }),
      or_dash(x.reached, [](const auto& at) { return grouped(at.updates); }),
      or_dash(x.reached,
          [&](const auto& at) { return seconds(time_of(what, at)); }),
      or_dash(x.ratio, [](double value) { return seconds(value); })};
}

bool is_mesh(const side& x) {
  return x.run.config.is_mesh();
}

std::string table_of_runs(const comparison& what) {
  const auto meshes = std::ranges::all_of(what.sides, is_mesh);
  const auto* versions = meshes ? "STEPS" : "VERSIONS";
  const auto* updates = meshes ? "SAMPLES" : "UPDATES";
  text_table table{4};
  table.add({"RUN", meshes ? "SYNC" : "RULE", "METHOD", "MODEL", versions,
      updates, "SECONDS", "LAST", "BEST", meshes ? "AT STEP" : "AT VERSION",
      versions, updates, what.on_virtual_clocks ? "VIRTUAL S" : "SECONDS",
      "RATIO"});
  for (const auto& each : what.sides)
    table.add(line_of(what, each));
  if (!what.target)
    return table.text();
  return fmt::format("{:{}}to accuracy {}\n{}", "",
      table.begin_of(columns_to_target), figure(*what.target), table.text());
}

std::string table_of_differences(const comparison& what) {
  if (what.sides.size() < 2)
    return {};
  if (what.differences.empty())
    return "\nTheir configurations are the same.\n";
  text_table table{1 + what.sides.size()};
  text_table::cells head{"WHAT DIFFERS"};
  for (const auto& each : what.sides)
    head.push_back(one_line(each.name));
  table.add(std::move(head));
  for (const auto& each : what.differences) {
    text_table::cells line{each.key};
    for (const auto& value : each.values)
      line.push_back(value.value_or("-"));
    table.add(std::move(line));
  }
  return '\n' + table.text();
}

std::string state_of(const side& x) {
  const auto& outcome = x.run.outcome;
  if (outcome == "completed" || outcome == "target_reached")
    return {};
  return fmt::format("note: {} is {}; these are its figures up to {} {}, "
                     "the last one scored\n",
      one_line(x.name), outcome, is_mesh(x) ? "step" : "version",
      grouped(x.run.version));
}

ordered_json as_json(const row& of) {
  if (!of)
    return nullptr;
  ordered_json result{{"version", of->version}, {"updates", of->updates},
      {"seconds", of->seconds}, {"accuracy", of->accuracy}};
  if (of->clock > 0.0)
    result["virtual_seconds"] = of->clock;
  return result;
}

ordered_json as_json(const side& x) {
  ordered_json result{{"name", x.name}, {"directory", x.run.directory.string()},
      {"rule", rule_name(x.run.config)}, {"method", method_name(x.run.config)},
      {"model", x.run.config.model.kind}, {"outcome", x.run.outcome},
      {"versions", x.run.version}, {"updates", x.run.updates},
      {"seconds", x.run.seconds}, {"last", as_json(x.last)},
      {"best", as_json(x.best)}, {"reached", as_json(x.reached)}};
  result["ratio"] = x.ratio ? ordered_json(*x.ratio) : nullptr;
  return result;
}

// Most values are JSON as they are TOML; what is not, stays a text.
ordered_json as_json(const std::optional<std::string>& toml) {
  if (!toml)
    return nullptr;
  auto value = ordered_json::parse(*toml, nullptr, false);
  return value.is_discarded() ? ordered_json(*toml) : value;
}

} // namespace

std::string to_text(const comparison& what) {
  auto text = table_of_runs(what) + table_of_differences(what);
  std::string notes;
  for (const auto& each : what.sides)
    notes += state_of(each);
  if (std::ranges::any_of(what.sides, is_mesh) &&
      !std::ranges::all_of(what.sides, is_mesh))
    for (const auto& each : what.sides)
      if (is_mesh(each))
        notes += fmt::format("note: {} is a mesh: its versions are steps, and "
                             "its updates samples\n",
            one_line(each.name));
  if (!what.on_virtual_clocks)
    for (const auto& each : what.sides)
      if (each.simulated)
        notes += fmt::format("note: {} was simulated, and its seconds are "
                             "virtual; a ratio is of one kind of seconds\n",
            one_line(each.name));
  return notes.empty() ? text : text + '\n' + notes;
}

std::string to_json(const comparison& what) {
  ordered_json result;
  result["target"] = what.target ? ordered_json(*what.target) : nullptr;
  result["runs"] = ordered_json::array();
  for (const auto& each : what.sides)
    result["runs"].push_back(as_json(each));
  result["differences"] = ordered_json::object();
  for (const auto& each : what.differences) {
    auto& values = result["differences"][each.key] = ordered_json::array();
    for (const auto& value : each.values)
      values.push_back(as_json(value));
  }
  // Directories are called as people like.
  return result.dump(2, ' ', false, ordered_json::error_handler_t::replace) +
         '\n';
}

} // namespace troupe::cli
