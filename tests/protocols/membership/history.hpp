#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gpu/random.hpp"
#include "tests/protocols/membership/witness.hpp"

namespace troupe::membership {

/// One random life of a cluster: nodes boot, beat, crash, freeze, say goodbye
/// and come back over a network that loses, delays, repeats and reorders; an
/// operator drains them; impostors and misfits knock; the coordinator is saved,
/// loaded and restarted. A witness watches.
template <class Rule>
class history {
public:
  explicit history(std::uint64_t seed)
      : random_(seed, gpu::stream::user), here_(drawn()), witness_(here_) {
    static const std::vector<std::string> names = {"a", "b", "c", "", ""};
    nodes_.resize(2 + random_.below(4));
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      nodes_[i] = {names[i], secure_ ? "key-" + std::to_string(i) : "", 0};
  }

  /// The first breach, or nothing.
  std::string run(int events = 80) {
    for (; events > 0 && witness_.breach().empty(); --events)
      step();
    return witness_.breach();
  }
  const tally& seen() const noexcept { return witness_.seen(); }

private:
  enum class kind { knock, ready, beat, goodbye, closed };
  struct message {
    kind what = kind::beat;
    std::size_t node = 0;
    candidate who; // a knock; else its session alone
    ability able{};
  };
  struct node {
    std::string name;
    std::string key;
    session_id session = 0; // 0: it is down
  };

  options drawn() {
    secure_ = random_.below(2) == 0;
    options result{.version = "1", .configuration = "c0", .fingerprint = "cpu"};
    result.build = random_.below(2) == 0 ? "r1" : "";
    result.devices = random_.below(2) == 0 ? "cpu" : "cpu | gpu";
    if (random_.below(2) == 0)
      result.preparation = std::chrono::milliseconds{50 + random_.below(100)};
    result.any_fingerprint = random_.below(4) == 0;
    result.wanted = 1 + random_.below(3);
    result.silence = std::chrono::milliseconds{100 + random_.below(100)};
    result.most = random_.below(3) == 0 ? 2 : 4;
    result.remembered = random_.below(3) == 0 ? random_.below(4) : 10'000;
    return result;
  }

  void step() {
    if (const auto due = witness_.due(); due && *due <= now_ && one_in(2))
      return witness_.wake(now_);
    const auto draw = random_.below(1000);
    if (draw < 220)
      now_ += std::chrono::milliseconds{random_.below(one_in(12) ? 250 : 20)};
    else if (draw < 650)
      deliver();
    else if (draw < 900)
      act(random_.below(std::uint32_t(nodes_.size())));
    else if (draw < 930)
      witness_.drain(someone().name, now_);
    else if (draw < 955)
      witness_.knock(impostor(), now_);
    else if (draw < 970)
      witness_.knock(misfit(), now_);
    else if (draw < 980)
      witness_.wake(now_);
    else if (draw < 995)
      witness_.save_and_load();
    else if (draw < 998)
      restart();
    else
      witness_.close();
  }

  bool one_in(std::uint32_t n) { return random_.below(n) == 0; }
  node& someone() {
    return nodes_[random_.below(std::uint32_t(nodes_.size()))];
  }

  // Any message may be next, some are lost, and some come twice.
  void deliver() {
    if (flying_.empty())
      return;
    const auto at = random_.below(std::uint32_t(flying_.size()));
    const auto next = flying_[at];
    if (!one_in(5))
      flying_.erase(flying_.begin() + at);
    if (!one_in(15))
      receive(next);
  }

  void receive(const message& x) {
    const auto session = x.who.session;
    switch (x.what) {
    case kind::knock:
      return answer(x, witness_.knock(x.who, now_));
    case kind::ready:
      return witness_.ready(session, x.able, now_);
    case kind::beat:
      return witness_.heard(session, now_);
    case kind::goodbye:
      return witness_.left(session, now_);
    case kind::closed:
      return witness_.lost(session, now_);
    }
  }

  void answer(const message& knock, const verdict& said) {
    auto& x = nodes_[knock.node];
    if (said.admitted() && x.session == knock.who.session)
      x.name = said.name;
  }

  void act(std::uint32_t at) {
    auto& x = nodes_[at];
    if (x.session == 0)
      return dial(at);
    const auto draw = random_.below(10);
    if (draw < 4)
      send(kind::beat, at, x.session);
    else if (draw < 7)
      send(kind::ready, at, x.session);
    else if (draw < 8)
      dial(at); // before anybody noticed that the last one is gone
    else
      hang_up(at, draw == 8);
  }

  void dial(std::size_t at) {
    auto& x = nodes_[at];
    x.session = ++last_;
    flying_.push_back({kind::knock, at, fit(x), {}});
  }

  void hang_up(std::size_t at, bool politely) {
    auto& x = nodes_[at];
    if (politely)
      send(kind::goodbye, at, x.session);
    else if (!one_in(3))
      send(kind::closed, at, x.session);
    x.session = 0;
    if (one_in(3) && x.name.starts_with("node-"))
      x.name.clear();
  }

  void send(kind what, std::size_t at, session_id session) {
    message next{what, at, {}, able()};
    next.who.session = session;
    flying_.push_back(next);
  }

  candidate fit(const node& x) {
    candidate result{x.name, x.key, x.session, "1", "r1", "c0", "cpu"};
    result.slots = random_.below(4);
    result.resident = one_in(2);
    return result;
  }

  ability able() {
    return {1 + random_.below(4), one_in(6)    ? "gpu"
                                  : one_in(10) ? "cpu | odd"
                                               : "cpu"};
  }

  candidate impostor() {
    auto result = fit(someone());
    result.key += "'";
    result.session = one_in(3) ? result.session : ++last_;
    return result;
  }

  candidate misfit() {
    auto result = fit(someone());
    result.session = ++last_;
    (one_in(4)      ? result.version
        : one_in(3) ? result.configuration
        : one_in(2) ? result.build
                    : result.fingerprint) += "'";
    if (one_in(2))
      result.lowerable = {"older", "cpu"};
    return result;
  }

  void restart() {
    flying_.clear();
    now_ = instant{};
    last_ = 0;
    for (auto& x : nodes_)
      x.session = 0;
    witness_.resume(++incarnation_, now_);
  }

  gpu::random_stream random_;
  bool secure_ = false; // drawn with the options
  options here_;
  witness<Rule> witness_;
  std::vector<node> nodes_;
  std::vector<message> flying_;
  instant now_{};
  session_id last_ = 0;
  std::uint64_t incarnation_ = 0;
};

} // namespace troupe::membership
