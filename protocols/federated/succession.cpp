#include "protocols/federated/succession.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

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
      next.version > 0 ? next.when
                       : fmt::format("{}: {:.2f}", next.when, held_up),
      true};
  plan_.erase(plan_.begin());
  return result;
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
