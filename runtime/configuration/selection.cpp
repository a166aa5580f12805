#include "runtime/configuration/selection.hpp"

#include "runtime/configuration/rule_row_parts.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace troupe {

namespace {

using namespace std::string_view_literals;
using by = federated::chooser::by;

constexpr std::array<std::pair<std::string_view, by>, 4> ways{
    {{"uniform", by::uniform}, {"size", by::size},
        {"power_of_choice", by::power_of_choice}, {"oort", by::oort}}};
constexpr std::array names{
    ways[0].first, ways[1].first, ways[2].first, ways[3].first};

// Of residents nobody knows how many will come.
constexpr std::uint64_t any_number = 1 << 24;

by way_of(const fedavg& how) noexcept {
  for (const auto& [name, way] : ways)
    if (name == how.select)
      return way;
  return by::uniform;
}

// Keys that are for one selector alone, and say something.
void check_owners(const fedavg& how, const rule_row::findings& found) {
  const fedavg usual;
  auto only_for = [&](std::string_view select, const char* key, bool given) {
    if (given && how.select != select)
      found(key, fmt::format("is for federation.select = \"{}\" alone, this is "
                             "\"{}\"",
                     select, how.select));
  };
  only_for("power_of_choice", "select_candidates", how.select_candidates > 0);
  for (const auto& key : selection_keys())
    if (key.name.starts_with("select_") && key.name != "select_candidates")
      only_for("oort", key.name.data(), key.get(how) != key.get(usual));
  for (const auto& key : selection_keys())
    if (key.name.starts_with("tier_") && how.tiers == 1 &&
        key.get(how) != key.get(usual))
      found(key.name, "is for rounds of one of several federation.tiers");
}

void check_candidates(const fedavg& how, std::uint64_t leased,
    std::uint64_t clients, const rule_row::findings& found) {
  if (how.select_candidates == 0)
    return;
  if (how.select_candidates < leased && clients < any_number)
    found("select_candidates",
        fmt::format("is fewer than the {} clients that a round leases: they "
                    "are chosen from the candidates",
            leased));
  if (how.select_candidates > clients)
    found("select_candidates",
        fmt::format("is more than the {} clients there are", clients));
}

void check_tiers(const fedavg& how, std::uint64_t leased, std::uint64_t clients,
    const rule_row::findings& found) {
  if (how.select == "oort")
    found("tiers", "is beside federation.select = \"oort\", which goes by "
                   "speed itself: one of them has to go");
  if (clients / how.tiers < leased)
    found("tiers",
        fmt::format("makes tiers of {} clients, which cannot fill a round that "
                    "leases {}",
            clients / how.tiers, leased));
}

} // namespace

std::vector<rule_key> selection_keys() {
  using rule_rows::own;
  constexpr range part{.low = 0, .high = 1};
  constexpr range above{.low = 0, .high = 1, .above_low = true};
  return {
      own<&fedavg::select>("select",
          "uniform, size, power_of_choice or oort: who is drawn", {}, names),
      own<&fedavg::select_candidates>("select_candidates",
          "power_of_choice: drawn by size; 0: 2 a lease", {0, 1 << 24}),
      own<&fedavg::select_explore>(
          "select_explore", "oort: part that is new, at first", part),
      own<&fedavg::select_explore_decay>("select_explore_decay",
          "oort: what that is multiplied by a round", above),
      own<&fedavg::select_explore_least>(
          "select_explore_least", "oort: and its floor", part),
      own<&fedavg::select_penalty>("select_penalty",
          "oort: exponent of the slow ones' discount", {0, 100}),
      own<&fedavg::select_clip>(
          "select_clip", "oort: percentile that caps utilities", above),
      own<&fedavg::select_pacer>("select_pacer",
          "oort: percentile of times that is slow, and its steps", above),
      own<&fedavg::select_window>(
          "select_window", "oort: rounds from step to step", {1, 1e9}),
      own<&fedavg::tiers>("tiers",
          "classes of speed; a round draws from one (TiFL)", {1, 1 << 24}),
      own<&fedavg::tier_credits>("tier_credits",
          "rounds that a tier may get; 0: any number", {0, 1e9}),
      own<&fedavg::tier_interval>(
          "tier_interval", "rounds until worse tiers get likelier", {1, 1e9})};
}

federated::chooser chooser_of(const fedavg& how) {
  return federated::chooser{{.how = way_of(how),
      .candidates = how.select_candidates,
      .oort = {.explore = how.select_explore,
          .explore_decay = how.select_explore_decay,
          .explore_least = how.select_explore_least,
          .penalty = how.select_penalty,
          .clip = how.select_clip,
          .pacer = how.select_pacer,
          .window = how.select_window},
      .tiers = {.count = how.tiers,
          .credits = how.tier_credits,
          .interval = how.tier_interval}}};
}

bool draws_by_times(const fedavg& how) noexcept {
  return how.select == "oort" || how.tiers > 1;
}

std::string drawn_by(const fedavg& how) {
  auto way = how.select == "power_of_choice" ? "power of choice" : how.select;
  return fmt::format("{}{}",
      how.select == "uniform" ? "" : fmt::format(", drawn by {}", way),
      how.tiers > 1 ? fmt::format(", of one of {} tiers", how.tiers) : "");
}

void check_selection(const fedavg& how, std::uint64_t leased,
    std::uint64_t clients, const rule_row::findings& found) {
  check_owners(how, found);
  if ((how.select == "power_of_choice" || how.select == "size") &&
      how.weighting != "uniform")
    found("weighting",
        fmt::format("counts a client's samples twice: federation.select = "
                    "\"{}\" draws by them, and averages uniformly: set "
                    "\"uniform\"",
            how.select));
  if (how.select == "power_of_choice")
    check_candidates(how, leased, clients, found);
  if (how.select == "oort" && how.select_explore_least > how.select_explore)
    found("select_explore_least",
        fmt::format("is more than federation.select_explore = {}, from which "
                    "it falls",
            how.select_explore));
  if (how.tiers > 1)
    check_tiers(how, leased, clients, found);
}

} // namespace troupe
