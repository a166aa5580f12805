#include "protocols/federated/fedbuff.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "gpu/aggregation/accumulator.hpp"
#include "gpu/random.hpp"
#include "protocols/federated/decides.hpp"
#include "protocols/federated/staleness.hpp"

namespace troupe::federated {

static_assert(decides<fedbuff> && succeeds<fedbuff>);

fedbuff::fedbuff(settings common, std::uint64_t buffer,
    std::uint64_t concurrency, std::uint64_t max_staleness)
    : common_(std::move(common)),
      buffer_(buffer),
      concurrency_(concurrency),
      max_staleness_(max_staleness) {
  assert(buffer > 0 && concurrency > 0);
}

void fedbuff::join(
    client_id client, std::uint64_t samples, instant now, decisions& out) {
  if (samples == 0 && common_.weigh_samples)
    return leave(client, now, out);
  if (!clients_.join(client, samples))
    return;
  offer(client);
  if (phase_ == phase::waiting)
    phase_ = phase::collecting;
  settle(out);
}

void fedbuff::leave(client_id client, instant, decisions& out) {
  if (!clients_.leave(client))
    return;
  eligible_.erase(client);
  if (const auto lease = clients_[client].lease; end_lease(lease))
    out.revoked.push_back(lease);
  settle(out);
}

void fedbuff::begin(std::uint64_t incarnation, instant, decisions& out) {
  assert(phase_ == phase::idle);
  if (common_.keeps_leases)
    go_on_with_leases();
  else
    book_.restart(first_lease(incarnation));
  if (closed_ >= common_.rounds)
    return finish(ending::completed, out);
  for (auto client : spent_) {
    eligible_.erase(client);
    clients_.record(client).leased_in = open_round();
    used_.push_back(client);
  }
  // No draw repeats over the run.
  draw_anew(common_.keeps_leases ? closed_ : first_lease(incarnation));
  phase_ = phase::collecting;
  settle(out);
}

verdict fedbuff::arrive(const arrival& update, instant, decisions& out) {
  verdict v{.why = book_.reason_to_drop(update)};
  // An id that the book has forgotten is at least late; its base says more.
  if (v.why == drop_reason::late && !book_.find(update.lease) &&
      update.base < version_ && version_ - update.base > max_staleness_)
    v.why = drop_reason::too_stale;
  v.staleness = version_ - std::min(update.base, version_);
  if (!v.accepted())
    return v;
  auto& lease = *book_.find(update.lease);
  v.share = lease.share;
  v.weight = gpu::on_weight_grid(lease.share * discount(v.staleness));
  book_.close(lease, lease_state::accepted);
  lease.round = open_round();
  if (clients_[update.client].leased_in == open_round())
    spent_.push_back(update.client);
  release(update.client);
  ++buffered_;
  settle(out);
  return v;
}

void fedbuff::fail(lease_id lease, instant, decisions& out) {
  if (!end_lease(lease))
    return;
  clients_[book_.find(lease)->client].failed = true;
  settle(out);
}

void fedbuff::requeue(lease_id lease, instant, decisions& out) {
  auto* x = book_.find_open(lease);
  if (!x)
    return;
  const auto client = x->client;
  book_.close(*x, lease_state::ended);
  if (phase_ == phase::collecting)
    hand_out(client, out);
  else
    offer(client);
}

void fedbuff::retract(lease_id lease, instant, decisions& out) {
  auto* x = book_.find(lease);
  if (!x || x->state != lease_state::accepted)
    return;
  x->state = lease_state::ended;
  if (x->round != open_round()) {
    --accepted_;
    return;
  }
  --buffered_;
  clients_[x->client].failed = true;
  settle(out);
}

void fedbuff::published(instant, decisions& out) {
  if (phase_ != phase::publishing)
    return;
  if (closed_ >= common_.rounds)
    return finish(ending::completed, out);
  if (common_.keeps_leases)
    draw_anew(closed_);
  phase_ = phase::collecting;
  settle(out);
}

void fedbuff::wake(instant, decisions&) {}

void fedbuff::discard() noexcept {
  assert(phase_ == phase::idle);
  buffered_ = 0;
  spent_.clear();
}

std::uint64_t fedbuff::round() const noexcept {
  return closed_ + (phase_ == phase::collecting ? 1 : 0);
}

double fedbuff::share(lease_id lease) noexcept {
  const auto* x = book_.find_open(lease);
  return x ? x->share : 0.0;
}

void fedbuff::rounds(std::uint64_t total) noexcept {
  common_.rounds = std::max(total, round());
}

handover fedbuff::hand_over() const {
  assert(phase_ == phase::publishing && buffered_ == 0);
  return {version_, closed_, accepted_, book_};
}

void fedbuff::take_over(handover what, decisions& out) {
  assert(phase_ == phase::idle);
  version_ = what.version;
  closed_ = what.rounds;
  accepted_ = what.accepted;
  book_ = std::move(what.leases);
  go_on_with_leases();
  for (lease_id id = book_.oldest(); id != book_.next(); ++id)
    if (auto* x = book_.find_open(id))
      x->share = share_of(x->client);
  phase_ = phase::publishing;
  if (version_ > max_staleness_)
    revoke(version_ - max_staleness_, lease_state::outdated, out);
  draw_anew(common_.keeps_leases ? closed_ : book_.next());
}

std::uint64_t fedbuff::needed() const noexcept {
  return std::max<std::uint64_t>(1, common_.min_updates);
}

bool fedbuff::everyone_failed() const noexcept {
  return std::ranges::all_of(clients_.records(), [this](const auto& x) {
    return !x.present || (x.leased_in == open_round() && x.failed);
  });
}

// Who has not come back trains nothing any more.
void fedbuff::go_on_with_leases() {
  for (auto client : std::vector{eligible_.all()})
    if (!clients_.present(client))
      eligible_.erase(client);
  for (lease_id id = book_.oldest(); id != book_.next(); ++id)
    if (auto* x = book_.find_open(id)) {
      auto& client = clients_.record(x->client);
      client.lease = id;
      client.leased_in = x->round;
      if (!client.present)
        book_.close(*x, lease_state::ended);
      else
        eligible_.erase(x->client);
    }
}

void fedbuff::draw_anew(std::uint64_t key) noexcept {
  random_ = gpu::random_stream{common_.seed, gpu::stream::select, key};
}

void fedbuff::offer(client_id client) {
  const auto& x = clients_[client];
  assert(!book_.find_open(x.lease));
  if (x.present && x.leased_in != open_round())
    eligible_.insert(client);
}

void fedbuff::release(client_id client) {
  if (clients_[client].leased_in == open_round())
    used_.push_back(client);
  else
    offer(client);
}

void fedbuff::hand_out(client_id client, decisions& out) {
  auto& x = clients_[client];
  const auto share = share_of(client);
  x.lease = book_.open(client, version_, open_round(), share);
  x.leased_in = open_round();
  x.failed = false;
  out.grants.push_back(
      {x.lease, client, version_, share, 0, common_.lease_time});
}

// Of a client that is there.
double fedbuff::share_of(client_id client) const noexcept {
  const auto mean = static_cast<double>(clients_.samples()) /
                    static_cast<double>(clients_.living());
  const auto size =
      common_.weigh_samples
          ? static_cast<double>(clients_.records()[client].samples) / mean
          : 1.0;
  return gpu::on_weight_grid(size / static_cast<double>(buffer_));
}

bool fedbuff::end_lease(lease_id lease) {
  auto* x = book_.find_open(lease);
  if (!x)
    return false;
  book_.close(*x, lease_state::ended);
  release(x->client);
  return true;
}

void fedbuff::revoke(version_id oldest, lease_state how, decisions& out) {
  book_.outdate(oldest, how, [&](lease_id id, const lease_entry& x) {
    out.revoked.push_back(id);
    release(x.client);
  });
}

void fedbuff::fill(decisions& out) {
  while (book_.outstanding() < concurrency_ && !eligible_.empty())
    hand_out(eligible_.take(random_), out);
}

void fedbuff::settle(decisions& out) {
  if (phase_ != phase::collecting)
    return;
  if (buffered_ >= std::max(buffer_, needed()))
    return publish(out);
  fill(out);
  if (book_.outstanding() > 0)
    return;
  if (buffered_ >= needed())
    return publish(out);
  if (clients_.living() == 0)
    return finish(ending::starved, out);
  if (buffered_ == 0 && everyone_failed())
    return finish(ending::all_failed, out);
  skip(out);
}

void fedbuff::publish(decisions& out) {
  phase_ = phase::publishing;
  ++version_;
  accepted_ += buffered_;
  out.publish = publication{version_, open_round(), buffered_};
  close_round();
  const auto last = closed_ >= common_.rounds && !common_.keeps_leases;
  if (last)
    revoke(version_, lease_state::ended, out); // nothing more is published
  else if (version_ > max_staleness_)
    revoke(version_ - max_staleness_, lease_state::outdated, out);
  book_.forget(closed_);
}

void fedbuff::skip(decisions& out) {
  out.skipped.push_back({open_round(), buffered_, needed()});
  book_.annul(open_round());
  close_round();
  if (closed_ >= common_.rounds)
    return finish(ending::completed, out);
  fill(out);
}

void fedbuff::close_round() {
  ++closed_;
  buffered_ = 0;
  spent_.clear();
  for (auto client : std::exchange(used_, {}))
    offer(client);
}

// The state of a last version has the leases that are kept: a run that gets
// more of them goes on.
void fedbuff::finish(ending how, decisions& out) {
  if (how == ending::completed)
    revoke(version_ + 1, lease_state::ended, out);
  phase_ = how == ending::starved ? phase::waiting : phase::ended;
  out.end = how;
}

} // namespace troupe::federated
