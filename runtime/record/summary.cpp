#include "runtime/record/summary.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/computing/guard.hpp"

namespace troupe {
namespace {

nlohmann::ordered_json as_json(const simulation::figures& of) {
  nlohmann::ordered_json result{{"seconds", of.seconds}, {"leases", of.leases},
      {"updates", of.updates}, {"bytes_down", of.bytes_down},
      {"bytes_up", of.bytes_up}, {"mean_staleness", of.mean_staleness},
      {"max_staleness", of.max_staleness}, {"idle", of.idle},
      {"wasted", of.wasted}, {"fairness", of.fairness},
      {"crashes", of.crashes}};
  auto& reached = result["seconds_to_accuracy"];
  reached = nlohmann::ordered_json::object();
  for (const auto& [accuracy, when] : of.reached)
    reached[fmt::format("{:.2g}", accuracy)] = when;
  return result;
}

} // namespace

std::string to_json(const summary& what, const run_report& report) {
  nlohmann::ordered_json j;
  j["name"] = what.name;
  j["rule"] = what.rule;
  j["outcome"] = to_string(report.outcome);
  if (report.why)
    j["why"] = text(report.why);
  j["version"] = report.version;
  if (report.scored) {
    j["accuracy"] = report.final.accuracy();
    j["loss"] = report.final.loss();
  } else {
    j["accuracy"] = nullptr;
    j["loss"] = nullptr;
  }
  j["best_accuracy"] = what.best_accuracy;
  j["best_version"] = what.best_version;
  j[what.of_mesh ? "samples" : "updates_accepted"] = report.updates;
  j["steps"] = report.steps;
  if (what.of_mesh)
    j["steps_per_second"] =
        report.step_seconds > 0.0
            ? static_cast<double>(report.steps) / report.step_seconds
            : 0.0;
  j["slots_lost"] = report.slots_lost;
  j["wall_seconds"] = what.wall_seconds;
  j["startup_seconds"] = what.startup_seconds;
  j["training_seconds"] = std::max(report.training_seconds, 0.0);
  j["compute_seconds"] = report.compute_seconds;
  j["fingerprint"] = what.fingerprint;
  j["promises_bits"] = what.promises_bits;
  j["model_sha256"] = what.model_sha256;
  j["file_sha256"] = what.file_sha256;
  if (what.simulated)
    j["simulation"] = as_json(*what.simulated);
  // A program names its run as it likes.
  return j.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::optional<summed_end> end_of(std::string_view json) {
  const auto j = nlohmann::json::parse(json, nullptr, false);
  try {
    return summed_end{j.at("outcome"), j.at("version"),
        j.at(j.contains("samples") ? "samples" : "updates_accepted"),
        j.at("training_seconds")};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

} // namespace troupe
