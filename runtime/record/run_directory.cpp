#include "runtime/record/run_directory.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <random>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/record/journal.hpp"

namespace troupe {
namespace {

// The way out: the state that the journal still tells of.
[[noreturn]] void refuse(const bad_file& why, files& disk,
    const run_directory& place, std::uint64_t last_fact) {
  const auto reached = newest_reached(disk, place, last_fact);
  auto versions = stored_versions(disk, place.checkpoints());
  std::erase_if(
      versions, [&](auto version) { return reached && version <= *reached; });
  std::vector<std::string> paths;
  for (auto at = versions.rbegin(); at != versions.rend(); ++at)
    paths.push_back(checkpoint_path(place.checkpoints(), *at).string());
  throw bad_file(why,
      fmt::format("Remove {} to {}, or start the run anew in another directory",
          fmt::join(paths, " and "),
          reached ? fmt::format("go on from version {}, the newest checkpoint "
                                "that the journal still reaches",
                        *reached)
                  : std::string{"begin anew here: the journal reaches no "
                                "checkpoint"}));
}

// What was synced with the state has to be there.
void expect_state_in(files& disk, const journal::contents& found,
    const run_directory& place, const past& before) {
  if (!before.state || before.state->fact_number <= found.last_number)
    return;
  auto path = place.journal();
  if (!found.damage.empty())
    refuse(bad_file(path, found.sound_bytes,
               fmt::format("a journal of facts; {}", found.damage)),
        disk, place, found.last_number);
  refuse(bad_file(path, found.sound_bytes,
             fmt::format("fact {}, which led to the checkpoint of version {}; "
                         "the journal ends at fact {}",
                 before.state->fact_number, before.state->version,
                 found.last_number)),
      disk, place, found.last_number);
}

std::string note_on(const std::filesystem::path& path,
    const journal::contents& found, std::uint64_t lost) {
  if (found.torn_bytes == 0)
    return {};
  return fmt::format("{}: {}; the journal ends at fact {}, the {} bytes behind "
                     "it are dropped{}",
      path.string(),
      found.damage.empty() ? "its last line is torn" : found.damage,
      found.last_number, found.torn_bytes,
      lost > 0 ? fmt::format(" (whole facts among them: {})", lost) : "");
}

// The rows of the history that the state's bookmark vouches for; none where it
// has to be made anew from the whole journal.
std::optional<std::vector<history_row>> vouched_for(
    files& disk, const run_directory& place, const past& before) {
  if (!before.state || before.state->at.history_sha256.empty() ||
      !files::exists(place.incarnation()) || !files::exists(place.history()))
    return std::nullopt;
  auto rows = parse_history(disk.read_all(place.history()));
  const auto& at = before.state->at;
  if (rows.size() < at.scored)
    return std::nullopt;
  rows.resize(at.scored);
  if (digest_of(rows) != at.history_sha256)
    return std::nullopt;
  return rows;
}

// The journal from the state's line on; none if that does not stand there.
std::optional<std::string> tail_of(files& disk,
    const std::filesystem::path& journal, const checkpoint& state) {
  if (!files::exists(journal))
    return std::nullopt;
  auto text = disk.read_from(journal, state.at.journal_bytes);
  try {
    const auto line = journal::decode(text.substr(0, text.find('\n')));
    const auto* made = std::get_if<facts::published>(&line.front().what);
    if (made && made->version == state.version &&
        line.front().number == state.fact_number)
      return text;
  } catch (const journal::bad_line&) {
  }
  return std::nullopt;
}

// An identity keeps its client although the fact that tells so is void.
void meet(const facts::client_joined& x, std::vector<resident_client>& all) {
  if (!x.identity.empty() &&
      std::ranges::find(all, x.client, &resident_client::client) == all.end())
    all.push_back({x.client, x.identity, x.key});
}

// Reads the journal, which begins at byte `first`, for its numbers and its
// history.
void recall_facts(files& disk, std::string_view text, std::uint64_t first,
    const run_directory& place, retold_history& told, past& into) {
  std::uint64_t lost = 0;
  version_id stored = 0;
  auto count = [&](const fact& f) {
    if (auto* start = std::get_if<facts::run_started>(&f.what))
      into.incarnation = std::max(into.incarnation, (*start)->incarnation + 1);
  };
  auto found = journal::salvage(
      text,
      [&](const fact& f) {
        count(f);
        told.take(f);
        if (auto* x = std::get_if<facts::stored>(&f.what))
          stored = x->version;
        if (auto* x = std::get_if<facts::client_joined>(&f.what))
          meet(*x, into.residents);
        auto* start = std::get_if<facts::run_started>(&f.what);
        if (start && (*start)->from.known())
          into.from = (*start)->from;
        auto* made = std::get_if<facts::published>(&f.what);
        if (auto* x = std::get_if<facts::voided>(&f.what))
          std::erase_if(into.undone, [&](const auto& each) {
            return each.first >= x->first && each.first <= x->last;
          });
        if (auto* x = std::get_if<facts::rule_changed>(&f.what);
            x && f.number >= into.first_void())
          into.undone.emplace_back(f.number, *x);
        if (made && into.state && made->version == into.state->version &&
            f.number <= into.state->fact_number)
          into.resumed = history_row{made->version, into.state->elapsed, 0, 0,
              made->loss, made->total_updates, made->clock};
      },
      [&](const fact& f) {
        count(f);
        ++lost;
      });
  found.sound_bytes += first;
  if (first > 0 && !found.damage.empty())
    found.damage = fmt::format("behind byte {}, {}", first, found.damage);
  expect_state_in(disk, found, place, into);
  if (into.state && into.state->from.known())
    into.from = into.state->from;
  into.note = note_on(place.journal(), found, lost);
  if (!into.state && stored > 0)
    into.note = fmt::format("{} holds no checkpoint, though version {} was "
                            "stored: training begins anew",
        place.checkpoints().string(), stored);
  into.last_fact = found.last_number;
  into.journal_bytes = found.sound_bytes;
}

// A directory from before there was this file has the journal alone.
void recall_incarnation(files& disk, const std::filesystem::path& path,
    std::uint64_t& incarnation) {
  if (!files::exists(path))
    return;
  auto text = disk.read_all(path);
  std::uint64_t last = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), last);
  if (error != std::errc{} ||
      std::string_view{text}.substr(end - text.data()) != "\n")
    throw bad_file(bad_file(path, 0, "a whole number and the end of its line"),
        "Remove the file: the journal tells the same, unless power failed");
  incarnation = std::max(incarnation, last + 1);
}

// What the whole journal tells, and the file where it agrees.
void recall_whole(files& disk, const run_directory& place, past& into) {
  retold_history told;
  if (files::exists(place.journal()))
    recall_facts(disk, disk.read_all(place.journal()), 0, place, told, into);
  else
    expect_state_in(disk, {}, place, into);
  std::vector<history_row> found;
  if (files::exists(place.history()))
    found = parse_history(disk.read_all(place.history()));
  into.history = told.mend(found);
}

// What came since the state's version alone, so that a long run is taken up as
// soon as a short one.
bool recall_tail(files& disk, const run_directory& place, past& into) {
  auto rows = vouched_for(disk, place, into);
  if (!rows)
    return false;
  auto text = tail_of(disk, place.journal(), *into.state);
  if (!text)
    return false;
  retold_history told{into.state->version, into.state->elapsed};
  recall_facts(disk, *text, into.state->at.journal_bytes, place, told, into);
  for (const auto& row :
      told.mend(parse_history(disk.read_all(place.history())))) {
    if (!rows->empty() && row.version <= rows->back().version)
      continue;
    if (row.version < into.state->version)
      return false; // how it was made is told farther back
    rows->push_back(row);
  }
  into.resumed_at = into.state->at.journal_bytes;
  into.history = std::move(*rows);
  return true;
}

} // namespace

bool run_directory::holds_run() const noexcept {
  std::error_code none;
  auto stored = std::filesystem::directory_iterator(checkpoints(), none);
  return files::exists(config()) || files::exists(journal()) ||
         stored != std::filesystem::directory_iterator{};
}

bool past::has_void() const noexcept {
  return first_void() <= last_fact;
}

std::uint64_t past::first_void() const noexcept {
  return (state ? state->fact_number : 0) + 1;
}

const history_row* past::score() const noexcept {
  auto found = std::find_if(
      history.begin(), history.end(), [this](const history_row& row) {
        return state && row.version == state->version;
      });
  return found == history.end() ? nullptr : &*found;
}

past recall(
    files& disk, const run_directory& place, const gpu::layout& layout) {
  past result;
  auto versions = stored_versions(disk, place.checkpoints());
  if (!versions.empty()) {
    auto path = checkpoint_path(place.checkpoints(), versions.back());
    result.state = read_checkpoint(disk, path, layout);
    result.residents = result.state->residents;
  }
  if (!recall_tail(disk, place, result))
    recall_whole(disk, place, result);
  recall_incarnation(disk, place.incarnation(), result.incarnation);
  const auto last = result.state ? result.state->version : 0;
  std::erase_if(
      result.history, [last](const auto& row) { return row.version > last; });
  return result;
}

std::optional<version_id> newest_reached(
    files& disk, const run_directory& place, std::uint64_t last_fact) {
  auto versions = stored_versions(disk, place.checkpoints());
  for (auto at = versions.rbegin(); at != versions.rend(); ++at)
    try {
      const auto path = checkpoint_path(place.checkpoints(), *at);
      if (read_checkpoint(disk, path, {}).fact_number <= last_fact)
        return *at;
    } catch (const bad_file&) { // nobody can go on from it
    }
  return std::nullopt;
}

void begin_incarnation(
    files& disk, const run_directory& place, const past& before) {
  disk.write_atomically(
      place.incarnation(), fmt::format("{}\n", before.incarnation));
}

std::string run_id(files& disk, const run_directory& place) {
  if (files::exists(place.id()))
    if (auto text = disk.read_all(place.id()); text.size() > 1)
      return text.substr(0, text.find('\n'));
  std::random_device source;
  std::string drawn;
  for (int i = 0; i < 4; ++i)
    drawn += fmt::format("{:08x}", source());
  disk.write_atomically(place.id(), drawn + "\n");
  return drawn;
}

} // namespace troupe
