#include "runtime/record/audit.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "gpu/device.hpp"
#include "protocols/facts.hpp"
#include "runtime/record/checkpoint.hpp"
#include "runtime/record/history.hpp"
#include "runtime/record/journal.hpp"
#include "runtime/record/model_file.hpp"
#include "runtime/record/replay.hpp"
#include "runtime/record/sha256.hpp"

namespace troupe {
namespace {

using nlohmann::json;

/// A file that contradicts itself or another one; the text says how.
struct contradiction : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class... Values>
void expect(
    bool holds, fmt::format_string<Values...> text, Values&&... values) {
  if (!holds)
    throw contradiction(fmt::format(text, std::forward<Values>(values)...));
}

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

std::string counted(std::uint64_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

// A value that is not a number is written as null, and equals itself here.
bool same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

/// What the facts say that still hold.
struct story {
  std::vector<fact> standing;
  std::uint64_t processes = 0;
  std::uint64_t facts = 0;
  std::uint64_t void_facts = 0;
  std::uint64_t torn_bytes = 0;
  std::map<version_id, std::uint64_t> published; // the fact's number
  std::map<version_id, std::string> stored;      // the digest
  std::map<version_id, facts::evaluated> scores;
  std::uint64_t updates = 0; // in published versions
  std::optional<facts::run_ended> ended;
  std::string name;
  std::string rule;
  std::string fingerprint;

  version_id version() const {
    return published.empty() ? 0 : published.rbegin()->first;
  }
};

template <class Map>
void forget_behind(Map& versions, version_id last) {
  versions.erase(versions.upper_bound(last), versions.end());
}

// The numbers 1, 2, 3.. without a gap: nothing was cut out. What is said of a
// version holds as long as the version does: its digest and score may come
// behind the fact that a run is taken up from.
void read(std::string_view journal, story& into) {
  auto found = journal::scan(journal, [&](const fact& f) {
    ++into.facts;
    expect(f.number == into.facts, "fact {} is missing", into.facts);
    if (auto* x = std::get_if<facts::run_started>(&f.what)) {
      ++into.processes;
      into.name = x->name;
      into.rule = x->rule;
      into.fingerprint = x->fingerprint;
    }
    if (auto* x = std::get_if<facts::stored>(&f.what))
      into.stored[x->version] = x->sha256;
    if (auto* x = std::get_if<facts::evaluated>(&f.what))
      into.scores[x->version] = *x;
    if (auto* x = std::get_if<facts::voided>(&f.what)) {
      into.void_facts += std::erase_if(into.standing, [x](const fact& old) {
        return old.number >= x->first && old.number <= x->last;
      });
      forget_behind(into.stored, x->version);
      forget_behind(into.scores, x->version);
    }
    into.standing.push_back(f);
  });
  into.torn_bytes = found.torn_bytes;
  expect(into.processes > 0, "no process tells that it began");
}

// Updates that wait for their version to be published. One that the
// accumulator refuses is a failure after all.
class tally {
public:
  void take(const facts::leased& x) { leased_[x.lease] = {x.client, x.base}; }
  void take(const facts::accepted& x) {
    auto leased = leased_.find(x.lease);
    expect(leased != leased_.end() &&
               leased->second == std::pair{x.client, x.base},
        "the update of lease {} is of client {} to version {}, which was not "
        "leased so",
        x.lease, x.client, x.base);
    expect(leases_.insert(x.lease).second,
        "the update of lease {} (client {}) was accepted twice", x.lease,
        x.client);
    open_.insert(x.lease);
  }
  void take(const facts::client_failed& x) { refused_ += open_.erase(x.lease); }
  void take(const facts::round_skipped&) { clear(); }
  void take(const facts::published& x) {
    expect(x.updates == open_.size() || x.updates == open_.size() + refused_,
        "version {} is made of {}, but {} accepted for it", x.version,
        counted(x.updates, "update"), open_.size());
    in_all_ += open_.size();
    clear();
  }
  std::uint64_t in_all() const { return in_all_; }

private:
  void clear() {
    open_.clear();
    refused_ = 0;
  }

  std::map<lease_id, std::pair<client_id, version_id>> leased_;
  std::set<lease_id> leases_, open_;
  std::uint64_t refused_ = 0;
  std::uint64_t in_all_ = 0;
};

void follow(story& of) {
  tally updates;
  for (const auto& f : of.standing) {
    if (auto* offered = std::get_if<facts::leased>(&f.what))
      updates.take(*offered);
    else if (auto* came = std::get_if<facts::accepted>(&f.what))
      updates.take(*came);
    else if (auto* failed = std::get_if<facts::client_failed>(&f.what))
      updates.take(*failed);
    else if (auto* skipped = std::get_if<facts::round_skipped>(&f.what))
      updates.take(*skipped);
    else if (auto* made = std::get_if<facts::published>(&f.what)) {
      expect(made->version == of.version() + 1, "version {} follows version {}",
          made->version, of.version());
      updates.take(*made);
      of.published[made->version] = f.number;
    } else if (auto* ended = std::get_if<facts::run_ended>(&f.what))
      of.ended = *ended;
  }
  of.updates = updates.in_all();
}

std::string look_at_journal(
    files& disk, const run_directory& place, story& into) {
  read(disk.read_all(place.journal()), into);
  auto text = fmt::format("{} of {}", counted(into.facts, "fact"),
      into.processes == 1 ? "1 process"
                          : fmt::format("{} processes", into.processes));
  if (into.void_facts > 0)
    text += fmt::format(", {} of them void", into.void_facts);
  if (into.torn_bytes > 0)
    text += fmt::format(
        "; a torn line of {} bytes behind them, as a kill leaves it",
        into.torn_bytes);
  return text;
}

std::string look_at_configuration(
    const configuration& then, const story& told) {
  for (const auto& f : told.standing)
    if (auto* x = std::get_if<facts::run_started>(&f.what)) {
      auto agree = [&](std::string_view key, auto here, auto there) {
        expect(here == there, "{} is {}, the journal has {}", key, here, there);
      };
      agree("federation.rule", then.federation.rule, x->rule);
      agree("run.seed", then.run.seed, x->seed);
      agree("federation.clients", then.federation.clients, x->clients);
    }
  return "rule, seed and clients as the journal has them";
}

std::string look_at_updates(story& told) {
  follow(told);
  return fmt::format("{} accepted, each lease once, in {}", told.updates,
      counted(told.version(), "version"));
}

void look_at_checkpoint(files& disk, const run_directory& place,
    version_id version, const story& told) {
  auto path = place.checkpoints() / checkpoint_name(version);
  auto layout = read_model(disk, path).layout;
  auto state = read_checkpoint(disk, path, layout);
  auto name = checkpoint_name(version);
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
}

std::string look_at_checkpoints(
    files& disk, const run_directory& place, const story& told) {
  auto versions = stored_versions(disk, place.checkpoints());
  for (auto version : versions)
    look_at_checkpoint(disk, place, version, told);
  expect(!versions.empty() || told.stored.empty(),
      "are missing, the journal has {}",
      counted(told.stored.size(), "version"));
  return versions.empty()
             ? "none yet"
             : fmt::format("sound and as the journal has them: version{} {}",
                   versions.size() == 1 ? "" : "s", fmt::join(versions, ", "));
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

// The first of the highest accuracy; null: none was scored.
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

// The digest of the model by its version; nothing: there is no model.
std::map<version_id, std::string> stored_model(
    files& disk, const run_directory& place) {
  if (!files::exists(place.model()))
    return {};
  auto file = read_model(disk, place.model());
  auto of = version_of(file);
  return of.is_number_unsigned()
             ? std::map{std::pair{of.get<version_id>(), digest_of(file)}}
             : std::map<version_id, std::string>{};
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

finding retrained(files& disk, const run_directory& place,
    const topology& again, const retraining_progress& each) {
  auto journal = disk.read_all(place.journal());
  story told;
  read(journal, told);
  follow(told);
  std::uint64_t compared = 0;
  std::string wrong;
  auto compare = [&](version_id version, const std::string& made,
                     const std::map<version_id, std::string>& with,
                     std::string_view where) {
    auto found = with.find(version);
    if (found == with.end())
      return;
    ++compared;
    if (made != found->second && wrong.empty())
      wrong = fmt::format("training again gives {} as version {}, {} has {}",
          made, version, where, found->second);
  };
  auto model = stored_model(disk, place);
  replay(again, journal,
      [&](version_id version, std::span<const float> parameters) {
        if (told.stored.contains(version) || model.contains(version)) {
          auto made = sha256(std::as_bytes(parameters));
          compare(version, made, told.stored, "the journal");
          compare(version, made, model, "model.safetensors");
        }
        each(version, told.version());
      });
  if (wrong.empty() && compared == 0)
    wrong = "no version was stored that could be compared";
  auto here = gpu::numeric_fingerprint();
  auto there = told.fingerprint;
  if (!wrong.empty() && here != there)
    wrong += fmt::format(
        "; but this machine computes by {}, the run's by {}", here, there);
  if (!wrong.empty())
    return {false, "retraining", std::move(wrong)};
  return {true, "retraining",
      fmt::format("{} and {} again: the bits of {} are the same",
          counted(told.updates, "update"), counted(told.version(), "version"),
          compared == 1 ? "what was kept"
                        : fmt::format("all {} that were kept", compared))};
}

} // namespace troupe
