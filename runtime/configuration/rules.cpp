#include "runtime/configuration/rules.hpp"

#include "runtime/configuration/rule_row_parts.hpp"
#include "runtime/configuration/selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <utility>

namespace troupe {

namespace {

using namespace std::string_view_literals;
using namespace rule_rows;

// Whose order of arrival counts.
bool never(const std::any&) {
  return false;
}

federated::round_size round_of(const fedavg& how, std::uint64_t clients) {
  return federated::size_of_round(clients, how.fraction, how.over_select);
}

// Of no number of clients: of any.
std::string turnout_of(const fedavg& how, std::uint64_t clients) {
  if (clients > 0) {
    auto [wanted, leased] = round_of(how, clients);
    return wanted == leased ? fmt::format("{} a round", wanted)
                            : fmt::format("{} of {} a round", wanted, leased);
  }
  return fmt::format("{:g} % of those who are there a round{}",
      100.0 * how.fraction,
      how.over_select > 1.0
          ? fmt::format(", of {:g} times as many", how.over_select)
          : "");
}

std::string pace_of(const fedavg& how, std::uint64_t clients) {
  auto turnout = turnout_of(how, clients) + drawn_by(how);
  if (how.backups > 0)
    turnout += fmt::format(", {} in reserve", how.backups);
  if (how.deadline > 0.0)
    return fmt::format("{}, within {:g} s", turnout, how.deadline);
  if (how.deadline_median > 0.0)
    return fmt::format(
        "{}, within the median + {:g} MAD", turnout, how.deadline_median);
  return turnout;
}

federated::deadline deadline_of(const fedavg& how) {
  // What rounds to nothing is not none.
  const auto least = how.deadline > 0.0 ? duration{1} : duration{};
  return federated::deadline{std::max(from_seconds(how.deadline), least),
      how.deadline_median, how.partial};
}

// The first ones to answer are others each time, and so is how long they took.
bool knows_no_times(const fedavg& how) {
  return how.over_select == 1.0 && how.backups == 0 && how.deadline == 0.0 &&
         how.deadline_median == 0.0 && !draws_by_times(how);
}

rule_row fedavg_row() {
  rule_row row;
  row.name = "fedavg";
  row.meaning = "rounds: a part of the clients trains, their average counts";
  row.unit = "round";
  row.rounds = true;
  row.defaults = fedavg{};
  row.by_seed = by<fedavg>(knows_no_times);
  row.keys = {common<&fedavg::weighting>("weighting"),
      common<&fedavg::min_updates>("min_updates"),
      own<&fedavg::fraction>("fraction", "part of the clients in a round",
          {.low = 0, .high = 1, .above_low = true}),
      own<&fedavg::over_select>("over_select",
          "times as many are leased as have to answer", {1, 1000}),
      own<&fedavg::backups>("backups",
          "others that are leased once so many are outstanding", {0, 1 << 24}),
      own<&fedavg::deadline>(
          "deadline", "seconds after which a round closes; 0: none", {0, 1e7}),
      own<&fedavg::deadline_median>("deadline_median",
          "or the median time and so many MAD; 0: none", {0, 1e6}),
      own<&fedavg::partial>("partial",
          "part of it after which clients send what they have; 0: never",
          {0, 1})};
  std::ranges::move(selection_keys(), std::back_inserter(row.keys));
  row.make =
      by<fedavg>([](const fedavg& how,
                     const federated::settings& common) -> federated::rule {
        return federated::fedavg{common, how.fraction, how.over_select,
            deadline_of(how), chooser_of(how), how.backups};
      });
  row.cohort = by<fedavg>([](const fedavg& how, std::uint64_t clients) {
    return round_of(how, clients).wanted;
  });
  row.pace = by<fedavg>(pace_of);
  row.check = by<fedavg>([](const fedavg& how, std::uint64_t clients,
                             const rule_row::findings& found) {
    auto [wanted, leased] = round_of(how, clients);
    check_selection(how, leased, clients, found);
    if (how.min_updates > wanted)
      found("min_updates",
          fmt::format("is more than the {} clients of a round (fraction {} of "
                      "{}): every round would be skipped",
              wanted, how.fraction, clients));
    if (how.deadline > 0.0 && how.deadline_median > 0.0)
      found("deadline_median",
          fmt::format("is beside federation.deadline = {}: a round has one "
                      "deadline, so one of them has to be 0",
              how.deadline));
    if (how.backups >= wanted)
      found("backups",
          fmt::format("are not fewer than the {} updates of a round: set "
                      "over_select to lease more from the start",
              wanted));
    if (how.backups > 0 && leased == clients)
      found("backups", "find no client that is not in the round already");
    if (how.partial > 0.0 && how.deadline == 0.0 && how.deadline_median == 0.0)
      found("partial", "is a part of a deadline, and there is none");
  });
  return row;
}

rule_row fedbuff_row() {
  rule_row row;
  row.name = "fedbuff";
  row.meaning = "no rounds: every few updates, however old, make a version";
  row.unit = "version";
  row.defaults = fedbuff{};
  row.by_seed = never;
  row.keys = {common<&fedbuff::weighting>("weighting"),
      common<&fedbuff::min_updates>("min_updates"),
      at_most_clients<&fedbuff::buffer>("buffer", "updates in a version"),
      at_most_clients<&fedbuff::concurrency>(
          "concurrency", "clients in training at any time"),
      own<&fedbuff::max_staleness>("max_staleness",
          "an update from further behind is dropped", {0, 1e9})};
  row.make =
      by<fedbuff>([](const fedbuff& how,
                      const federated::settings& common) -> federated::rule {
        return federated::fedbuff{
            common, how.buffer, how.concurrency, how.max_staleness};
      });
  row.cohort =
      by<fedbuff>([](const fedbuff& how, std::uint64_t) { return how.buffer; });
  row.pace = by<fedbuff>([](const fedbuff& how, std::uint64_t) {
    return fmt::format(
        "{} in training, a version every {}", how.concurrency, how.buffer);
  });
  row.check = by<fedbuff>([](const fedbuff& how, std::uint64_t,
                              const rule_row::findings& found) {
    if (how.min_updates > how.buffer)
      found("min_updates",
          fmt::format("is more than federation.buffer = {}: no version would "
                      "ever be published",
              how.buffer));
  });
  return row;
}

federated::staleness_function trust_of(const fedasync& how) {
  using shape = federated::staleness_function::shape;
  return {.of = how.staleness == "constant" ? shape::constant
                : how.staleness == "hinge"  ? shape::hinge
                                            : shape::polynomial,
      .exponent = how.staleness_exponent,
      .slope = how.staleness_slope,
      .grace = how.staleness_grace};
}

rule_row fedasync_row() {
  static constexpr std::array shapes{"constant"sv, "hinge"sv, "polynomial"sv};
  rule_row row;
  row.name = "fedasync";
  row.averages = false;
  row.meaning = "no rounds: every update makes a version, mixed in by age";
  row.unit = "version";
  row.defaults = fedasync{};
  row.by_seed = never;
  row.keys = {at_most_clients<&fedasync::concurrency>(
                  "concurrency", "clients in training at any time"),
      own<&fedasync::max_staleness>("max_staleness",
          "an update from further behind is dropped", {0, 1e9}),
      own<&fedasync::mixing>("mixing", "what a fresh update's model counts",
          {.low = 0, .high = 1, .above_low = true}),
      own<&fedasync::staleness>("staleness",
          "polynomial, hinge or constant: how age counts", {}, shapes),
      own<&fedasync::staleness_exponent>(
          "staleness_exponent", "polynomial: (1 + age)^-exponent", {0, 100}),
      own<&fedasync::staleness_slope>(
          "staleness_slope", "hinge: 1 / (1 + slope (age - grace))", {0, 1e9}),
      own<&fedasync::staleness_grace>("staleness_grace",
          "hinge: up to this age an update counts fully", {0, 1e9})};
  row.make =
      by<fedasync>([](const fedasync& how,
                       const federated::settings& common) -> federated::rule {
        return federated::fedasync{common, how.mixing, trust_of(how),
            how.concurrency, how.max_staleness};
      });
  row.cohort = by<fedasync>(
      [](const fedasync&, std::uint64_t) -> std::uint64_t { return 1; });
  row.pace = by<fedasync>([](const fedasync& how, std::uint64_t) {
    return fmt::format("{} in training, a version each", how.concurrency);
  });
  row.check = by<fedasync>([](const fedasync& how, std::uint64_t,
                               const rule_row::findings& found) {
    const fedasync usual;
    auto only_for = [&](std::string_view shape, const char* key, bool given) {
      if (given && how.staleness != shape)
        found(
            key, fmt::format("is for staleness = \"{}\" alone, this is \"{}\"",
                     shape, how.staleness));
    };
    only_for("polynomial", "staleness_exponent",
        how.staleness_exponent != usual.staleness_exponent);
    only_for("hinge", "staleness_slope",
        how.staleness_slope != usual.staleness_slope);
    only_for("hinge", "staleness_grace",
        how.staleness_grace != usual.staleness_grace);
  });
  return row;
}

} // namespace

const rule_key* rule_row::find(std::string_view key) const noexcept {
  auto found = std::ranges::find(keys, key, &rule_key::name);
  return found == keys.end() ? nullptr : &*found;
}

std::span<const rule_row> rules() {
  static const std::array rows{fedavg_row(), fedbuff_row(), fedasync_row()};
  return rows;
}

std::vector<std::string_view> rules_that(
    const std::function<bool(const rule_row&)>& fit) {
  std::vector<std::string_view> names;
  for (const auto& row : rules())
    if (fit(row))
      names.push_back(row.name);
  return names;
}

const rule_row* find_rule(std::string_view name) {
  auto found = std::ranges::find(rules(), name, &rule_row::name);
  return found == rules().end() ? nullptr : &*found;
}

const rule_row* find_rule(const std::type_info& options) {
  auto found = std::ranges::find_if(rules(),
      [&](const rule_row& row) { return row.defaults.type() == options; });
  return found == rules().end() ? nullptr : &*found;
}

rule_options default_rule_options() {
  rule_options result;
  for (const auto& row : rules())
    for (const auto& key : row.keys)
      if (key.own())
        result.emplace(key.name, key.get(row.defaults));
  return result;
}

} // namespace troupe
