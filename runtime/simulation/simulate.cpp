#include "runtime/simulation/simulate.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <ostream>
#include <string>
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
#include "runtime/simulation/idle_workshop.hpp"
#include "runtime/simulation/plan.hpp"
#include "runtime/simulation/training_workshop.hpp"

namespace troupe::simulation {
namespace {

chronicle chronicle_of(const topology& what, const plan& told,
    const gpu::layout& layout, const run_directory& place) {
  const auto& c = what.config();
  return chronicle{{.disk = &files::system(),
      .directory = place.root(),
      .layout = layout,
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

// A curve is not to be taken for learning.
std::string told_of(const run_report& report, const configuration& how) {
  auto text =
      fmt::format("{}: version {}", to_string(report.outcome), report.version);
  if (report.scored)
    text += fmt::format("  accuracy {:.4f}  loss {:.4f}{}",
        report.final.accuracy(), report.final.loss(),
        how.simulation.training == "model"
            ? " (by simulation.training = \"model\", not by training)"
            : "");
  return text + "\n";
}

// What a client would do.
training::outcome outcome_of(const training::recipe& how, std::uint64_t samples,
    const federated::grant& what) {
  const auto own = how.with_work(what.work);
  const auto all = std::max<std::uint64_t>(samples, 1);
  const auto batch =
      own.batch == 0 ? all : std::min<std::uint64_t>(own.batch, all);
  training::outcome result;
  result.steps =
      own.steps > 0 ? own.steps : own.epochs * ((all + batch - 1) / batch);
  result.samples = own.steps > 0 ? own.steps * batch : own.epochs * all;
  result.partial = what.most_steps > 0 && what.most_steps < result.steps;
  if (result.partial) {
    result.steps = what.most_steps;
    result.samples = std::min(result.samples, result.steps * batch);
  }
  return result;
}

/// Who does the arithmetic, if there is any.
struct workshops {
  std::unique_ptr<workshop> used;
  training_workshop* trains = nullptr; ///< null: nobody does
  gpu::layout layout;
};

workshops workshops_of(
    const topology& what, const std::vector<training::view>& clients) {
  const auto& c = what.config();
  const auto& how = c.simulation;
  if (how.training == "real") {
    auto trains = std::make_unique<training_workshop>(what, clients);
    auto* seen = trains.get();
    auto layout = seen->layout();
    return {std::move(trains), seen, std::move(layout)};
  }
  std::vector<std::uint64_t> samples;
  for (const auto& view : clients)
    samples.push_back(view.size());
  auto layout = what.learner()(gpu::device{})->layout();
  std::optional<convergence> curve;
  if (how.training == "model")
    curve = convergence{
        how.rate, what.model() ? double(what.model()->classes) : 10.0};
  auto idle = std::make_unique<idle_workshop>(
      gpu::size(layout),
      [recipe = c.client, samples = std::move(samples)](const auto& grant) {
        return outcome_of(recipe, samples[grant.client], grant);
      },
      curve);
  return {std::move(idle), nullptr, std::move(layout)};
}

int play(const topology& what, const options& how, const voice& to,
    std::stop_token stop) {
  gpu::use_one_blas_thread();
  const auto began = monitoring::process_age();
  const auto clients = what.client_data();
  const auto by = workshops_of(what, clients);
  auto told =
      plan_of(what, clients, by.trains ? by.trains->current() : tensor{});
  told.header.parameters = by.used->parameters();
  const auto held = claim_directory(how.out, what.config().run.name);
  const auto& place = held.place;
  files::system().write_atomically(place.config(), to_toml(what.config()));
  begin_incarnation(files::system(), place, {});
  auto written = chronicle_of(what, told, by.layout, place);
  summary about;
  about.name = told.header.name;
  about.fingerprint = told.header.fingerprint;
  about.startup_seconds = began;
  record to_disk{
      [&](const fact_batch& some) { written.write(*some.facts); }, {}};
  if (by.trains)
    to_disk.keep = [&](const store& state) {
      auto sha256 = written.make_durable(state);
      written.prune();
      return sha256;
    };
  simulator it{std::move(told), *by.used, std::move(to_disk)};
  auto report = it.run(std::move(stop));
  written.finish();
  about.rule = report.rule;
  about.simulated = it.account();
  about.wall_seconds = monitoring::process_age();
  if (by.trains)
    report.compute_seconds = by.trains->compute_seconds();
  else
    report.parameters = {};
  const auto code = answer(report, to);
  if (code != done)
    return code;
  write_results(place, by.layout, report, about);
  if (!how.quiet)
    to.out << told_of(report, what.config()) << to_text(*about.simulated)
           << "results in " << place.root().string() << "\n";
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
  } catch (const bad_trace& e) {
    to.err << e.what() << "\n";
    return misused;
  } catch (const std::exception& e) {
    to.err << "error: " << e.what() << "\n";
    return failed;
  }
}

} // namespace troupe::simulation
