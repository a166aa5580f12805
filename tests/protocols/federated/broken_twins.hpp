#pragma once

#include <cmath>
#include <map>
#include <utility>

#include "gpu/aggregation/accumulator.hpp"
#include "protocols/federated/fedasync.hpp"
#include "protocols/federated/fedavg.hpp"
#include "protocols/federated/fedbuff.hpp"

/// Rules with one fault each, as others have made them. The witness of the
/// property tests has to find every one.
namespace troupe::federated::broken {

/// A second copy of an update counts once more.
template <class Rule>
struct counts_twice : Rule {
  using Rule::Rule;

  verdict arrive(const arrival& update, instant now, decisions& out) {
    auto v = Rule::arrive(update, now, out);
    if (v.why == drop_reason::duplicate)
      v = {drop_reason::none, last_, last_, 0, v.mix};
    last_ = v.weight;
    return v;
  }

private:
  double last_ = 1.0;
};

/// Staleness is taken after the update has moved the version.
struct takes_staleness_late : fedbuff {
  using fedbuff::fedbuff;

  verdict arrive(const arrival& update, instant now, decisions& out) {
    auto v = fedbuff::arrive(update, now, out);
    if (v.accepted() && out.publish) {
      ++v.staleness;
      v.weight = gpu::on_weight_grid(
          v.share / std::sqrt(1.0 + static_cast<double>(v.staleness)));
    }
    return v;
  }
};

/// The newest update's rate is the version's, whoever else is in it.
struct forgets_earlier_rates : fedasync {
  forgets_earlier_rates() = default;
  forgets_earlier_rates(settings common, double mixing,
      staleness_function trust, std::uint64_t concurrency,
      std::uint64_t max_staleness)
      : fedasync(common, mixing, trust, concurrency, max_staleness),
        mixing_(mixing),
        trust_(trust) {}

  verdict arrive(const arrival& update, instant now, decisions& out) {
    auto v = fedasync::arrive(update, now, out);
    if (v.accepted())
      last_ = mixing_ * trust_(v.staleness);
    return v;
  }
  void published(instant now, decisions& out) {
    fedasync::published(now, out);
    if (out.publish)
      out.publish->scale = last_;
  }

private:
  double mixing_ = 1.0;
  staleness_function trust_;
  double last_ = 1.0;
};

/// A model is not mixed: what its client learned is added.
struct adds_deltas : fedasync {
  using fedasync::fedasync;

  verdict arrive(const arrival& update, instant now, decisions& out) {
    auto v = fedasync::arrive(update, now, out);
    v.mix = false;
    return v;
  }
};

/// Waits for a full buffer, whoever is left to fill it.
struct never_fills : fedbuff {
  never_fills() = default;
  never_fills(settings common, std::uint64_t buffer, std::uint64_t concurrency,
      std::uint64_t max_staleness)
      : fedbuff(common, buffer, concurrency, max_staleness), buffer_(buffer) {}

  verdict arrive(const arrival& update, instant now, decisions& out) {
    auto v = fedbuff::arrive(update, now, out);
    hold_back(out);
    return v;
  }
  void fail(lease_id lease, instant now, decisions& out) {
    fedbuff::fail(lease, now, out);
    hold_back(out);
  }
  void leave(client_id client, instant now, decisions& out) {
    fedbuff::leave(client, now, out);
    hold_back(out);
  }

private:
  void hold_back(decisions& out) {
    if (out.publish && out.publish->updates < buffer_)
      out.publish.reset();
  }

  std::uint64_t buffer_ = 1;
};

/// A client is handed the version that it began with for ever.
struct hands_out_old_versions : fedbuff {
  using fedbuff::fedbuff;

  verdict arrive(const arrival& update, instant now, decisions& out) {
    auto v = fedbuff::arrive(update, now, out);
    grow_old(out);
    return v;
  }
  void published(instant now, decisions& out) {
    fedbuff::published(now, out);
    grow_old(out);
  }

private:
  void grow_old(decisions& out) {
    for (auto& g : out.grants)
      g.base = first_.try_emplace(g.client, g.base).first->second;
  }

  std::map<client_id, version_id> first_;
};

/// A failed client is waited for.
template <class Rule>
struct hangs_on_failure : Rule {
  using Rule::Rule;

  void fail(lease_id, instant, decisions&) {}
};

/// What a departed client still sends counts.
template <class Rule>
struct counts_the_departed : Rule {
  using Rule::Rule;

  void leave(client_id, instant, decisions&) {}
};

/// Lease ids start from zero again after a restart.
template <class Rule>
struct forgets_incarnations : Rule {
  using Rule::Rule;

  void begin(std::uint64_t, instant now, decisions& out) {
    Rule::begin(0, now, out);
  }
};

/// One failed client ends the round for all.
struct gives_up_early : fedavg {
  using fedavg::fedavg;

  void fail(lease_id lease, instant now, decisions& out) {
    const auto before = outstanding();
    fedavg::fail(lease, now, out);
    if (outstanding() < before && !out.publish && !out.end)
      out.end = ending::all_failed;
  }
};

/// One more counts than a round wants.
struct counts_one_too_many : fedavg {
  using fedavg::fedavg;

  verdict arrive(const arrival& update, instant now, decisions& out) {
    auto v = fedavg::arrive(update, now, out);
    if (v.why == drop_reason::late && std::exchange(closed_, false))
      v = {drop_reason::none, last_, last_};
    if (v.accepted())
      last_ = v.weight;
    closed_ = closed_ || (out.publish && !out.revoked.empty());
    return v;
  }

private:
  double last_ = 1.0;
  bool closed_ = false;
};

/// Those who are not waited for any more are not told.
struct forgets_to_revoke : fedavg {
  using fedavg::fedavg;

  verdict arrive(const arrival& update, instant now, decisions& out) {
    auto v = fedavg::arrive(update, now, out);
    forget(out);
    return v;
  }
  void wake(instant now, decisions& out) {
    fedavg::wake(now, out);
    forget(out);
  }

private:
  static void forget(decisions& out) {
    if (out.publish)
      out.revoked.clear();
  }
};

/// Once woken too early, it sleeps for good.
struct sleeps_on : fedavg {
  using fedavg::fedavg;

  void wake(instant now, decisions& out) {
    fedavg::wake(now, out);
    out.wake.reset();
  }
};

/// What comes when the time is over counts until it is woken.
struct counts_until_woken : fedavg {
  using fedavg::fedavg;

  verdict arrive(const arrival& update, instant, decisions& out) {
    return fedavg::arrive(update, {}, out);
  }
};

} // namespace troupe::federated::broken
