#include "runtime/record/audit.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "runtime/record/audit_residents.hpp"
#include "runtime/record/checkpoint.hpp"
#include "runtime/record/history.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/record/sha256.hpp"
#include "runtime/record/story.hpp"

namespace troupe {
namespace {

using nlohmann::json;

std::string digest_of(const model_file& file) {
  return sha256(std::as_bytes(file.values->span()));
}

// No number where the file does not say it.
json version_of(const model_file& file) {
  auto found = file.metadata.find("troupe.version");
  return found == file.metadata.end()
             ? json{}
             : json::parse(found->second, nullptr, false);
}

// A value that is not a number is written as null, and equals itself here.
bool same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

std::string look_at_journal(
    files& disk, const run_directory& place, story& into) {
  into = read_story(disk.read_all(place.journal()));
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
  for (const auto& f : told.standing)
    if (auto* x = std::get_if<facts::run_started>(&f.what)) {
      auto agree = [&](std::string_view key, auto here, auto there) {
        expect(here == there, "{} is {}, the journal has {}", key, here, there);
      };
      agree("federation.rule", then.federation.rule, (*x)->rule);
      agree("run.seed", then.run.seed, (*x)->seed);
      agree("federation.clients", then.federation.clients, (*x)->clients);
    }
  return "rule, seed and clients as the journal has them";
}

std::string look_at_updates(story& told) {
  follow_updates(told);
  return fmt::format("{} accepted, each lease once, in {}", told.updates,
      counted(told.version(), "version"));
}

// Answers how many clients have a state in it.
std::size_t look_at_checkpoint(files& disk, const run_directory& place,
    version_id version, const story& told) {
  auto path = checkpoint_path(place.checkpoints(), version);
  auto state = read_checkpoint(disk, path, {});
  auto name = path.filename().string();
  auto published = told.published.find(version);
  expect(state.version == version && published != told.published.end() &&
             published->second == state.fact_number,
      "{} is of version {} at fact {}, which the journal does not have", name,
      state.version, state.fact_number);
  auto stored = told.stored.find(version);
  auto digest = sha256(std::as_bytes(state.parameters->span()));
  expect(stored == told.stored.end() || stored->second == digest,
      "{} has the parameters {}, the journal has {}", name, digest,
      stored->second);
  for (const auto& [client, values] : state.states.all()) {
    auto first = told.first_updates.find(client);
    expect(first != told.first_updates.end() && first->second <= version,
        "{} has a state of client {}, of which the journal has no update up to "
        "version {}",
        name, client, version);
  }
  look_at_names(state, name, told);
  return state.states.size();
}

// The first of the highest accuracy; null: none was scored.
const facts::evaluated* best_score(const story& told) {
  const facts::evaluated* best = nullptr;
  for (const auto& [version, score] : told.scores)
    if (!best || score.accuracy > best->accuracy)
      best = &score;
  return best && best->accuracy > 0.0 ? best : nullptr;
}

// The last one stored and the best; but for a version that was better for a
// while and is void, the best would still be there.
std::vector<version_id> kept_for_certain(const story& told) {
  std::vector<version_id> result;
  if (!told.stored.empty())
    result.push_back(told.stored.rbegin()->first);
  const auto* best = best_score(told);
  if (best && told.void_facts == 0 && told.stored.contains(best->version))
    result.push_back(best->version);
  return result;
}

std::string look_at_checkpoints(
    files& disk, const run_directory& place, const story& told) {
  auto versions = stored_versions(disk, place.checkpoints());
  std::size_t clients = 0; // with a state in the last one
  for (auto version : versions)
    clients = look_at_checkpoint(disk, place, version, told);
  expect(!versions.empty() || told.stored.empty(),
      "are missing, the journal has {}",
      counted(told.stored.size(), "version"));
  for (auto version : kept_for_certain(told))
    expect(std::ranges::binary_search(versions, version),
        "lack version {}, which the journal has as stored and never removed",
        version);
  return versions.empty()
             ? "none yet"
             : fmt::format("sound and as the journal has them: version{} {}{}",
                   versions.size() == 1 ? "" : "s", fmt::join(versions, ", "),
                   clients == 0
                       ? std::string{}
                       : ", with the states of " + counted(clients, "client"));
}

bool is_finished(const story& told) {
  return told.ended && (told.ended->outcome == "completed" ||
                           told.ended->outcome == "target_reached");
}

// The version that a result is of: the last one, unless the run went on behind
// an earlier end and was stopped.
void expect_version(const json& version, const story& told) {
  auto any = version.is_number_unsigned() &&
             told.published.contains(version.get<version_id>());
  expect(is_finished(told) ? version == told.version() : any,
      "is of version {}, the journal has {}; if the process was killed when it "
      "was done, --resume writes it",
      version.dump(), told.version());
}

json summary_of(files& disk, const run_directory& place) {
  auto text = disk.read_all(place.summary());
  auto result = json::parse(text, nullptr, false);
  expect(result.is_object(), "is no JSON object");
  return result;
}

// A field of the summary; null: it has none, as those of older runs.
json field(const json& summary, const char* name) {
  return summary.contains(name) ? summary[name] : json{};
}

std::string look_at_summary(
    files& disk, const run_directory& place, const story& told) {
  auto said = summary_of(disk, place);
  auto agree = [&](const char* name, const json& there) {
    auto here = field(said, name);
    expect(here == there, "{} is {}, the journal has {}", name, here.dump(),
        there.dump());
  };
  agree("name", told.name);
  agree("rule", told.rule);
  auto version = field(said, "version");
  expect_version(version, told);
  auto score = told.scores.find(version.get<version_id>());
  if (score != told.scores.end() && !field(said, "accuracy").is_null())
    agree("accuracy", score->second.accuracy);
  if (score != told.scores.end() && !field(said, "loss").is_null())
    agree("loss", score->second.loss);
  if (!is_finished(told))
    return fmt::format("version {}, an earlier end", version.dump());
  agree("outcome", told.ended->outcome);
  agree("updates_accepted", told.updates);
  agree("fingerprint", told.fingerprint);
  if (said.contains("promises_bits")) // older runs' do not
    agree("promises_bits", told.promises_bits);
  if (const auto* best = best_score(told)) {
    agree("best_version", best->version);
    agree("best_accuracy", best->accuracy);
  }
  return "version, updates and score as the journal has them";
}

std::string look_at_model(
    files& disk, const run_directory& place, const story& told) {
  auto file = read_model(disk, place.model());
  auto digest = digest_of(file);
  auto of = version_of(file);
  expect_version(of, told);
  auto version = of.get<version_id>();
  if (auto stored = told.stored.find(version); stored != told.stored.end())
    expect(stored->second == digest,
        "has the parameters {}, the journal has {} as version {}", digest,
        stored->second, version);
  if (files::exists(place.summary())) {
    auto said = summary_of(disk, place);
    auto agree = [&](const char* name, const std::string& here) {
      auto there = field(said, name);
      expect(there == here || there.is_null(), "has {} {}, summary.json has {}",
          name, here, there.dump());
    };
    agree("model_sha256", digest);
    agree("file_sha256", sha256_of(disk, place.model()));
  }
  return fmt::format("version {}, model_sha256 {}", version, digest);
}

// Rows that a power cut took come back when the run is taken up; those that are
// there have to be true, and one that is finished has all of them.
std::string look_at_history(
    files& disk, const run_directory& place, const story& told) {
  auto csv = disk.read_all(place.history());
  auto rows = parse_history(csv);
  auto written = history_header();
  for (const auto& row : rows) {
    written += to_csv(row);
    auto score = told.scores.find(row.version);
    expect(score != told.scores.end(),
        "has a score of version {}, the journal has none", row.version);
    expect(same(score->second.accuracy, row.accuracy) &&
               same(score->second.loss, row.loss),
        "has accuracy {} and loss {} of version {}, the journal has {} and {}",
        row.accuracy, row.loss, row.version, score->second.accuracy,
        score->second.loss);
  }
  if (is_finished(told)) {
    expect(rows.size() == told.scores.size(), "has {}, the journal has {}",
        counted(rows.size(), "score"), told.scores.size());
    expect(csv == written, "has lines that are no scores");
  }
  return fmt::format("{} as the journal has {}", counted(rows.size(), "score"),
      rows.size() == 1 ? "it" : "them");
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
  auto sound = found.add("facts.jsonl", [&] {
    return look_at_journal(disk, place, told);
  }) && found.add("updates", [&] { return look_at_updates(told); });
  if (!sound)
    return found.take(); // there is nothing to hold the others against
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
