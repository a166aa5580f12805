#include "tests/protocols/federated/witness.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

#include "gpu/aggregation/accumulator.hpp"

namespace troupe::federated {

std::uint64_t promise::needed() const noexcept {
  return std::max<std::uint64_t>(1, common.min_updates);
}

std::uint64_t promise::samples(client_id client) const noexcept {
  return 1 + client * client % 7;
}

witness::witness(promise what)
    : promise_(what),
      there_(what.clients),
      out_(what.clients),
      leased_in_(what.clients),
      failed_(what.clients) {}

template <class... Parts>
void witness::breach(const Parts&... parts) {
  if (!violation_.empty())
    return;
  std::ostringstream text;
  text << "round " << round() << ", version " << version_ << ": ";
  (text << ... << parts);
  violation_ = text.str();
}

// -- what happens to the rule -------------------------------------------------

void witness::joins(client_id client) {
  there_[client] = true;
}

void witness::leaves(client_id client) {
  there_[client] = false;
  if (out_[client] == 0)
    return;
  for (auto& x : leases_)
    if (x.client == client && x.state == lease_state::open)
      departed_.push_back(x.id);
}

void witness::fails(lease_id id) {
  if (auto* x = find_open(id)) {
    close(*x, lease_state::ended);
    ++failures_;
    failed_[x->client] = true;
  }
}

void witness::requeues(lease_id id) {
  if (auto* x = find_open(id)) {
    close(*x, lease_state::ended);
    leased_in_[x->client] = 0;
  }
}

void witness::retracts(lease_id id) {
  auto* x = find(id);
  if (!x || x->state != lease_state::accepted)
    return;
  x->state = lease_state::ended;
  if (x->round != round()) {
    --published_;
    return;
  }
  --counted_;
  shares_ = NAN; // its share is gone, and was not written down
  rates_ = counted_ > 0 ? NAN : 0.0;
  ++failures_;
  failed_[x->client] = true;
}

bool witness::may_be_retracted(lease_id id) {
  const auto* x = find(id);
  return x && (x->state != lease_state::accepted || x->round >= closed_);
}

void witness::publishes() {
  pending_ = false;
}

void witness::wakes() noexcept {
  wake_.reset();
  closes_ = true;
}

void witness::restarts(const durable& from, bool buffer_lost) {
  const bool lost = buffer_lost || promise_.rounds_are_synchronous;
  leases_.clear();
  open_ = failures_ = 0;
  version_ = from.version;
  closed_ = from.closed;
  published_ = from.published;
  counted_ = lost ? 0 : from.counted;
  shares_ = lost ? 0.0 : from.shares;
  rates_ = lost ? 0.0 : from.rates;
  spent_ = lost ? std::vector<client_id>{} : from.spent;
  std::ranges::fill(out_, 0);
  std::ranges::fill(leased_in_, 0);
  for (auto client : spent_)
    leased_in_[client] = round();
  std::fill(failed_.begin(), failed_.end(), false);
  begun_ = true;
  pending_ = false;
  drawn_ = 0;
  over_.reset();
  wake_.reset();
  times_.clear();
  // What is told from here on may be something else.
  if (chooser{promise_.choice}.remembers())
    cohorts_.erase(cohorts_.upper_bound(round()), cohorts_.end());
}

witness::durable witness::saved() const {
  return {version_, closed_, published_, counted_, shares_, rates_, spent_};
}

// -- what the rule says -------------------------------------------------------

void witness::judged(const arrival& update, const verdict& said) {
  auto* x = find(update.lease);
  const bool is_out = x && x->state == lease_state::open &&
                      x->client == update.client && x->base == update.base;
  const bool late = is_out && over() && counted_ >= promise_.needed();
  const bool valid = is_out && !late;
  closes_ = closes_ || is_out;
  if (is_out)
    take(*x);
  if (said.accepted() != valid)
    return breach("lease ", update.lease, " of client ", update.client,
        valid ? " does not count: " : " counts although it must not: ",
        to_string(said.why));
  if (late) {
    if (said.why != drop_reason::late)
      breach("what comes late is called ", to_string(said.why));
    return close(*x, lease_state::ended);
  }
  if (!valid) {
    const bool remembered = x && x->round >= closed_;
    if (remembered && x->client != update.client &&
        said.why != drop_reason::unknown)
      breach("another client's lease is called ", to_string(said.why));
    return;
  }
  const auto staleness = version_ - x->base;
  const auto discount = 1.0 / std::sqrt(1.0 + static_cast<double>(staleness));
  if (said.staleness != staleness)
    breach("an update that is ", staleness, " versions behind is taken for ",
        said.staleness);
  if (staleness == 0 && said.weight != said.share)
    breach("a fresh update loses weight");
  const auto mixes = promise_.mixing > 0.0;
  if (said.mix != mixes)
    breach(said.mix ? "mixes a model" : "adds a model's delta");
  if (said.weight !=
      (mixes ? said.share : gpu::on_weight_grid(said.share * discount)))
    breach("a weight of ", said.weight, " at staleness ", staleness);
  if (said.share != x->share)
    breach("a share of ", said.share, " instead of ", x->share);
  if (!promise_.rounds_are_synchronous && staleness > promise_.max_staleness)
    breach("an update counts that is too stale");
  close(*x, lease_state::accepted);
  x->round = round();
  if (leased_in_this_round(x->client))
    spent_.push_back(x->client);
  ++counted_;
  shares_ += said.share;
  rates_ += mixes ? promise_.mixing * discount : 1.0;
}

void witness::decided(const decisions& said, const figures& now) {
  if (said.wake)
    wake_ = said.wake;
  see_revoked(said.revoked);
  see_departed();
  see_closing(said);
  see_skipped(said.skipped);
  if (said.publish)
    see(*said.publish);
  see_grants(said.grants);
  if (said.end)
    see(*said.end);
  see_liveness();
  see(now);
}

void witness::see_revoked(const std::vector<lease_id>& revoked) {
  for (auto id : revoked) {
    auto* x = find_open(id);
    if (!x)
      return breach("lease ", id, " is revoked and was not out");
    close(*x, lease_state::ended);
    if (std::ranges::count(departed_, id) > 0)
      continue;
    given_up_.push_back(id);
    take(*x);
  }
}

// Whether a round closes as soon as it has to, and not before.
void witness::see_closing(const decisions& said) {
  const bool gave_up = !std::exchange(given_up_, {}).empty();
  const bool closes = std::exchange(closes_, false);
  if (!promise_.rounds_are_synchronous)
    return;
  if (gave_up && !said.publish)
    breach("revokes leases of a round that goes on");
  if (gave_up && counted_ < enough())
    breach("closes before its deadline with ", counted_, " updates");
  if (said.publish || !collecting() || open_ == 0)
    return;
  if (counted_ >= std::max(wanted_, promise_.needed()))
    breach("goes on with enough updates");
  if (closes && counted_ >= enough())
    breach("goes on though its deadline is over");
}

void witness::see_departed() {
  for (auto id : std::exchange(departed_, {}))
    if (find_open(id))
      return breach("lease ", id, " of a client that left is not revoked");
}

void witness::see_skipped(const std::vector<skipped_round>& skipped) {
  for (const auto& s : skipped) {
    if (s.round != round() || s.accepted != counted_ ||
        s.needed != promise_.needed())
      breach("skips round ", s.round, " with ", s.accepted, " of ", s.needed,
          " updates, but ", counted_, " counted");
    if (counted_ >= promise_.needed() || open_ > 0)
      breach("skips a round that could go on");
    if (everyone_failed())
      breach("goes on though everyone failed");
    for (auto& x : leases_)
      if (x.round == round() && x.state == lease_state::accepted)
        x.state = lease_state::ended;
    close_round();
  }
}

void witness::see(const publication& what) {
  if (pending_)
    breach("asks for a version while another one is being made");
  if (what.version != version_ + 1)
    breach("version ", what.version, " follows");
  if (what.round != round())
    breach("publishes round ", what.round);
  if (what.updates != counted_)
    breach(what.updates, " updates are published and ", counted_, " counted");
  if (counted_ < promise_.needed())
    breach("publishes ", counted_, " of ", promise_.needed(), " updates");
  if (promise_.rounds_are_synchronous && open_ > 0)
    breach("publishes before every lease has ended");
  if (!promise_.rounds_are_synchronous && counted_ < promise_.buffer) {
    bool others = open_ > 0;
    for (client_id i = 0; i < promise_.clients; ++i)
      others = others || may_be_leased(i);
    if (others)
      breach("publishes ", counted_, " updates though others could come");
  }
  see_shares(what);
  see_scale(what);
  pending_ = true;
  ++version_;
  published_ += counted_;
  close_round();
}

void witness::see_shares(const publication& what) {
  const auto updates = static_cast<double>(what.updates);
  const auto bound = (updates + 1.0) * 0x1p-50;
  if (std::isnan(shares_))
    return;
  if (promise_.rounds_are_synchronous) {
    const bool whole = what.updates == cohort_;
    if (!others_.empty()) // they weigh what they have
      return;
    if (shares_ > 1.0 + bound || (whole && shares_ < 1.0 - bound))
      breach("the round's weights add up to ", shares_);
  } else if (!promise_.common.weigh_samples) {
    const auto expected = updates / static_cast<double>(promise_.buffer);
    if (std::abs(shares_ - expected) > bound)
      breach("shares add up to ", shares_, " instead of ", expected);
  } else if (shares_ > 7.0 * updates) {
    breach("shares add up to ", shares_);
  }
}

void witness::see_scale(const publication& what) {
  const auto expected = rates_ / static_cast<double>(what.updates);
  if (std::abs(what.scale - expected) > 1e-12) // never where none is known
    breach("a version is scaled by ", what.scale, " instead of ", expected);
}

void witness::see_grants(const std::vector<grant>& grants) {
  if (pending_ && !grants.empty())
    breach("leases a version that is still being made");
  if (promise_.rounds_are_synchronous && drawn_ != round() && !grants.empty())
    see_cohort(grants);
  else if (promise_.rounds_are_synchronous)
    see_backups(grants);
  for (const auto& g : grants)
    see(g);
}

void witness::see(const grant& g) {
  if (last_id_ && g.lease <= *last_id_)
    breach("lease id ", g.lease, " is used again");
  if (!there_[g.client])
    breach("leases to client ", g.client, ", which is not there");
  if (g.base != version_)
    breach("leases version ", g.base, " to client ", g.client);
  if (out_[g.client] > 0)
    breach("a second lease for client ", g.client);
  if (leased_in_this_round(g.client))
    breach("client ", g.client, " is leased twice in a round");
  last_id_ = g.lease;
  leased_in_[g.client] = round();
  failed_[g.client] = false;
  leases_.push_back({g.lease, g.client, g.base, round(), lease_state::open,
      share_of(g.client)});
  ++open_;
  ++out_[g.client];
}

// Whoever was in the round has lost a lease, and gets another one.
void witness::see_backups(const std::vector<grant>& grants) {
  std::vector<client_id> more;
  for (const auto& g : grants)
    if (!std::ranges::binary_search(cohorts_.at(round()).second, g.client) &&
        std::ranges::find(others_, g.client) == others_.end())
      more.push_back(g.client);
  if (more.empty())
    return;
  if (!others_.empty())
    breach("others are leased twice in a round");
  if (counted_ + promise_.backups < std::max(wanted_, promise_.needed()))
    breach("others are leased with ", counted_, " of ", wanted_, " updates");
  if (more.size() > promise_.backups)
    breach(more.size(), " others are leased");
  others_ = std::move(more);
}

// A round that runs again draws the same clients from the same.
void witness::see_cohort(const std::vector<grant>& grants) {
  const auto all = static_cast<double>(living());
  const auto wanted = std::max(1LL, std::llround(promise_.fraction * all));
  const auto leased = std::min(all,
      std::ceil(static_cast<double>(wanted) * promise_.over_select - 1e-9));
  drawn_ = round();
  wanted_ = static_cast<std::uint64_t>(wanted);
  opened_ = now_;
  ++opened_rounds_;
  over_.reset();
  if (const auto most = limit(grants))
    over_ = opened_ + *most + duration{1};
  cohort_ = grants.size();
  others_.clear();
  cohort_samples_ = 0;
  for (const auto& g : grants)
    cohort_samples_ += promise_.samples(g.client);
  if (grants.size() != static_cast<std::size_t>(leased))
    breach("a cohort of ", grants.size(), " instead of ", leased);
  std::vector<client_id> drawn;
  for (const auto& g : grants)
    drawn.push_back(g.client);
  std::ranges::sort(drawn);
  auto [before, fresh] = cohorts_.try_emplace(round(), there_, drawn);
  if (!fresh && before->second.first == there_ &&
      before->second.second != drawn)
    breach("another cohort when the round runs again");
  before->second = {there_, drawn};
}

void witness::see(ending how) {
  if (end_)
    breach("ends twice");
  end_ = how;
  const bool done = closed_ >= promise_.common.rounds;
  if (open_ > 0)
    breach("ends with leases out");
  if (done != (how == ending::completed))
    breach("ends as ", to_string(how), " after ", closed_, " rounds");
  if ((living() == 0 && !done) != (how == ending::starved))
    breach("ends as ", to_string(how), " with ", living(), " clients there");
  if ((how == ending::all_failed) !=
      (everyone_failed() && !done && living() > 0))
    breach("ends as ", to_string(how));
}

bool witness::everyone_failed() const {
  if (promise_.rounds_are_synchronous)
    return cohort_ > 0 && failures_ == cohort_ + others_.size();
  if (counted_ > 0)
    return false;
  for (client_id i = 0; i < promise_.clients; ++i)
    if (there_[i] && !(failed_[i] && leased_in_this_round(i)))
      return false;
  return true;
}

// What a lease to this client weighs now.
double witness::share_of(client_id client) const {
  const auto parts = static_cast<double>(promise_.buffer);
  const auto mine = static_cast<double>(promise_.samples(client));
  if (promise_.rounds_are_synchronous)
    return gpu::on_weight_grid(promise_.common.weigh_samples
                                   ? mine / static_cast<double>(cohort_samples_)
                                   : 1.0 / static_cast<double>(cohort_));
  if (!promise_.common.weigh_samples)
    return gpu::on_weight_grid(1.0 / parts);
  std::uint64_t all = 0;
  for (client_id i = 0; i < promise_.clients; ++i)
    all += there_[i] ? promise_.samples(i) : 0;
  const auto mean = static_cast<double>(all) / static_cast<double>(living());
  return gpu::on_weight_grid(mine / mean / parts);
}

void witness::see_liveness() {
  if (!begun_ || end_ || pending_)
    return;
  if (open_ == 0)
    return breach("stalls: nothing is out");
  if (over_ && now_ < *over_ && (!wake_ || *wake_ > *over_))
    return breach("stalls: nobody wakes it at its deadline");
  if (promise_.rounds_are_synchronous)
    return;
  if (open_ > promise_.concurrency)
    breach(open_, " leases are out");
  for (client_id i = 0; i < promise_.clients; ++i)
    if (open_ < promise_.concurrency && may_be_leased(i))
      breach("client ", i, " could be leased");
}

void witness::see(const figures& now) {
  if (now.version != version_)
    breach("the rule speaks of version ", now.version);
  if (now.outstanding != open_)
    breach("the rule speaks of ", now.outstanding, " leases, out are ", open_);
  if (now.accepted != published_)
    breach("the rule speaks of ", now.accepted, " updates, published are ",
        published_);
  if (now.buffered != counted_)
    breach("the rule speaks of ", now.buffered, " updates in the buffer, ",
        counted_, " counted");
  if (now.round != closed_ + (collecting() ? 1 : 0))
    breach("the rule speaks of round ", now.round);
}

// -- books --------------------------------------------------------------------

void witness::close(lease& x, lease_state how) {
  x.state = how;
  --open_;
  --out_[x.client];
}

// How many updates the open round goes on for.
std::uint64_t witness::enough() const noexcept {
  return over() ? promise_.needed() : std::max(wanted_, promise_.needed());
}

bool witness::over() const noexcept {
  return over_ && now_ >= *over_;
}

void witness::take(const lease& x) {
  times_.push_back({opened_rounds_, x.client, now_ - opened_});
}

std::optional<duration> witness::limit(const std::vector<grant>& grants) const {
  if (promise_.limit > duration{})
    return promise_.limit;
  std::vector<duration> all;
  for (const auto& x : times_)
    if (x.round + 8 >= opened_rounds_)
      all.push_back(x.took);
  if (promise_.spread == 0.0 || all.empty())
    return std::nullopt;
  duration result{};
  for (const auto& g : grants) {
    std::vector<duration> own;
    for (const auto& x : times_)
      if (x.client == g.client)
        own.push_back(x.took);
    if (own.size() > 8)
      own.erase(own.begin(), own.end() - 8);
    result = std::max(result, limit_of(own.size() < 3 ? all : own));
  }
  return result;
}

duration witness::limit_of(std::vector<duration> times) const {
  const auto median = [](std::vector<duration>& of) {
    std::ranges::sort(of);
    const auto below = of[(of.size() - 1) / 2];
    return below + (of[of.size() / 2] - below) / 2;
  };
  const auto middle = median(times);
  for (auto& x : times)
    x = x < middle ? middle - x : x - middle;
  return middle +
         duration{static_cast<duration::rep>(
             promise_.spread * static_cast<double>(median(times).count()))};
}

void witness::close_round() {
  ++closed_;
  over_.reset();
  spent_.clear();
  counted_ = failures_ = 0;
  shares_ = rates_ = 0.0;
}

witness::lease* witness::find(lease_id id) {
  auto at = std::ranges::lower_bound(leases_, id, {}, &lease::id);
  return at != leases_.end() && at->id == id ? &*at : nullptr;
}

witness::lease* witness::find_open(lease_id id) {
  auto* x = find(id);
  return x && x->state == lease_state::open ? x : nullptr;
}

bool witness::leased_in_this_round(client_id client) const {
  return leased_in_[client] == round();
}

bool witness::may_be_leased(client_id client) const {
  return there_[client] && !leased_in_this_round(client) && out_[client] == 0;
}

std::uint64_t witness::living() const noexcept {
  return static_cast<std::uint64_t>(
      std::count(there_.begin(), there_.end(), true));
}

} // namespace troupe::federated
