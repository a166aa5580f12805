#include "runtime/cli/cluster.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/cli/load.hpp"
#include "runtime/company/interruption.hpp"
#include "runtime/company/restart.hpp"
#include "runtime/launch.hpp"
#include "runtime/record/run_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <new>

namespace troupe::cli {

namespace {

const command& run_command() {
  return commands().front();
}

run_options options(const arguments& given) {
  if (given.has("resume") && !given.has("out"))
    throw usage_error{"--resume needs --out DIR, the run to go on with"};
  if (given.has("out") && given.value("out").empty())
    throw usage_error{"--out needs the name of a directory"};
  return {.out = given.value("out"),
      .resume = given.has("resume"),
      .quiet = given.has("quiet"),
      .metrics = metrics(given),
      .cluster = listening(given)};
}

// A run that goes on has its configuration with it.
std::filesystem::path configuration_file(const arguments& given) {
  if (!given.operands().empty())
    return given.operands().front();
  if (!given.has("resume"))
    throw usage_error{"run needs CONFIG.toml"};
  return std::filesystem::path{given.value("out")} / "config.toml";
}

// Of a run, and what a node of it takes beside.
std::vector<option> program_options() {
  auto result = run_command().options;
  const auto knows = [&](std::string_view name) {
    return std::ranges::any_of(
        result, [&](const auto& each) { return each.name == name; });
  };
  result.insert(result.end() - 1,
      {"join", "HOST:PORT", "lend this machine to a run that listens there"});
  for (const auto& each : joining_options())
    if (!knows(each.name))
      result.insert(result.end() - 1, each);
  return result;
}

using composer = std::function<troupe::topology()>;

int launch(const composer& compose, const arguments& given) {
  if (given.has("join")) {
    const auto how = joining(given, given.value("join"));
    interruption signals;
    return troupe::join(how, compose().with(settings(given)), signals);
  }
  auto how = options(given);
  interruption signals;
  auto changed = compose().with(settings(given));
  compute_by(changed.config().compute.instructions);
  auto problems = changed.problems();
  if (!problems.empty())
    throw configuration_error{problems};
  return execute(changed, how, signals);
}

int launch(const composer& compose, const std::string& program,
    std::span<const std::string> words) {
  auto known = program_options();
  arguments given{words, known};
  if (given.has("help")) {
    std::cout << fmt::format(
        "Usage: {} [OPTION]...\n\nOptions:\n{}", program, describe(known));
    return std::cout.flush() ? done : failed;
  }
  if (!given.operands().empty())
    throw usage_error{
        fmt::format("{} is not an option", given.operands().front())};
  return launch(compose, given);
}

} // namespace

int run(const arguments& given, console& to) {
  auto how = options(given);
  auto file = configuration_file(given);
  if (given.operands().empty() && !run_directory{how.out}.holds_run()) {
    to.err << "troupe: there is no run in " << how.out.string()
           << " to resume\n";
    return misused;
  }
  interruption signals;
  auto what = load_topology(file, settings(given), to);
  return what ? execute(*what, how, signals) : misused;
}

} // namespace troupe::cli

namespace troupe {

int launch(const std::function<topology()>& compose, int argc, char** argv) {
  cli::brace();
  std::string program{argc > 0 ? argv[0] : "program"};
  std::vector<std::string> words{argv + std::min(argc, 1), argv + argc};
  try {
    return cli::launch(compose, program, words);
  } catch (const cli::usage_error& error) {
    std::cerr << program << ": " << error.what() << "; see `" << program
              << " --help`\n";
    return misused;
  } catch (const configuration_error& error) {
    std::cerr << error.what() << "\n";
    return misused;
  } catch (const std::bad_alloc&) {
    std::cerr << program << ": out of memory before the run began\n";
    return failed;
  } catch (const std::exception& error) {
    std::cerr << program << ": " << error.what() << "\n";
    return failed;
  }
}

int launch(const topology& what, int argc, char** argv) {
  return launch([&] { return what; }, argc, argv);
}

} // namespace troupe
