#include "runtime/record/audit_parts.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "runtime/record/history.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/record/sha256.hpp"

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

std::string shown(const json& what) {
  return what.dump(-1, ' ', false, json::error_handler_t::replace);
}

// The version that a result is of: the last one, unless the run went on behind
// an earlier end and was stopped.
void expect_version(const json& version, const story& told) {
  auto any = version.is_number_unsigned() &&
             told.published.contains(version.get<version_id>());
  expect(is_finished(told) ? version == told.version() : any,
      "is of version {}, the journal has {}; if the process was killed when it "
      "was done, --resume writes it",
      shown(version), told.version());
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

// The rows that the journal tells, by version.
std::vector<history_row> rows_of(const story& told) {
  return told.history.mend({});
}

void expect_row(const history_row& here, const std::vector<history_row>& all) {
  const auto there =
      std::ranges::find(all, here.version, &history_row::version);
  expect(there != all.end(), "has a score of version {}, the journal has none",
      here.version);
  const auto agree = [&](const char* what, auto mine, auto theirs) {
    expect(same(static_cast<double>(mine), static_cast<double>(theirs)),
        "has {} {} of version {}, the journal has {}", what, mine, here.version,
        theirs);
  };
  agree("accuracy", here.accuracy, there->accuracy);
  agree("loss", here.loss, there->loss);
  agree("training loss", here.training_loss, there->training_loss);
  agree("updates", here.updates, there->updates);
}

// All rows are written at any end but that of a disk that takes no more.
bool has_all_rows(const story& told) {
  return told.ended && told.ended->outcome != "failed";
}

} // namespace

bool was_simulated(files& disk, const run_directory& place) {
  return files::exists(place.summary()) &&
         summary_of(disk, place).contains("simulation");
}

bool is_finished(const story& told) {
  return told.ended && (told.ended->outcome == "completed" ||
                           told.ended->outcome == "target_reached");
}

const facts::evaluated* best_score(const story& told) {
  const facts::evaluated* best = nullptr;
  for (const auto& [version, score] : told.scores)
    if (!best || score.accuracy > best->accuracy)
      best = &score;
  return best && best->accuracy > 0.0 ? best : nullptr;
}

std::string look_at_summary(
    files& disk, const run_directory& place, const story& told) {
  auto said = summary_of(disk, place);
  auto agree = [&](const char* name, const json& there) {
    auto here = field(said, name);
    expect(here == there, "{} is {}, the journal has {}", name, shown(here),
        shown(there));
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
    return fmt::format("version {}, an earlier end", shown(version));
  agree("outcome", told.ended->outcome);
  agree(told.of_mesh() ? "samples" : "updates_accepted", told.updates);
  // A process that found nothing left to do leaves what was summed up.
  const auto idle = told.steps == 0 && field(said, "steps") == told.worked;
  agree("steps", idle ? told.worked : told.steps);
  agree("fingerprint", told.fingerprint);
  if (said.contains("promises_bits")) // older runs' do not
    agree("promises_bits", told.promises_bits);
  if (const auto* best = best_score(told)) {
    agree("best_version", best->version);
    agree("best_accuracy", best->accuracy);
  }
  return told.of_mesh() ? "step, samples and score as the journal has them"
                        : "version, updates and score as the journal has them";
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
          name, here, shown(there));
    };
    agree("model_sha256", digest);
    agree("file_sha256", sha256_of(disk, place.model()));
  }
  return fmt::format("version {}, model_sha256 {}", version, digest);
}

// Rows that a power cut took come back when the run is taken up; those that are
// there have to be true, and one that has ended has all of them and no more.
std::string look_at_history(
    files& disk, const run_directory& place, const story& told) {
  const auto csv = disk.read_all(place.history());
  const auto rows = parse_history(csv);
  const auto expected = rows_of(told);
  auto written = history_header(csv.starts_with(history_header(true)));
  for (const auto& row : rows) {
    written += to_csv(row);
    expect_row(row, expected);
  }
  if (has_all_rows(told)) {
    expect(rows.size() == expected.size(), "has {}, the journal has {}",
        counted(rows.size(), "score"), expected.size());
    expect(csv == written, "has lines that are no scores, or not its header");
  }
  return fmt::format("{} as the journal has {}", counted(rows.size(), "score"),
      rows.size() == 1 ? "it" : "them");
}

} // namespace troupe
