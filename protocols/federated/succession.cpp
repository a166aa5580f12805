#include "protocols/federated/succession.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>

namespace troupe::federated {

void succession::ask(const std::vector<std::string>& settings) {
  asked_.insert(asked_.end(), settings.begin(), settings.end());
}

std::optional<succession::due> succession::behind(version_id version) {
  const auto held_up = stragglers(std::exchange(times_, {}));
  if (!asked_.empty())
    return due{std::exchange(asked_, {}), "asked", false};
  // Those that a resumed run has behind it are in its configuration no more.
  if (plan_.empty())
    return std::nullopt;
  const auto& next = plan_.front();
  const auto is_due =
      next.version > 0 ? version >= next.version : held_up > next.stragglers;
  if (!is_due)
    return std::nullopt;
  due result{next.settings,
      next.version > 0
          ? next.when
          : next.when + ": " + std::to_string(held_up).substr(0, 4),
      true};
  plan_.erase(plan_.begin());
  return result;
}

facts::rule_changed change_rule(const incumbent& what,
    const make_successor& make, const succession::due& due, version_id behind,
    const std::map<client_id, std::uint64_t>& there, instant now,
    decisions& out) {
  try {
    auto next = make(what.configuration, due.settings, due.planned);
    for (const auto& [client, samples] : there)
      next.rule.join(client, samples, now, out);
    next.rule.take_over(what.rule.hand_over().value(), out);
    what.rule = std::move(next.rule);
    what.name = next.name;
    what.configuration = std::move(next.configuration);
    return {behind, std::move(next.name), std::move(next.settings), due.why};
  } catch (const std::exception& error) {
    if (due.planned) // it is over all the same
      what.configuration = make(what.configuration, {}, true).configuration;
    return {
        behind, what.name, {}, due.why + ", which cannot be: " + error.what()};
  }
}

double succession::stragglers(std::vector<duration> times) {
  if (times.empty())
    return 0.0;
  const auto middle =
      times.begin() + static_cast<std::ptrdiff_t>((times.size() - 1) / 2);
  std::ranges::nth_element(times, middle);
  const auto median = *middle;
  const auto slowest = std::ranges::max(times);
  return slowest > duration{} ? 1.0 - seconds(median) / seconds(slowest) : 0.0;
}

} // namespace troupe::federated
