#include "runtime/record/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "runtime/configuration/keys.hpp"
#include "runtime/record/names_apart.hpp"

namespace troupe {

namespace {

using side = comparison::side;

std::optional<double> lowest_best(const std::vector<side>& sides) {
  std::optional<double> found;
  for (const auto& each : sides)
    if (each.best)
      found =
          std::min(found.value_or(each.best->accuracy), each.best->accuracy);
  return found;
}

std::optional<history_row> first_at(
    const std::vector<history_row>& rows, double target) {
  const auto found = std::ranges::find_if(
      rows, [target](const auto& row) { return row.accuracy >= target; });
  return found == rows.end() ? std::nullopt : std::optional{*found};
}

std::optional<double> ratio(
    const comparison& what, const side& mine, const side& first) {
  const auto one_kind =
      what.on_virtual_clocks || mine.simulated == first.simulated;
  if (!one_kind || !mine.reached || !first.reached ||
      !(time_of(what, *first.reached) > 0.0))
    return std::nullopt;
  return time_of(what, *mine.reached) / time_of(what, *first.reached);
}

bool goes_by_a_clock(const side& x) {
  const auto& rows = x.run.history;
  return !rows.empty() && std::ranges::all_of(rows,
                              [](const auto& row) { return row.clock > 0.0; });
}

// Whose seconds are those of its clock.
bool was_simulated(const side& x) {
  return goes_by_a_clock(x) &&
         std::ranges::all_of(x.run.history, [](const auto& row) {
           return std::abs(row.seconds - row.clock) <= 1e-6 * row.clock;
         });
}

std::vector<std::optional<std::string>> values_of(
    const key& of, const std::vector<side>& sides) {
  std::vector<std::optional<std::string>> values;
  for (const auto& each : sides)
    values.push_back(of.applies(each.run.config)
                         ? std::optional{of.value(each.run.config)}
                         : std::nullopt);
  return values;
}

std::vector<comparison::difference> differences_of(
    const std::vector<side>& sides) {
  std::vector<comparison::difference> found;
  for (const auto& k : keys())
    if (auto values = values_of(k, sides);
        std::ranges::adjacent_find(values, std::ranges::not_equal_to{}) !=
        values.end())
      found.push_back({k.path(), std::move(values)});
  return found;
}

side side_of(kept_run run, std::string name) {
  side result;
  result.name = std::move(name);
  result.run = std::move(run);
  const auto& rows = result.run.history;
  if (const auto* best = best_of(rows)) {
    result.best = *best;
    result.last = rows.back();
  }
  result.simulated = was_simulated(result);
  return result;
}

} // namespace

double time_of(const comparison& what, const history_row& row) {
  return what.on_virtual_clocks ? row.clock : row.seconds;
}

comparison compared(std::vector<kept_run> runs, std::optional<double> target) {
  std::vector<std::filesystem::path> directories;
  for (const auto& each : runs)
    directories.push_back(each.directory);
  auto names = names_apart(directories);

  comparison result;
  auto& sides = result.sides;
  for (std::size_t i = 0; i < runs.size(); ++i)
    sides.push_back(side_of(std::move(runs[i]), std::move(names[i])));
  result.on_virtual_clocks =
      !sides.empty() && std::ranges::all_of(sides, goes_by_a_clock);
  result.target = target ? target : lowest_best(sides);
  for (auto& each : sides) {
    if (result.target)
      each.reached = first_at(each.run.history, *result.target);
    each.ratio = ratio(result, each, sides.front());
  }
  result.differences = differences_of(sides);
  return result;
}

} // namespace troupe
