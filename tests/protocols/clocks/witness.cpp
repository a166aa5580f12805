#include "tests/protocols/clocks/witness.hpp"

#include <algorithm>
#include <sstream>

namespace troupe::clocks {

template <class... Parts>
void witness::expect(bool holds, const Parts&... parts) {
  if (holds || !breach_.empty())
    return;
  std::ostringstream text;
  (text << ... << parts);
  breach_ = text.str();
}

witness::person* witness::current(worker_id worker, life_id life) {
  const auto found = people_.find(worker);
  return found != people_.end() && found->second.lives &&
                 found->second.life == life
             ? &found->second
             : nullptr;
}

std::optional<step_id> witness::least() const {
  std::optional<step_id> result;
  for (const auto& [worker, x] : people_)
    if (x.lives)
      result = result ? std::min(*result, x.clock) : x.clock;
  return result;
}

bool witness::may_begin(step_id step) const {
  return std::ranges::all_of(people_, [&](const auto& each) {
    const auto& [worker, x] = each;
    return !x.lives || x.clock >= step || step - x.clock <= staleness_;
  });
}

// A join of one who lives is its death and a join.
void witness::joined(worker_id worker, const turn& said) {
  auto& x = people_[worker];
  if (x.lives) {
    x.lives = false;
    slowest_ = std::max(slowest_, least().value_or(slowest_));
  }
  const auto start = std::max(x.clock, slowest_);
  expect(said.worker == worker, "another worker is let in");
  expect(said.life > last_life_, "life ", said.life, " comes again");
  expect(said.step == start, "worker ", worker, " starts at ", said.step,
      " and not at ", start);
  last_life_ = std::max(last_life_, said.life);
  x = {true, false, false, said.life, start};
}

void witness::died(worker_id worker, life_id life, bool said) {
  auto* x = current(worker, life);
  expect(said == (x != nullptr), "the death of worker ", worker,
      said ? " is taken for news" : " is ignored");
  if (!x)
    return;
  *x = {false, false, false, life, x->clock};
  moves_ = true;
}

void witness::asked(const turn& what, drop_reason said) {
  auto* x = current(what.worker, what.life);
  const bool counts = x && x->clock == what.step && !x->asks && !x->runs;
  expect((said == drop_reason::none) == counts, "worker ", what.worker,
      counts ? " asks in vain" : " is heard though it must not be");
  if (!counts)
    return;
  x->asks = true;
  moves_ = true;
  waits_ += may_begin(x->clock) ? 0 : 1;
}

void witness::finished(const turn& what, const verdict& said) {
  const auto name = [&] {
    return "step " + std::to_string(what.step) + " of worker " +
           std::to_string(what.worker);
  };
  const bool again = done_.contains({what.worker, what.step});
  auto* x = current(what.worker, what.life);
  const bool counts = x && x->runs && x->clock == what.step && !again;
  expect(!said.accepted() || !again, name(), " counts twice");
  expect(!said.accepted() || x, name(), " counts though that life is over");
  expect(!said.accepted() || counts, name(), " counts though nobody is in it");
  expect(said.accepted() || !counts, name(), " does not count");
  if (!said.accepted())
    return;
  expect(what.step >= slowest_, name(), " counts though it is closed");
  expect(said.number == updates_.size(), "numbers do not follow each other");
  updates_.push_back({what.worker, what.step});
  done_.emplace(what.worker, what.step);
  if (!x)
    return;
  *x = {true, false, false, x->life, what.step + 1};
  moves_ = true;
}

void witness::resumed() {
  for (auto& [worker, x] : people_)
    x.lives = x.asks = x.runs = false;
}

void witness::decided(
    const decisions& said, step_id slowest, std::uint64_t counted) {
  if (moves_)
    slowest_ = std::max(slowest_, least().value_or(slowest_));
  moves_ = false;
  expect(slowest == slowest_, "the slowest clock is ", slowest_, " and not ",
      slowest);
  expect(slowest_ == told_ || said.closed == slowest_, "it is not told that ",
      slowest_, " is closed");
  told_ = slowest_;
  expect(!said.closed || said.closed == slowest_, "what is closed is open");
  expect(counted == updates_.size(), counted, " updates count, it is said");
  for (const auto& each : said.begun)
    see(each);
  for (const auto& [worker, x] : people_)
    expect(!x.lives || !x.asks || !may_begin(x.clock), "worker ", worker,
        " waits for nobody");
}

void witness::see(const permission& what) {
  const auto [worker, life, step] = what.what;
  auto* x = current(worker, life);
  expect(x && x->asks, "worker ", worker, " begins unasked");
  if (!x || !x->asks)
    return;
  expect(step == x->clock, "worker ", worker, " begins step ", step,
      " and not ", x->clock);
  for (const auto& [other, y] : people_)
    expect(!y.lives || step <= y.clock || step - y.clock <= staleness_,
        "worker ", worker, " is too far ahead of ", other, ": ", step, ", ",
        y.clock);
  x->asks = false;
  x->runs = true;
  ++begun_;
  see_reads(what);
}

void witness::see_reads(const permission& what) {
  const auto& [who, sees] = what;
  const auto old = who.step - std::min(who.step, staleness_);
  expect(old <= slowest_, "a step is read that is not complete");
  bool early = false;
  for (std::uint64_t n = 0; n < updates_.size(); ++n) {
    const auto [worker, step] = updates_[n];
    const bool read = sees.reads(step, n);
    early = early || (read && step >= slowest_);
    expect(read || step >= old, "an old update is not read");
    expect(read || worker != who.worker, "an update of its own is not read");
    expect(read || staleness_ == 0, "an update that is in is not read");
    expect(!read || staleness_ > 0 || step < who.step,
        "an update of its own clock is read");
  }
  expect(sees.before <= updates_.size(), "a view waits for what will come");
  expect(sees.below <= slowest_, "a view is not complete");
  early_reads_ += early ? 1 : 0;
}

} // namespace troupe::clocks
