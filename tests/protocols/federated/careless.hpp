#pragma once

#include <cstdint>
#include <vector>

#include "gpu/random.hpp"
#include "protocols/federated/decides.hpp"
#include "protocols/federated/lease_book.hpp"

namespace troupe::federated {

/// A rule as no rule of ours is: it leases a client again as soon as it has
/// answered, and now and then skips a round while leases of it are out.
class careless {
public:
  careless() = default;
  explicit careless(settings common) : common_(common) {}

  void join(client_id client, std::uint64_t, instant, decisions& out) {
    if (client >= leases_.size())
      leases_.resize(client + 1, no_lease);
    there_.resize(leases_.size());
    there_[client] = true;
    lease_all(out);
  }
  void leave(client_id client, instant, decisions& out) {
    there_[client] = false;
    if (end_lease(leases_[client]))
      out.revoked.push_back(leases_[client]);
  }
  void begin(std::uint64_t incarnation, instant, decisions& out) {
    book_.restart(first_lease(incarnation));
    random_ = gpu::random_stream{common_.seed, gpu::stream::user, incarnation};
    collects_ = true;
    lease_all(out);
  }
  verdict arrive(const arrival& update, instant, decisions& out) {
    verdict v{.why = book_.reason_to_drop(update)};
    if (!v.accepted())
      return v;
    auto& lease = *book_.find(update.lease);
    book_.close(lease, lease_state::accepted);
    lease.round = round_;
    v.weight = v.share = lease.share;
    ++buffered_;
    if (random_.below(4) == 0)
      skip(out);
    else if (random_.below(3) == 0)
      publish(out);
    lease_all(out);
    return v;
  }
  void fail(lease_id lease, instant, decisions& out) {
    end_lease(lease);
    lease_all(out);
  }
  void requeue(lease_id lease, instant, decisions& out) {
    end_lease(lease);
    lease_all(out);
  }
  void retract(lease_id lease, instant, decisions&) {
    auto* x = book_.find(lease);
    if (!x || x->state != lease_state::accepted)
      return;
    x->state = lease_state::ended;
    --(x->round == round_ ? buffered_ : accepted_);
  }
  void published(instant, decisions& out) {
    collects_ = version_ < common_.rounds;
    if (!collects_)
      out.end = ending::completed;
    lease_all(out);
  }
  void wake(instant, decisions&) {}
  void discard() noexcept {}

  version_id version() const noexcept { return version_; }
  std::uint64_t round() const noexcept { return round_; }
  std::uint64_t accepted() const noexcept { return accepted_; }
  std::uint64_t buffered() const noexcept { return buffered_; }
  std::uint64_t outstanding() const noexcept { return book_.outstanding(); }
  double share(lease_id lease) noexcept {
    const auto* x = book_.find_open(lease);
    return x ? x->share : 0.0;
  }
  const settings& common() const noexcept { return common_; }
  void rounds(std::uint64_t total) noexcept { common_.rounds = total; }

  template <class Inspector>
  friend bool inspect(Inspector& f, careless& x) {
    if constexpr (Inspector::is_loading)
      x = careless{};
    return f.object(x).fields(f.field("common", x.common_),
        f.field("version", x.version_), f.field("round", x.round_),
        f.field("accepted", x.accepted_));
  }

private:
  bool end_lease(lease_id lease) {
    auto* x = book_.find_open(lease);
    if (x)
      book_.close(*x, lease_state::ended);
    return x != nullptr;
  }
  void lease_all(decisions& out) {
    for (client_id c = 0; collects_ && c < leases_.size(); ++c)
      if (there_[c] && !book_.find_open(leases_[c])) {
        leases_[c] = book_.open(c, version_, round_, 0.125);
        out.grants.push_back({leases_[c], c, version_, 0.125, 0, {}});
      }
  }
  void skip(decisions& out) {
    out.skipped.push_back({round_, buffered_, buffered_ + 1});
    book_.annul(round_++);
    buffered_ = 0;
  }
  void publish(decisions& out) {
    accepted_ += buffered_;
    out.publish = publication{++version_, round_++, buffered_};
    buffered_ = 0;
    collects_ = false;
  }

  settings common_;
  version_id version_ = 0;
  std::uint64_t round_ = 1;
  std::uint64_t accepted_ = 0;
  std::uint64_t buffered_ = 0;
  bool collects_ = false;
  lease_book book_;
  std::vector<lease_id> leases_; // the last one, by client
  std::vector<bool> there_;
  gpu::random_stream random_{0};
};

static_assert(decides<careless>);

} // namespace troupe::federated
