#include "runtime/run_directory.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "runtime/journal.hpp"

namespace troupe {
namespace {

std::filesystem::path checkpoint_of(
    const run_directory& place, const past& before) {
  return place.checkpoints() / checkpoint_name(before.state->version);
}

[[noreturn]] void refuse(
    const bad_file& why, const run_directory& place, const past& before) {
  throw bad_file(why,
      fmt::format("Remove {} to go on from the checkpoint before it, or start "
                  "the run anew in another directory",
          checkpoint_of(place, before).string()));
}

// What was synced with the state has to be there.
void expect_state_in(const journal::contents& found, const run_directory& place,
    const past& before) {
  if (!before.state || before.state->fact_number <= found.last_number)
    return;
  auto path = place.journal();
  if (!found.damage.empty())
    refuse(bad_file(path, found.sound_bytes,
               fmt::format("a journal of facts; {}", found.damage)),
        place, before);
  refuse(bad_file(path, found.sound_bytes,
             fmt::format("fact {}, which led to the checkpoint of version {}; "
                         "the journal ends at fact {}",
                 before.state->fact_number, before.state->version,
                 found.last_number)),
      place, before);
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

// Reads the journal for its numbers and its history.
void recall_journal(
    files& disk, const run_directory& place, retold_history& told, past& into) {
  if (!files::exists(place.journal()))
    return expect_state_in({}, place, into);
  auto text = disk.read_all(place.journal());
  std::uint64_t lost = 0;
  auto count = [&](const fact& f) {
    if (auto* start = std::get_if<facts::run_started>(&f.what))
      into.incarnation = std::max(into.incarnation, start->incarnation + 1);
  };
  auto found = journal::salvage(
      text,
      [&](const fact& f) {
        count(f);
        told.take(f);
        auto* start = std::get_if<facts::run_started>(&f.what);
        if (start && start->from.known())
          into.from = start->from;
        auto* made = std::get_if<facts::published>(&f.what);
        if (made && into.state && f.number == into.state->fact_number)
          into.resumed = history_row{made->version, into.state->elapsed, 0, 0,
              made->loss, made->total_updates};
      },
      [&](const fact& f) {
        count(f);
        ++lost;
      });
  expect_state_in(found, place, into);
  if (into.state && into.state->from.known())
    into.from = into.state->from;
  into.note = note_on(place.journal(), found, lost);
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

std::vector<history_row> recall_history(files& disk,
    const std::filesystem::path& path, version_id last,
    const retold_history& told) {
  std::vector<history_row> found;
  if (files::exists(path))
    found = parse_history(disk.read_all(path));
  auto rows = told.mend(found);
  std::erase_if(rows, [last](const auto& row) { return row.version > last; });
  return rows;
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
    auto path = place.checkpoints() / checkpoint_name(versions.back());
    result.state = read_checkpoint(disk, path, layout);
  }
  retold_history told;
  recall_journal(disk, place, told, result);
  recall_incarnation(disk, place.incarnation(), result.incarnation);
  result.history = recall_history(
      disk, place.history(), result.state ? result.state->version : 0, told);
  return result;
}

void begin_incarnation(
    files& disk, const run_directory& place, const past& before) {
  disk.write_atomically(
      place.incarnation(), fmt::format("{}\n", before.incarnation));
}

} // namespace troupe
