#include "runtime/cli/simulate.hpp"

#include "runtime/cli/load.hpp"
#include "runtime/company/interruption.hpp"

#include <fmt/format.h>

#include <ostream>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::cli {

namespace {

// Before what was asked for, which may ask for something else.
std::vector<std::string> on_its_clock(std::vector<std::string> asked) {
  asked.insert(asked.begin(), "run.order=virtual");
  return asked;
}

// Before its clock is asked for, which ranks have no use for. What cannot be
// read is told of by whoever loads it.
bool is_mesh(const std::filesystem::path& file,
    const std::vector<std::string>& settings) {
  return read_configuration(file, settings).value.is_mesh();
}

// What a simulation does not have; empty: it has all.
std::string_view out_of_this_world(const configuration& what) {
  if (what.run.order != "virtual")
    return "run.order = \"arrival\" is no order of a simulation, which has no "
           "other clock than its own";
  if (what.federation.residents)
    return "federation.residents = true: nodes bring residents, and a "
           "simulation has none";
  if (!what.federation.regions.empty())
    return "federation.regions: a simulation has one aggregator";
  return {};
}

// A reaction holds the source, which must not outlast this.
struct forgetful {
  interruption& signals;
  ~forgetful() { signals.react({}); }
};

} // namespace

int simulate(const std::filesystem::path& file,
    const std::vector<std::string>& settings, const simulation::options& how,
    console& to) {
  if (is_mesh(file, settings)) {
    to.err << fmt::format("{}: a mesh (parallel.workers) has no virtual clock; "
                          "troupe simulate is for federations, and troupe run "
                          "repeats a mesh by its seed\n",
        file.string());
    return misused;
  }
  interruption signals;
  const auto what = load_topology(file, on_its_clock(settings), to);
  if (!what)
    return misused;
  if (const auto why = out_of_this_world(what->config()); !why.empty()) {
    to.err << why << "\n";
    return misused;
  }
  std::stop_source stop;
  const forgetful forgets{signals};
  signals.react([&stop] { stop.request_stop(); });
  return simulation::simulate(*what, how, {to.out, to.err}, stop.get_token());
}

int simulate(const arguments& given, console& to) {
  if (given.has("out") && given.value("out").empty())
    throw usage_error{"--out needs the name of a directory"};
  return simulate(given.operands().front(), settings(given),
      {.out = given.value("out"), .quiet = given.has("quiet")}, to);
}

} // namespace troupe::cli
