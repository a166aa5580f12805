#include "protocols/state_table.hpp"

#include <algorithm>

namespace troupe {

tensor state_table::of(client_id client) const {
  const auto number = client / page_size;
  return number < pages_.size() && pages_[number]
             ? (*pages_[number])[client % page_size]
             : tensor{};
}

void state_table::take(std::span<const client_state> changed) {
  while (!changed.empty()) {
    const auto number = changed.front().client / page_size;
    const auto end = std::ranges::find_if(changed,
        [number](const auto& x) { return x.client / page_size != number; });
    const auto count = static_cast<std::size_t>(end - changed.begin());
    if (number >= pages_.size())
      pages_.resize(number + 1);
    auto next = pages_[number] ? std::make_shared<page>(*pages_[number])
                               : std::make_shared<page>();
    for (const auto& [client, values] : changed.first(count)) {
      auto& place = (*next)[client % page_size];
      size_ -= place ? 1 : 0;
      place = values.count > 0 ? values : tensor{};
      size_ += place ? 1 : 0;
    }
    pages_[number] = std::move(next);
    changed = changed.subspan(count);
  }
}

std::vector<client_state> state_table::all() const {
  std::vector<client_state> result;
  for (std::size_t i = 0; i < pages_.size() * page_size; ++i)
    if (auto values = of(static_cast<client_id>(i)))
      result.push_back({static_cast<client_id>(i), std::move(values)});
  return result;
}

} // namespace troupe
