#include "protocols/federated/fedavg.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "gpu/aggregation/accumulator.hpp"
#include "gpu/random.hpp"
#include "protocols/federated/decides.hpp"
#include "protocols/federated/selection.hpp"

namespace troupe::federated {

static_assert(decides<fedavg> && succeeds<fedavg>);

fedavg::fedavg(settings common, double fraction, double over_select,
    deadline limit, chooser who, std::uint64_t backups)
    : common_(std::move(common)),
      fraction_(fraction),
      over_select_(over_select),
      backups_(backups),
      deadline_(std::move(limit)),
      chooser_(std::move(who)),
      variate_(common_.work) {
  assert(fraction > 0.0 && fraction <= 1.0);
  assert(over_select >= 1.0);
}

void fedavg::join(
    client_id client, std::uint64_t samples, instant now, decisions& out) {
  if (samples == 0 && (common_.weigh_samples || chooser_.goes_by_size()))
    return leave(client, now, out);
  if (!clients_.join(client, samples))
    return;
  outdated_ = outdated_ || (!eligible_.empty() && eligible_.back() >= client);
  if (!outdated_)
    eligible_.push_back(client);
  if (phase_ == phase::waiting)
    open_round(now, out);
}

void fedavg::leave(client_id client, instant now, decisions& out) {
  if (!clients_.leave(client))
    return;
  outdated_ = true;
  if (const auto lease = clients_[client].lease; end_lease(lease)) {
    out.revoked.push_back(lease);
    settle(now, out);
  }
}

void fedavg::begin(std::uint64_t incarnation, instant now, decisions& out) {
  assert(phase_ == phase::idle);
  book_.restart(first_lease(incarnation));
  open_round(now, out);
}

verdict fedavg::arrive(const arrival& update, instant now, decisions& out) {
  verdict v{.why = book_.reason_to_drop(update)};
  if (!v.accepted())
    return v;
  auto& lease = *book_.find(update.lease);
  deadline_.took(update.client, now - opened_);
  chooser_.heard(update);
  if (buffered_ >= enough(now)) { // nobody has been woken yet
    v.why = drop_reason::late;
    book_.close(lease, lease_state::ended);
  } else {
    v.share = lease.share;
    v.weight = weigh(update, v.share);
    v.drift = variate_.weigh(update);
    book_.close(lease, lease_state::accepted);
    ++buffered_;
  }
  settle(now, out);
  return v;
}

void fedavg::fail(lease_id lease, instant now, decisions& out) {
  if (!end_lease(lease))
    return;
  ++failed_;
  settle(now, out);
}

void fedavg::requeue(lease_id lease, instant now, decisions& out) {
  if (!end_lease(lease))
    return;
  if (buffered_ >= enough(now))
    return settle(now, out);
  const auto lost = *book_.find(lease);
  hand_out(lost.client, lost.share, out);
}

void fedavg::retract(lease_id lease, instant now, decisions& out) {
  auto* x = book_.find(lease);
  if (!x || x->state != lease_state::accepted)
    return;
  x->state = lease_state::ended;
  if (phase_ != phase::collecting || x->round != round()) {
    --accepted_;
    return;
  }
  --buffered_;
  ++failed_;
  amounts_.retract(x->client);
  variate_.retract(x->client);
  chooser_.retract(x->client);
  settle(now, out);
}

void fedavg::published(instant now, decisions& out) {
  if (phase_ == phase::publishing)
    open_round(now, out);
}

void fedavg::wake(instant now, decisions& out) {
  if (phase_ != phase::collecting || !over_)
    return;
  if (now < *over_)
    out.wake = over_;
  settle(now, out);
}

std::uint64_t fedavg::round() const noexcept {
  return closed_ + (phase_ == phase::collecting ? 1 : 0);
}

double fedavg::share(lease_id lease) noexcept {
  const auto* x = book_.find_open(lease);
  return x ? x->share : 0.0;
}

void fedavg::rounds(std::uint64_t total) noexcept {
  common_.rounds = std::max(total, round());
}

handover fedavg::hand_over() const {
  assert(phase_ == phase::publishing);
  return {version_, closed_, accepted_, book_};
}

void fedavg::take_over(handover what, decisions& out) {
  assert(phase_ == phase::idle);
  version_ = what.version;
  closed_ = what.rounds;
  accepted_ = what.accepted;
  book_ = std::move(what.leases);
  book_.outdate(
      version_, lease_state::ended, [&](lease_id lease, const lease_entry&) {
        out.revoked.push_back(lease);
      });
  phase_ = phase::publishing;
}

std::uint64_t fedavg::needed() const noexcept {
  return std::max<std::uint64_t>(1, common_.min_updates);
}

std::uint64_t fedavg::enough(instant now) const noexcept {
  return over_ && now >= *over_ ? needed() : std::max(size_.wanted, needed());
}

void fedavg::open_round(instant now, decisions& out) {
  if (closed_ >= common_.rounds)
    return finish(ending::completed, out);
  if (clients_.living() == 0)
    return finish(ending::starved, out);
  phase_ = phase::collecting;
  buffered_ = failed_ = backing_ = 0;
  backed_ = false;
  // The last round's leases stay, so that its duplicates are called that.
  book_.forget(closed_);
  amounts_.clear();
  opened_ = now;
  deadline_.begin_round();
  draw(round(), out);
}

void fedavg::draw(std::uint64_t round, decisions& out) {
  if (std::exchange(outdated_, false)) {
    eligible_.clear();
    for (client_id i = 0; i < clients_.records().size(); ++i)
      if (clients_.present(i))
        eligible_.push_back(i);
  }
  size_ = size_of_round(eligible_.size(), fraction_, over_select_);
  gpu::random_stream random{common_.seed, gpu::stream::select, round};
  const auto cohort =
      chooser_.draw(round, eligible_, size_.leased, clients_.records(), random);
  out.round_started = started_round{round, size_.leased};
  variate_.begin(size_.leased);
  limit(cohort, out);
  total_ = common_.weigh_samples ? 0 : cohort.size();
  for (auto client : cohort)
    total_ += common_.weigh_samples ? clients_[client].samples : 0;
  for (auto client : cohort)
    hand_out(client, share_of(client), out);
}

// Once a round. Whoever is in it already has what its slowest lack.
void fedavg::back_up(decisions& out) {
  if (backed_ || backups_ == 0 ||
      buffered_ + backups_ < std::max(size_.wanted, needed()))
    return;
  std::vector<client_id> others;
  for (client_id i = 0; i < clients_.records().size(); ++i) {
    const auto* last = book_.find(clients_[i].lease);
    if (clients_.present(i) && !(last && last->round == round()))
      others.push_back(i);
  }
  backing_ = std::min<std::uint64_t>(backups_, others.size());
  backed_ = backing_ > 0;
  gpu::random_stream random{common_.seed, gpu::stream::select, round(), 1};
  for (auto client : draw_cohort(others, backing_, random))
    hand_out(client, share_of(client), out);
}

double fedavg::share_of(client_id client) const {
  const auto size =
      common_.weigh_samples ? clients_.records()[client].samples : 1;
  return gpu::on_weight_grid(
      static_cast<double>(size) / static_cast<double>(total_));
}

// What comes at that very moment is in time.
void fedavg::limit(std::span<const client_id> cohort, decisions& out) {
  over_.reset();
  send_by_ = {};
  auto time = deadline_.of(cohort);
  if (!time)
    return;
  time = std::min(*time, instant::max() - opened_ - duration{1});
  out.wake = over_ = opened_ + *time + duration{1};
  if (const auto part = deadline_.sends_after(*time))
    send_by_ = opened_ + *part;
}

void fedavg::hand_out(client_id client, double share, decisions& out) {
  const auto id = book_.open(client, version_, round(), share);
  clients_[client].lease = id;
  out.grants.push_back(
      {id, client, version_, share, 0, common_.lease_time, send_by_});
}

bool fedavg::end_lease(lease_id lease) {
  auto* x = book_.find_open(lease);
  if (!x)
    return false;
  book_.close(*x, lease_state::ended);
  return true;
}

double fedavg::weigh(const arrival& update, double share) {
  if (!normalises())
    return share;
  const auto amount =
      training::amount_of(update.steps, double{common_.work.momentum});
  amounts_.add(update.client, share, amount);
  return gpu::on_weight_grid(share / std::max(amount, 1.0));
}

void fedavg::settle(instant now, decisions& out) {
  assert(phase_ == phase::collecting);
  if (buffered_ >= enough(now))
    return publish(now, out);
  back_up(out);
  if (book_.outstanding() > 0)
    return;
  if (buffered_ >= needed())
    return publish(now, out);
  if (failed_ == size_.leased + backing_)
    return finish(ending::all_failed, out);
  skip(now, out);
}

void fedavg::publish(instant now, decisions& out) {
  phase_ = phase::publishing;
  const auto variate = variate_.step(version_, clients_.records().size());
  ++version_;
  ++closed_;
  book_.outdate(
      version_, lease_state::ended, [&](lease_id lease, const lease_entry& x) {
        out.revoked.push_back(lease);
        if (over_ && now >= *over_)
          out.overdue.push_back(lease);
        deadline_.took(x.client, now - opened_);
        chooser_.gave_up(x.client, now - opened_);
      });
  chooser_.close(closed_);
  accepted_ += buffered_;
  out.publish = publication{version_, closed_, buffered_,
      normalises() ? amounts_.value() : 1.0, variate};
  buffered_ = 0;
}

void fedavg::skip(instant now, decisions& out) {
  out.skipped.push_back({round(), buffered_, needed()});
  book_.annul(round());
  buffered_ = 0;
  chooser_.close(++closed_);
  open_round(now, out);
}

void fedavg::finish(ending how, decisions& out) {
  phase_ = how == ending::starved ? phase::waiting : phase::ended;
  out.end = how;
}

} // namespace troupe::federated
