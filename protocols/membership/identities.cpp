#include "protocols/membership/identities.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <utility>

namespace troupe::membership {
namespace {

constexpr std::string_view prefix = "node-";

std::string nth(std::uint64_t number) {
  return std::string{prefix} + std::to_string(number);
}

// 0 for a name that we did not give.
std::uint64_t number_in(std::string_view name) {
  std::uint64_t result = 0;
  if (name.starts_with(prefix))
    std::from_chars(
        name.data() + prefix.size(), name.data() + name.size(), result);
  return result;
}

} // namespace

member* identities::find(node_id id) noexcept {
  const auto found = all_.find(id);
  return found != all_.end() ? &found->second : nullptr;
}

member* identities::find(std::string_view name) noexcept {
  const auto found = names_.find(name);
  return found != names_.end() ? find(found->second) : nullptr;
}

member& identities::add(std::string name, std::string key) {
  assert(!names_.contains(name) && "the name belongs to somebody");
  auto& x = all_[++last_];
  x.id = last_;
  x.name = std::move(name);
  x.key = std::move(key);
  names_[x.name] = x.id;
  ++counts_[static_cast<std::size_t>(x.at)];
  return x;
}

std::string identities::free_name() {
  while (names_.contains(nth(free_)))
    ++free_;
  return nth(free_);
}

void identities::move(member& x, state to, epoch_id epoch) {
  if (!is_live(x.at))
    gone_.erase(x.changed);
  --counts_[static_cast<std::size_t>(x.at)];
  x.at = to;
  x.changed = epoch;
  ++counts_[static_cast<std::size_t>(to)];
  if (!is_live(to))
    gone_[epoch] = x.id;
}

void identities::forget() {
  while (gone_.size() > remembered_) {
    const auto found = all_.find(gone_.begin()->second);
    const auto& x = found->second;
    if (const auto number = number_in(x.name))
      free_ = std::min(free_, number);
    --counts_[static_cast<std::size_t>(x.at)];
    names_.erase(x.name);
    all_.erase(found);
    gone_.erase(gone_.begin());
  }
}

// False for what was not saved by this class.
bool identities::index() {
  names_.clear();
  gone_.clear();
  counts_ = {};
  free_ = 1;
  for (const auto& [id, x] : all_) {
    if (id != x.id || id > last_ || !names_.emplace(x.name, id).second)
      return false;
    ++counts_[static_cast<std::size_t>(x.at)];
    if (!is_live(x.at) && !gone_.emplace(x.changed, id).second)
      return false;
  }
  forget();
  return true;
}

} // namespace troupe::membership
