#include "runtime/launch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "actors/computing/guard.hpp"
#include "gpu/device.hpp"
#include "gpu/kernel_sets.hpp"
#include "monitoring/outlet.hpp"
#include "runtime/company/company.hpp"
#include "runtime/company/interruption.hpp"
#include "runtime/company/memory.hpp"
#include "runtime/exit_code.hpp"
#include "runtime/files/files.hpp"
#include "runtime/record/claim.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/record/provenance.hpp"
#include "runtime/record/results.hpp"
#include "runtime/record/run_directory.hpp"
#include "runtime/record/summary.hpp"

namespace troupe {
namespace {

// A reader that has gone or pauses, or a full disk behind it, ends no run.
template <class... Values>
void say(
    std::FILE* to, fmt::format_string<Values...> text, Values&&... values) {
  auto& heard = to == stdout ? monitoring::standard_output()
                             : monitoring::standard_error();
  heard.write(fmt::format(text, std::forward<Values>(values)...));
}

// Nothing where a process was killed before it wrote anything: that run begins
// again.
std::optional<claim> take_up(const std::filesystem::path& root) {
  run_directory place{root};
  if (!files::exists(root))
    throw misuse(fmt::format("there is no run in {} to resume", root.string()));
  auto lock = files::system().lock(root);
  if (!lock)
    refuse_in_use(root);
  if (place.holds_run())
    return claim{place, std::move(*lock)};
  say(stderr, "note: there is no run in {} to resume; it begins now\n",
      root.string());
  return std::nullopt;
}

// The rounds or versions that a state has behind it.
std::uint64_t rounds_done(const past& before) {
  return before.state ? before.state->version : 0;
}

// The configuration that a run began with; none: it was killed before it had
// one.
std::optional<reading> began_with(
    const run_directory& place, const past& before) {
  if (files::exists(place.config()))
    return read_effective_configuration(place.config());
  if (before.state)
    return parse_effective_configuration(before.state->configuration,
        checkpoint_path(place.checkpoints(), before.state->version).string());
  return std::nullopt;
}

void refuse_other_bits(
    const company& players, const run_directory& place, const past& before) {
  auto then = began_with(place, before);
  if (then && !*then)
    throw misuse(fmt::format("{}", fmt::join(then->problems, "\n")));
  const auto& now = players.config();
  std::vector<std::string> changed;
  if (then) {
    // What lies there is known, so where it lies does not matter.
    if (before.from.known()) {
      then->value.data.path = now.data.path;
      then->value.model.init = now.model.init;
    }
    changed = differences(then->value, now, rounds_done(before));
  }
  if (changed.empty() && before.from.known()) {
    changed = differences(before.from, players.from(), now);
    if (!changed.empty())
      changed.push_back("bring back what the run began with, or start it anew "
                        "in another directory");
  }
  if (!changed.empty())
    throw misuse(fmt::format("{} cannot be resumed so:\n  {}",
        place.root().string(), fmt::join(changed, "\n  ")));
}

past look_back(const company& players, const run_directory& place) {
  auto before = with_memory("reading " + place.root().string(),
      [&] { return recall(files::system(), place, players.layout()); });
  refuse_other_bits(players, place, before);
  if (!before.note.empty())
    say(stderr, "note: {}\n", before.note);
  for (const auto& [number, change] : before.undone)
    say(stderr,
        "note: {} took over behind version {}, which was not stored: it is "
        "undone, and troupe set or federation.switch brings it back\n",
        change.rule, change.version);
  if (before.last_fact > 0 && !before.from.known())
    say(stderr,
        "note: {} does not tell which data the run began with, so that it "
        "cannot be compared with what there is now\n",
        place.root().string());
  const auto& here = players.account().fingerprint;
  if (before.state && before.state->fingerprint != here)
    say(stderr,
        "warning: resumed under another numeric fingerprint; the bits may "
        "differ from those of an undisturbed run\n  then: {}\n  now:  {}\n",
        before.state->fingerprint, here);
  return before;
}

bool holds(const std::filesystem::path& path, const gpu::buffer& parameters) {
  try {
    auto stored = read_model(files::system(), path);
    auto there = std::as_bytes(stored.values->span());
    auto here = std::as_bytes(parameters.span());
    return std::equal(there.begin(), there.end(), here.begin(), here.end());
  } catch (const std::runtime_error&) {
    return false; // it cannot be read, or is none
  }
}

bool is_summed_up(const run_directory& place, const run_report& report) {
  auto end = end_of(files::system().read_all(place.summary()));
  return end && end->version == report.version &&
         end->outcome == to_string(report.outcome);
}

// Whether there was nothing left to do for a process, and all that it would
// write is there.
bool is_idle(
    const run_directory& place, const past& before, const run_report& report) {
  auto done_before = before.state && report.steps == 0 &&
                     before.state->version == report.version;
  return done_before && files::exists(place.model()) &&
         holds(place.model(), *report.parameters) &&
         files::exists(place.summary()) && is_summed_up(place, report);
}

int answer(const configuration& what, const run_report& report,
    const run_directory& place) {
  auto where = place.root().string();
  switch (report.outcome) {
  case run_outcome::completed:
  case run_outcome::target_reached:
    return done;
  case run_outcome::interrupted:
    say(stderr,
        "{}interrupted at {} {}; go on with: troupe run --resume --out "
        "{}\n",
        report.why ? "error: " + text(report.why) + "; " : std::string{},
        what.is_mesh() ? "step" : "version", report.version, where);
    return interrupted;
  case run_outcome::failed:
    say(stderr, "error: {}\n", text(report.why));
    return failed;
  }
  return failed;
}

void announce(const company& players) {
  if (!players.devices().remark.empty())
    say(stderr, "note: {}\n", players.devices().remark);
  if (auto url = players.metrics(); !url.empty())
    say(stdout, "metrics at {}\n", url);
  if (auto at = players.listens_at(); !at.empty())
    say(stdout, "nodes join at {}\n", at);
}

// Programs of a user's own, too, come here by what sees to both.
void refuse_without_arithmetic(
    const configuration::compute_keys& what, const run_options& how) {
  if (what.instructions != "own" && !gpu::computes_by(what.instructions))
    throw misuse(fmt::format("compute.instructions = \"{}\": this process "
                             "computes by {}; `troupe run` and launch() start "
                             "it so that it does",
        what.instructions, gpu::numeric_fingerprint()));
  if (what.slots.none() && how.cluster.at.empty())
    throw misuse("compute.slots = 0 trains nothing here, and without --listen "
                 "there are no nodes that do: give --listen HOST:PORT, or "
                 "compute.slots = \"auto\"");
}

// Residents come by a port, or not at all.
std::string nobody_to_wait_for(
    const configuration& what, const run_options& how) {
  const auto& of = what.federation;
  if (!how.cluster.at.empty() || (of.clients > 0 && of.min_residents == 0))
    return {};
  return fmt::format(
      "federation.{} = {}: the clients are residents, which nodes bring: "
      "--listen HOST:PORT lets them join",
      of.clients == 0 ? "clients" : "min_residents",
      of.clients == 0 ? 0 : of.min_residents);
}

int play(const topology& what, const run_options& how, interruption& signals) {
  auto problems = what.problems();
  if (auto why = nobody_to_wait_for(what.config(), how);
      problems.empty() && !why.empty())
    problems.push_back(std::move(why));
  if (problems.empty())
    problems = run_beyond_memory(what.config());
  if (!problems.empty())
    throw misuse(fmt::format("{}", fmt::join(problems, "\n")));
  refuse_without_arithmetic(what.config().compute, how);
  std::optional<claim> held;
  if (how.resume)
    held = take_up(how.out);
  auto players = with_memory(
      "preparing clients and model", [&] { return gather(what, how); });
  auto before = held ? look_back(*players, held->place) : past{};
  signals.keep();
  if (!held)
    held.emplace(claim_directory(how.out, what.config().run.name));
  const auto& place = held->place;
  files::system().write_atomically(place.config(), to_toml(players->config()));
  begin_incarnation(files::system(), place, before);
  if (!how.quiet)
    announce(*players);
  auto report = with_memory(
      "training", [&] { return players->play(place, before, signals); });
  bool finished = report.outcome == run_outcome::completed ||
                  report.outcome == run_outcome::target_reached;
  bool idle = finished && is_idle(place, before, report);
  if (finished && !idle)
    write_results(place, players->layout(), report, players->account());
  auto code = answer(players->config(), report, place);
  if (finished && !how.quiet)
    say(stdout, "{}results in {}\n",
        idle ? "nothing to do: the run had ended; " : "",
        place.root().string());
  players->leave(code);
  return code;
}

} // namespace

int execute(
    const topology& what, const run_options& how, interruption& signals) {
  const monitoring::last_words heard;
  try {
    return play(what, how, signals);
  } catch (const misuse& e) {
    say(stderr, "error: {}\n", e.what());
    return misused;
  } catch (const std::bad_alloc&) {
    say(stderr, "error: out of memory while the run was written\n");
    return failed;
  } catch (const std::exception& e) {
    say(stderr, "error: {}\n", e.what());
    return failed;
  }
}

int execute(const topology& what, const run_options& how) {
  interruption signals;
  return execute(what, how, signals);
}

} // namespace troupe
