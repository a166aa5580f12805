#include "protocols/federated/chooser.hpp"

#include <algorithm>
#include <cassert>
#include <functional>

#include "protocols/federated/selection.hpp"
#include "protocols/federated/urn.hpp"

namespace troupe::federated {
namespace {

std::vector<client_id> draw_by_size(std::span<const client_id> clients,
    std::size_t count, std::span<const client_record> records,
    gpu::random_stream& random) {
  std::vector<double> sizes;
  for (auto client : clients)
    sizes.push_back(static_cast<double>(records[client].samples));
  urn all{sizes};
  std::vector<client_id> result;
  while (result.size() < count)
    result.push_back(clients[all.take(random)]);
  return result;
}

} // namespace

chooser::chooser(options how) : how_(how), oort_(how.oort), tiers_(how.tiers) {
  assert(how.how != by::oort || how.tiers.count == 1);
}

std::vector<client_id> chooser::draw(std::uint64_t round,
    std::span<client_id> clients, std::size_t count,
    std::span<const client_record> records, gpu::random_stream& random) {
  assert(count <= clients.size());
  std::vector<client_id> tier;
  if (tiers_.any())
    clients = tier = tiers_.draw(clients, count, known_, random);
  auto cohort = draw_among(round, clients, count, records, random);
  if (remembers())
    known_.begin(cohort);
  return cohort;
}

std::vector<client_id> chooser::draw_among(std::uint64_t round,
    std::span<client_id> clients, std::size_t count,
    std::span<const client_record> records, gpu::random_stream& random) const {
  switch (how_.how) {
  case by::uniform:
    return draw_cohort(clients, count, random);
  case by::size:
    return draw_by_size(clients, count, records, random);
  case by::oort:
    return oort_.draw(round, clients, count, known_, random);
  case by::power_of_choice:
    break;
  }
  const auto wanted = how_.candidates > 0 ? how_.candidates : 2 * count;
  auto candidates = draw_by_size(clients,
      std::clamp<std::size_t>(wanted, count, clients.size()), records, random);
  std::ranges::stable_sort(candidates, std::greater{},
      [&](client_id client) { return known_.of(client).loss; });
  candidates.resize(count);
  return candidates;
}

void chooser::heard(const arrival& update) {
  if (remembers())
    known_.heard(update);
}

void chooser::gave_up(client_id client, duration time) {
  if (remembers())
    known_.gave_up(client, time);
}

void chooser::retract(client_id client) {
  if (remembers())
    known_.retract(client);
}

void chooser::close(std::uint64_t round) {
  if (!remembers())
    return;
  oort_.close(known_.close(round));
  if (tiers_.any())
    tiers_.close();
}

} // namespace troupe::federated
