#include "runtime/record/audit_parts.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/record/audit_residents.hpp"
#include "runtime/record/checkpoint.hpp"
#include "runtime/record/sha256.hpp"

namespace troupe {
namespace {

// A state is told of by its version; where another rule took over behind that,
// by what this one gave up, too.
bool leads_to(const story& told, std::uint64_t published, std::uint64_t state) {
  return published <= state &&
         std::ranges::all_of(told.standing, [&](const fact& f) {
           return f.number <= published || f.number > state ||
                  std::holds_alternative<facts::rule_changed>(f.what) ||
                  std::holds_alternative<facts::revoked>(f.what);
         });
}

// Answers how many clients have a state in it.
std::size_t look_at_checkpoint(files& disk, const run_directory& place,
    version_id version, const story& told) {
  auto path = checkpoint_path(place.checkpoints(), version);
  auto state = read_checkpoint(disk, path, {});
  auto name = path.filename().string();
  auto published = told.published.find(version);
  expect(state.version == version && published != told.published.end() &&
             leads_to(told, published->second, state.fact_number),
      "{} is of version {} at fact {}, which the journal does not have", name,
      state.version, state.fact_number);
  expect(state.updates == told.totals.at(version),
      "{} counts {}, the journal {}", name,
      counted(state.updates, told.of_mesh() ? "sample" : "update"),
      told.totals.at(version));
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

} // namespace

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

} // namespace troupe
