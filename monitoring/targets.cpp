#include "monitoring/targets.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

namespace troupe::monitoring {

namespace {

using nlohmann::ordered_json;

constexpr std::string_view this_machine = "127.0.0.1";

// What could stand in the name or the address of a host.
bool is_host(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':';
  });
}

std::optional<endpoint> endpoint_in(const std::string& text) {
  try {
    auto result = endpoint::parse(text);
    if (is_host(result.host))
      return result;
  } catch (const std::invalid_argument&) {
    // nor is it told by whoever said it
  }
  return std::nullopt;
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

bool is_any(std::string_view host) {
  return host == "0.0.0.0" || host == "::";
}

/// The target's address for whoever knows this machine as `asked`; none: it is
/// out of reach.
std::optional<endpoint> reached(
    endpoint target, const std::string& from, std::string_view asked) {
  const auto peer = endpoint_in(from);
  const bool is_near = !peer || is_loopback(peer->host);
  if (is_loopback(target.host) && !is_near)
    return std::nullopt;
  if (is_any(target.host))
    target.host = is_near ? std::string{asked} : peer->host;
  return target;
}

ordered_json entry(const endpoint& at, ordered_json labels) {
  return {{"targets", ordered_json::array({at.text()})},
      {"labels", std::move(labels)}};
}

} // namespace

void targets::hear(const facts::node_joined& f) {
  std::lock_guard lock{guard_};
  nodes_[f.name] = {f.address, {}};
}

void targets::hear(const facts::node_serves& f) {
  std::lock_guard lock{guard_};
  if (const auto at = nodes_.find(f.name); at != nodes_.end())
    at->second.serves_at = f.metrics;
}

void targets::hear(const facts::node_left& f) {
  std::lock_guard lock{guard_};
  nodes_.erase(f.name);
}

std::string targets::text(const endpoint& here, std::string_view asked) const {
  if (!is_host(asked))
    asked = this_machine;
  auto own = here;
  if (is_any(own.host))
    own.host = asked;
  auto all = ordered_json::array({entry(own, {{"role", "coordinator"}})});
  std::lock_guard lock{guard_};
  for (const auto& [name, x] : nodes_)
    if (const auto said = endpoint_in(x.serves_at))
      if (const auto at = reached(*said, x.joined_from, asked))
        all.push_back(entry(*at, {{"role", "node"}, {"node", name}}));
  return all.dump(-1, ' ', false, ordered_json::error_handler_t::replace) +
         "\n";
}

} // namespace troupe::monitoring
