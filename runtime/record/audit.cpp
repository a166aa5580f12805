#include "runtime/record/audit.hpp"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "runtime/configuration/levels.hpp"
#include "runtime/configuration/rule_choice.hpp"
#include "runtime/record/audit_parts.hpp"
#include "runtime/record/audit_residents.hpp"
#include "runtime/record/journal.hpp"

namespace troupe {
namespace {

// What a damaged journal is still good for.
std::string read_up_to(
    files& disk, const run_directory& place, std::string_view text) {
  const auto ignore = [](const fact&) {};
  const auto found = journal::salvage(text, ignore, ignore);
  const auto reached = newest_reached(disk, place, found.last_number);
  return fmt::format("; it is sound up to fact {}, and {}", found.last_number,
      reached ? fmt::format("version {} is the newest checkpoint that it still "
                            "reaches",
                    *reached)
              : std::string{"reaches no checkpoint"});
}

std::string look_at_journal(
    files& disk, const run_directory& place, story& into) {
  const auto lines = disk.read_all(place.journal());
  try {
    into = read_story(lines);
  } catch (const journal::bad_line& damage) {
    throw contradiction(damage.what() + read_up_to(disk, place, lines));
  }
  auto text = fmt::format("{} of {}", counted(into.facts, "fact"),
      into.processes == 1 ? "1 process"
                          : fmt::format("{} processes", into.processes));
  if (into.void_facts > 0)
    text += fmt::format(", {} of them void", into.void_facts);
  if (into.torn_bytes > 0)
    text += fmt::format(
        "; a torn line of {} bytes behind them, as a kill leaves it",
        into.torn_bytes);
  if (!into.promises_bits)
    text += "; no bits are promised, since several fingerprints computed them";
  return text;
}

std::string look_at_configuration(
    const configuration& then, const story& told) {
  std::string rule{rule_name(then)};
  for (const auto& f : told.standing)
    if (auto* y = std::get_if<facts::rule_changed>(&f.what)) {
      rule = y->rule;
    } else if (auto* x = std::get_if<facts::run_started>(&f.what)) {
      auto agree = [&](std::string_view key, auto here, auto there) {
        expect(here == there, "{} is {}, the journal has {}", key, here, there);
      };
      agree(then.is_mesh() ? "parallel.sync" : "federation.rule", rule,
          (*x)->rule);
      agree("run.seed", then.run.seed, (*x)->seed);
      if (!then.is_mesh())
        agree("federation.clients", leased(then), (*x)->clients);
      else if ((*x)->batch > 0)
        agree("parallel.batch", then.parallel.batch, (*x)->batch);
    }
  return then.is_mesh() ? "sync, seed and batch as the journal has them"
                        : "rule, seed and clients as the journal has them";
}

std::string look_at_updates(story& told) {
  follow_updates(told);
  auto text = fmt::format("{} accepted, each lease once, in {}", told.updates,
      counted(told.version(), "version"));
  if (told.summed > 0)
    text += fmt::format("; weights, denominators and checksums of {} sums are "
                        "those of their updates",
        told.summed == told.version() ? "all" : fmt::format("{}", told.summed));
  return text;
}

std::string look_at_steps(story& told) {
  follow_steps(told);
  const auto& mesh = told.mesh;
  auto text = fmt::format("{} by {}, without a gap, {} in {}",
      counted(told.version(), "step"), counted(mesh.ranks, "rank"),
      counted(told.updates, "sample"), counted(told.totals.size(), "version"));
  if (mesh.lost > 0)
    text += fmt::format("; {} lost", counted(mesh.lost, "rank"));
  if (mesh.compositions > mesh.processes)
    text += fmt::format("; {}", counted(mesh.compositions, "composition"));
  if (mesh.again > 0)
    text += fmt::format("; {} made again", counted(mesh.again, "step"));
  return text;
}

std::string look_at_versions(const story& told) {
  const auto links = follow_links(told);
  return links == 0
             ? fmt::format("{} stored", told.stored.size())
             : fmt::format("{} stored, each names the digest before it", links);
}

class list {
public:
  // Adds what `look` answers; false if it found a contradiction.
  template <class Look>
  bool add(const std::string& subject, Look&& look) {
    try {
      found_.push_back({true, subject, look()});
      return true;
    } catch (const std::runtime_error& error) { // of a file, or what it says
      found_.push_back({false, subject, error.what()});
      return false;
    }
  }
  std::vector<finding> take() { return std::move(found_); }

private:
  std::vector<finding> found_;
};

} // namespace

std::vector<finding> audited(
    files& disk, const run_directory& place, const configuration& then) {
  list found;
  story told;
  auto sound = found.add(
      "facts.jsonl", [&] { return look_at_journal(disk, place, told); });
  sound =
      sound &&
      (told.of_mesh()
              ? found.add("steps", [&] { return look_at_steps(told); })
              : found.add("updates", [&] { return look_at_updates(told); }));
  if (!sound)
    return found.take(); // there is nothing to hold the others against
  found.add("versions", [&] { return look_at_versions(told); });
  found.add("config.toml", [&] { return look_at_configuration(then, told); });
  if (has_residents(told))
    found.add("residents",
        [&] { return look_at_residents(told, then.federation.clients); });
  found.add(
      "checkpoints", [&] { return look_at_checkpoints(disk, place, told); });
  auto result = [&](const std::filesystem::path& path, auto look) {
    found.add(path.filename(), [&]() -> std::string {
      if (files::exists(path))
        return look(disk, place, told);
      if (path == place.model() && then.simulation.training != "real" &&
          was_simulated(disk, place))
        return "none: it was simulated without training";
      expect(!is_finished(told), "is missing; --resume writes it");
      return "none yet";
    });
  };
  result(place.model(), look_at_model);
  result(place.summary(), look_at_summary);
  result(place.history(), look_at_history);
  return found.take();
}

} // namespace troupe
