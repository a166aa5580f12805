#include "runtime/simulation/simulate.hpp"

#include <exception>
#include <new>
#include <ostream>
#include <utility>

#include <fmt/format.h>

#include "actors/computing/guard.hpp"
#include "gpu/device.hpp"
#include "monitoring/process_stat.hpp"
#include "runtime/company/memory.hpp"
#include "runtime/exit_code.hpp"
#include "runtime/record/chronicle.hpp"
#include "runtime/record/claim.hpp"
#include "runtime/record/results.hpp"
#include "runtime/simulation/plan.hpp"
#include "runtime/simulation/training_workshop.hpp"

namespace troupe::simulation {
namespace {

chronicle chronicle_of(const topology& what, const plan& told,
    const training_workshop& by, const run_directory& place) {
  const auto& c = what.config();
  return chronicle{{.disk = &files::system(),
      .directory = place.root(),
      .layout = by.layout(),
      .name = c.run.name,
      .rule_name = c.federation.rule,
      .configuration = to_toml(c),
      .fingerprint = told.header.fingerprint,
      .from = told.header.from,
      .keep = c.run.keep_checkpoints,
      .clock = true}};
}

// Whoever ended early has no results, and its directory can be taken up as a
// run's.
int answer(const run_report& report, const voice& to) {
  switch (report.outcome) {
  case run_outcome::completed:
  case run_outcome::target_reached:
    return done;
  case run_outcome::interrupted:
    to.err << fmt::format("interrupted at version {}\n", report.version);
    return interrupted;
  case run_outcome::failed:
    break;
  }
  to.err << "error: " << text(report.why) << "\n";
  return failed;
}

std::string told_of(const run_report& report) {
  auto text =
      fmt::format("{}: version {}", to_string(report.outcome), report.version);
  if (report.scored)
    text += fmt::format("  accuracy {:.4f}  loss {:.4f}",
        report.final.accuracy(), report.final.loss());
  return text + fmt::format("  {} updates in {:.1f} virtual seconds\n",
                    report.updates, report.training_seconds);
}

int play(const topology& what, const options& how, const voice& to,
    std::stop_token stop) {
  gpu::use_one_blas_thread();
  const auto began = monitoring::process_age();
  auto clients = what.client_data();
  training_workshop by{what, clients};
  auto told = plan_of(what, clients, by.current());
  const auto held = claim_directory(how.out, what.config().run.name);
  const auto& place = held.place;
  files::system().write_atomically(place.config(), to_toml(what.config()));
  begin_incarnation(files::system(), place, {});
  auto written = chronicle_of(what, told, by, place);
  summary about;
  about.name = told.header.name;
  about.rule = told.header.rule;
  about.fingerprint = told.header.fingerprint;
  about.startup_seconds = began;
  simulator it{std::move(told), by,
      {[&](const fact_batch& some) { written.write(*some.facts); },
          [&](const store& state) {
            auto sha256 = written.make_durable(state);
            written.prune();
            return sha256;
          }}};
  auto report = it.run(std::move(stop));
  written.finish();
  report.compute_seconds = by.compute_seconds();
  about.wall_seconds = monitoring::process_age();
  const auto code = answer(report, to);
  if (code != done)
    return code;
  write_results(place, by.layout(), report, about);
  if (!how.quiet)
    to.out << told_of(report) << "results in " << place.root().string() << "\n";
  return code;
}

} // namespace

int simulate(const topology& what, const options& how, const voice& to,
    std::stop_token stop) {
  try {
    return with_memory(
        "simulating", [&] { return play(what, how, to, std::move(stop)); });
  } catch (const misuse& e) {
    to.err << "error: " << e.what() << "\n";
    return misused;
  } catch (const std::exception& e) {
    to.err << "error: " << e.what() << "\n";
    return failed;
  }
}

} // namespace troupe::simulation
