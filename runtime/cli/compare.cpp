#include "monitoring/comparison_plot.hpp"
#include "monitoring/wording.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/cli/comparison_text.hpp"
#include "runtime/cli/simulate.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/record/claim.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <ostream>

namespace troupe::cli {

namespace {

namespace fs = std::filesystem;

std::optional<double> target_of(const arguments& given) {
  if (!given.has("target"))
    return std::nullopt;
  const auto text = given.value("target");
  auto value = 0.0;
  const auto* end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc{} || read.ptr != end || !(value > 0.0) ||
      value > 1.0)
    throw usage_error{
        fmt::format("--target {} is not an accuracy from above 0 to 1", text)};
  return value;
}

// Empty: nothing is drawn.
fs::path plot_of(const arguments& given) {
  if (given.has("svg") && given.has("no-svg"))
    throw usage_error{"--svg and --no-svg exclude each other"};
  if (given.has("svg") && given.value("svg").empty())
    throw usage_error{"--svg needs the name of a file"};
  return given.has("no-svg") ? "" : given.value("svg", "comparison.svg");
}

// Only what this command has drawn, or nobody has written to, may be replaced.
bool may_replace(const fs::path& file) {
  if (!files::exists(file))
    return true;
  if (!fs::is_regular_file(file))
    return false;
  return fs::file_size(file) == 0 ||
         monitoring::is_comparison_plot(files::system().read_all(file));
}

// A configuration in place of a directory: what a simulation of it makes, in a
// directory of its own in runs/.
int simulate_all(std::vector<std::string>& operands, bool tells, console& to) {
  for (auto& each : operands) {
    if (!fs::is_regular_file(each))
      continue;
    const auto place =
        claim_directory({}, fs::path{each}.stem().string()).place.root();
    if (tells)
      to.out << fmt::format("simulating {} in {}\n", each, place.string())
             << std::flush;
    if (auto code = simulate(each, {}, {.out = place, .quiet = true}, to);
        code != done)
      return code;
    each = place.string();
  }
  return done;
}

// Every directory is looked at, so that all that is wrong is told at once.
int read_all(const std::vector<std::string>& directories, console& to,
    std::vector<kept_run>& into) {
  auto code = done;
  for (const auto& each : directories) {
    const run_directory place{each};
    if (!place.holds_run()) {
      to.err << "troupe: there is no run in " << each << " to compare\n";
      code = misused;
      continue;
    }
    try {
      into.push_back(read_kept_run(files::system(), place));
    } catch (const std::runtime_error& error) {
      to.err << "troupe: " << error.what() << "\n";
      if (code == done)
        code = failed;
    }
  }
  return code;
}

std::string note_on(const comparison& what, const comparison::side& x) {
  const auto rule = fmt::format(
      "{} by {}", rule_name(x.run.config), method_name(x.run.config));
  if (!x.best)
    return rule + ", not scored yet";
  auto text = fmt::format("{}, best {} at version {}", rule,
      monitoring::figure(x.best->accuracy),
      monitoring::grouped(x.best->version));
  if (x.reached)
    text += fmt::format(", target at version {} after {:.2f} {}s",
        monitoring::grouped(x.reached->version), time_of(what, *x.reached),
        what.on_virtual_clocks ? "virtual " : "");
  return text;
}

void draw(const comparison& what, const fs::path& file) {
  std::vector<monitoring::compared_curve> curves;
  for (const auto& each : what.sides)
    curves.push_back({each.name, note_on(what, each), each.run.history});
  files::system().write_atomically(
      file, monitoring::comparison_plot(curves, what.target));
}

} // namespace

int compare(const arguments& given, console& to) {
  const auto target = target_of(given);
  const auto plot = plot_of(given);
  auto operands = given.operands();
  if (auto code = simulate_all(operands, !given.has("json"), to); code != done)
    return code;
  std::vector<kept_run> runs;
  if (auto code = read_all(operands, to, runs); code != done)
    return code;
  if (!plot.empty() && !may_replace(plot)) {
    to.err << fmt::format("troupe: {} is there and no comparison that Troupe "
                          "drew; choose another file with --svg, or --no-svg\n",
        plot.string());
    return misused;
  }
  const auto what = compared(std::move(runs), target);
  to.out << (given.has("json") ? to_json(what) : to_text(what));
  if (plot.empty())
    return done;
  draw(what, plot);
  if (!given.has("json"))
    to.out << "\ndrawn in " << plot.string() << "\n";
  return done;
}

} // namespace troupe::cli
