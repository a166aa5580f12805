#include "runtime/record/audit_residents.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "protocols/state_name.hpp"

namespace troupe {
namespace {

std::map<client_id, facts::client_joined> residents_in(const story& told) {
  std::map<client_id, facts::client_joined> result;
  for (const auto& f : told.standing)
    if (auto* x = std::get_if<facts::client_joined>(&f.what);
        x && !x->identity.empty())
      result.emplace(x->client, *x);
  return result;
}

// The leases of the last updates of clients that are in versions up to the one
// of this fact.
std::map<client_id, lease_id> last_leases(
    const story& told, std::uint64_t fact_number) {
  std::map<client_id, lease_id> counted, open;
  for (const auto& f : told.standing) {
    if (f.number > fact_number)
      break;
    if (auto* came = std::get_if<facts::accepted>(&f.what))
      open[came->client] = came->lease;
    else if (std::holds_alternative<facts::round_skipped>(f.what))
      open.clear();
    else if (std::holds_alternative<facts::published>(f.what))
      for (const auto& [client, lease] : std::exchange(open, {}))
        counted[client] = lease;
  }
  return counted;
}

} // namespace

bool has_residents(const story& told) {
  return !residents_in(told).empty();
}

std::string look_at_residents(const story& told, std::uint64_t placed) {
  std::map<std::string, client_id> clients;
  std::map<client_id, std::pair<std::string, std::string>> identities;
  for (const auto& f : told.standing) {
    const auto* x = std::get_if<facts::client_joined>(&f.what);
    if (!x || x->identity.empty())
      continue;
    expect(x->client >= placed, "{} is client {}, which is a placed one",
        x->identity, x->client);
    const auto one = clients.try_emplace(x->identity, x->client).first->second;
    expect(one == x->client, "{} is client {} and client {}", x->identity, one,
        x->client);
    const auto& who =
        identities.try_emplace(x->client, x->identity, x->key).first->second;
    expect(who.first == x->identity, "client {} is {} and {}", x->client,
        who.first, x->identity);
    expect(who.second == x->key, "{} came with two keys, {} and {}",
        x->identity, who.second, x->key);
  }
  return clients.size() == 1
             ? "1 identity, the same client throughout"
             : fmt::format("{} identities, each the same client throughout",
                   clients.size());
}

void look_at_names(
    const checkpoint& state, const std::string& file, const story& told) {
  const auto met = residents_in(told);
  for (const auto& each : state.residents) {
    const auto found = met.find(each.client);
    // One that came before a void stretch may not have come again.
    expect(found == met.end() || found->second.identity == each.identity,
        "{} has {} as client {}, the journal has {}", file, each.identity,
        each.client, found == met.end() ? "" : found->second.identity);
  }
  const auto leases = last_leases(told, state.fact_number);
  for (const auto& [client, values] : state.states.all()) {
    if (values.here)
      continue;
    const auto last = leases.find(client);
    const auto name =
        last == leases.end() ? no_state : state_left_by(last->second);
    expect(values.id == name,
        "{} names the state {} of client {}, whose last update left {}", file,
        values.id, client, name);
  }
}

} // namespace troupe
