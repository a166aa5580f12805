#include "runtime/run_directory.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "runtime/journal.hpp"

namespace troupe {
namespace {

// Reads the journal for its numbers.
void recall_journal(
    files& disk, const std::filesystem::path& path, past& into) {
  if (!files::exists(path))
    return;
  auto text = disk.read_all(path);
  journal::contents found;
  bool any_start = false;
  try {
    found = journal::scan(text, [&](const fact& f) {
      if (auto* start = std::get_if<facts::run_started>(&f.what)) {
        into.incarnation = std::max(into.incarnation, start->incarnation);
        any_start = true;
      }
      auto* made = std::get_if<facts::published>(&f.what);
      if (made && into.state && f.number == into.state->fact_number)
        into.resumed = history_row{made->version, into.state->elapsed, 0, 0,
            made->loss, made->total_updates};
    });
  } catch (const journal::bad_line& e) {
    throw bad_file(path, 0,
        fmt::format("a journal of facts; {}. Its facts cannot be trusted: "
                    "start the run anew in another directory",
            e.what()));
  }
  into.last_fact = found.last_number;
  into.journal_bytes = found.sound_bytes;
  if (any_start)
    ++into.incarnation;
}

} // namespace

bool run_directory::holds_run() const noexcept {
  return files::exists(config()) || files::exists(journal());
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
  recall_journal(disk, place.journal(), result);
  if (result.state && result.state->fact_number > result.last_fact)
    throw bad_file(place.journal(), 0,
        fmt::format("fact {}, which led to the checkpoint of version {}; the "
                    "journal ends at fact {}",
            result.state->fact_number, result.state->version,
            result.last_fact));
  if (files::exists(place.history()))
    result.history = parse_history(disk.read_all(place.history()));
  auto version = result.state ? result.state->version : 0;
  std::erase_if(result.history,
      [version](const auto& row) { return row.version > version; });
  return result;
}

} // namespace troupe
