#include "protocols/federated/fedasync.hpp"

#include <cassert>
#include <cmath>
#include <utility>

#include "protocols/federated/decides.hpp"

namespace troupe::federated {

static_assert(decides<fedasync> && succeeds<fedasync>);

double staleness_function::operator()(std::uint64_t staleness) const noexcept {
  const auto s = static_cast<double>(staleness);
  switch (of) {
  case shape::constant:
    return 1.0;
  case shape::hinge:
    return s <= grace ? 1.0 : 1.0 / (1.0 + slope * (s - grace));
  case shape::polynomial:
    return std::pow(1.0 + s, -exponent);
  }
  return 1.0;
}

namespace {

// One update is a version, and no other is weighed against it.
settings alone(settings common) {
  common.weigh_samples = false;
  common.min_updates = 1;
  return common;
}

} // namespace

fedasync::fedasync(settings common, double mixing, staleness_function trust,
    std::uint64_t concurrency, std::uint64_t max_staleness)
    : leases_(alone(std::move(common)), 1, concurrency, max_staleness),
      mixing_(mixing),
      trust_(trust) {
  assert(mixing > 0.0 && mixing <= 1.0);
}

void fedasync::begin(std::uint64_t incarnation, instant now, decisions& out) {
  const auto before = version();
  leases_.begin(incarnation, now, out);
  mix_since(before, out);
}

verdict fedasync::arrive(const arrival& update, instant now, decisions& out) {
  const auto before = version();
  auto v = leases_.arrive(update, now, out);
  if (!v.accepted())
    return v;
  v.weight = v.share;
  v.mix = true;
  rates_ += mixing_ * trust_(v.staleness);
  mix_since(before, out);
  return v;
}

// Which rate it had is not known any more; together the others keep their mean.
void fedasync::retract(lease_id lease, instant now, decisions& out) {
  const auto before = static_cast<double>(buffered());
  leases_.retract(lease, now, out);
  if (before > 0.0)
    rates_ *= static_cast<double>(buffered()) / before;
}

void fedasync::published(instant now, decisions& out) {
  const auto before = version();
  leases_.published(now, out);
  mix_since(before, out);
}

void fedasync::discard() noexcept {
  leases_.discard();
  rates_ = 0.0;
}

void fedasync::mix_since(version_id before, decisions& out) {
  if (version() == before)
    return;
  out.publish->scale =
      std::exchange(rates_, 0.0) / static_cast<double>(out.publish->updates);
}

} // namespace troupe::federated
