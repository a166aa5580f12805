#include "runtime/launch.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "actors/guard.hpp"
#include "runtime/company.hpp"
#include "runtime/files.hpp"
#include "runtime/interruption.hpp"
#include "runtime/model_file.hpp"
#include "runtime/run_directory.hpp"
#include "runtime/sha256.hpp"
#include "runtime/summary.hpp"

namespace troupe {
namespace {

enum exit_code : int { done = 0, failed = 1, misused = 2, interrupted = 130 };

/// Something that was asked for wrongly; ends with exit code 2.
struct misuse : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::filesystem::path directory_of(
    const topology& what, const run_options& how) {
  if (!how.out.empty())
    return how.out;
  return std::filesystem::path{"runs"} /
         fmt::format("{}-{:%Y%m%d-%H%M%S}", what.config().run.name,
             fmt::localtime(std::time(nullptr)));
}

void refuse_to_overwrite(const run_directory& place) {
  if (files::exists(place.journal()) || files::exists(place.config()))
    throw misuse(fmt::format("{} holds a run already: go on with it by "
                             "--resume, or name another directory by --out",
        place.root().string()));
}

// The rounds or versions that a state has behind it.
std::uint64_t rounds_done(const past& before) {
  return before.state ? before.state->version : 0;
}

void refuse_other_bits(
    const company& players, const run_directory& place, const past& before) {
  if (!files::exists(place.config()))
    return;
  auto then = read_effective_configuration(place.config());
  if (!then)
    throw misuse(fmt::format("{}", fmt::join(then.problems, "\n")));
  auto changed = differences(then.value, players.config(), rounds_done(before));
  if (!changed.empty())
    throw misuse(fmt::format("{} cannot be resumed so:\n  {}",
        place.root().string(), fmt::join(changed, "\n  ")));
}

past look_back(const company& players, const run_options& how,
    const run_directory& place) {
  if (!how.resume) {
    refuse_to_overwrite(place);
    return {};
  }
  if (!files::exists(place.root()))
    throw misuse(fmt::format(
        "{}: there is no such run to resume", place.root().string()));
  auto before = recall(files::system(), place, players.layout());
  refuse_other_bits(players, place, before);
  const auto& here = players.account().fingerprint;
  if (before.state && before.state->fingerprint != here)
    fmt::print(stderr,
        "warning: resumed under another numeric fingerprint; the bits may "
        "differ from those of an undisturbed run\n  then: {}\n  now:  {}\n",
        before.state->fingerprint, here);
  return before;
}

void write_results(const run_directory& place, const gpu::layout& layout,
    const run_report& report, summary what) {
  auto& disk = files::system();
  auto values = report.parameters->span();
  what.model_sha256 = sha256(std::as_bytes(values));
  for (const auto& row : parse_history(disk.read_all(place.history())))
    if (row.accuracy > what.best_accuracy) {
      what.best_accuracy = row.accuracy;
      what.best_version = row.version;
    }
  write_model(disk, place.model(), layout, values,
      {{"troupe.version", std::to_string(report.version)},
          {"troupe.fingerprint", what.fingerprint}});
  disk.write_atomically(place.summary(), to_json(what, report));
}

int answer(const run_report& report, const run_directory& place) {
  auto where = place.root().string();
  switch (report.outcome) {
  case run_outcome::completed:
  case run_outcome::target_reached:
    return done;
  case run_outcome::interrupted:
    fmt::print(stderr,
        "interrupted at version {}; go on with: troupe run --resume --out {}\n",
        report.version, where);
    return interrupted;
  case run_outcome::failed:
    fmt::print(stderr, "error: {}\n", text(report.why));
    return failed;
  }
  return failed;
}

int play(const topology& what, const run_options& how) {
  if (auto problems = what.problems(); !problems.empty())
    throw misuse(fmt::format("{}", fmt::join(problems, "\n")));
  run_directory place{directory_of(what, how)};
  company players{what, how};
  auto before = look_back(players, how, place);
  auto& disk = files::system();
  disk.make_directories(place.root());
  disk.write_atomically(place.config(), to_toml(players.config()));
  if (!how.quiet && !players.devices().remark.empty())
    fmt::print(stderr, "note: {}\n", players.devices().remark);
  auto report = players.play(place, before);
  bool finished = report.outcome == run_outcome::completed ||
                  report.outcome == run_outcome::target_reached;
  if (finished)
    write_results(place, players.layout(), report, players.account());
  auto code = answer(report, place);
  if (finished && !how.quiet)
    fmt::print("results in {}\n", place.root().string());
  players.leave(code);
  return code;
}

} // namespace

int execute(const topology& what, const run_options& how) {
  try {
    return play(what, how);
  } catch (const misuse& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return misused;
  } catch (const std::exception& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return failed;
  }
}

} // namespace troupe
