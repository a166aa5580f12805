#include "protocols/membership/clientele.hpp"

#include <algorithm>

namespace troupe::membership {
namespace {

std::string shown(const std::string& key) {
  return key.empty() ? "no key" : "key " + key;
}

} // namespace

clientele::clientele(client_id first, const std::vector<resident_client>& known,
    std::size_t most)
    : next_(first), most_(most) {
  for (const auto& each : known) {
    all_.emplace(each.identity, each);
    next_ = std::max(next_, each.client + 1);
  }
}

std::optional<refusal> clientele::objection(
    const std::string& identity, const std::string& key) const {
  const auto* known = find(identity);
  if (known && known->key != key)
    return refusal{reason::identity_taken,
        "identity \"" + identity + "\" came with " + shown(key) +
            ", but client " + std::to_string(known->client) +
            " of this run belongs to " + shown(known->key)};
  if (!known && all_.size() >= most_)
    return refusal{reason::full,
        "identity \"" + identity + "\" would be resident number " +
            std::to_string(most_ + 1) + " of a run of at most " +
            std::to_string(most_)};
  return std::nullopt;
}

client_id clientele::client_of(
    const std::string& identity, const std::string& key) {
  const auto [at, is_new] =
      all_.try_emplace(identity, resident_client{next_, identity, key});
  next_ += is_new;
  return at->second.client;
}

const resident_client* clientele::find(
    std::string_view identity) const noexcept {
  const auto found = all_.find(identity);
  return found != all_.end() ? &found->second : nullptr;
}

} // namespace troupe::membership
