#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gpu/random.hpp"
#include "protocols/placement/desk.hpp"

namespace troupe::placement {

using namespace std::chrono_literals;

/// One life of a desk in a random world: clients answer late or never, slots
/// are lost, return and die, residents come with slots of their own and go.
/// run() says the first promise that was broken; nothing if all were kept.
template <class Desk>
class desk_history {
public:
  explicit desk_history(std::uint64_t seed)
      : random_(seed, gpu::stream::user, 9), desk_(draw()) {}

  std::string run() {
    const auto steps = random_.below(300);
    for (std::uint32_t i = 0; i < steps && broken_.empty(); ++i)
      step();
    if (broken_.empty())
      finish();
    return broken_;
  }

private:
  struct seated {
    slot_id slot = 0;
    client_id client = 0;
    duration allowed{};
    instant since{};
    bool revoked = false;
  };

  desk_options draw() {
    desk_options result;
    const auto slots = 1 + random_.below(4);
    for (std::uint32_t i = 0; i < slots; ++i)
      result.slots.push_back(random_.below(3) == 0 ? gpu::device_kind::cuda
                                                   : gpu::device_kind::cpu);
    std::vector<share> shares;
    for (auto kind : {gpu::device_kind::cpu, gpu::device_kind::cuda})
      if (auto n = std::ranges::count(result.slots, kind); n > 0)
        shares.push_back({kind, static_cast<std::uint64_t>(n)});
    result.kinds = {random_.below(100), std::move(shares)};
    result.depth = 1 + random_.below(4);
    result.adding = 1 + random_.below(3);
    result.part_time = random_.below(2) == 0 ? duration{} : 20s;
    result.stop_grace = 2s;
    turns_.assign(slots, 0);
    options_ = result;
    return result;
  }

  void step() {
    now_ += std::chrono::milliseconds{random_.below(700)};
    switch (random_.below(8)) {
    case 0:
    case 1:
      wait();
      break;
    case 2:
    case 3:
      answer_one();
      break;
    case 4:
      revoke_one();
      break;
    case 5:
      if (random_.below(12) == 0)
        die();
      else if (random_.below(3) == 0)
        depart();
      break;
    case 6:
      elsewhere_ = random_.below(3);
      if (random_.below(4) == 0)
        house();
      else if (random_.below(6) == 0)
        evict();
      break;
    default:
      break;
    }
    look_after();
    seat_all();
  }

  void wait() {
    const auto client =
        residents_.empty() || random_.below(3) > 0
            ? random_.below(20)
            : *std::next(residents_.begin(),
                  random_.below(static_cast<std::uint32_t>(residents_.size())));
    const auto allowed = random_.below(3) == 0 ? duration{} : duration{5s};
    waiting_.insert(next_);
    allowed_[next_] = allowed;
    desk_.wait({.lease = next_++, .client = client, .allowed = allowed}, {});
  }

  void seat_all() {
    while (auto seat = desk_.next(elsewhere_, now_)) {
      const auto lease = seat->grant.lease;
      expect(waiting_.erase(lease) == 1,
          fmt::format("seats lease {}, which does not wait", lease));
      expect(!gone_.contains(seat->slot), "seats one at a slot that is gone");
      expect(seat->turn == turns_[seat->slot]++, "takes turns out of order");
      const auto home = homes_.find(seat->slot);
      if (residents_.contains(seat->grant.client))
        expect(home != homes_.end() && home->second == seat->grant.client,
            "seats a resident away from home");
      else if (home != homes_.end())
        expect(false, "seats one at another's home");
      else
        expect(options_.slots[seat->slot] ==
                   options_.kinds.kind_of(seat->grant.client),
            "seats one at another kind of device");
      seated_[lease] = {
          seat->slot, seat->grant.client, allowed_.at(lease), now_, false};
      expect(seated_.size() + elsewhere_ <=
                 options_.depth * desk_.alive() + options_.adding,
          "has more under way than there is room for");
      expect(at(seat->slot) <= std::max<std::size_t>(options_.depth, 1),
          "gives a slot more than its credits");
    }
    expect(desk_.held() == seated_.size(), "loses count");
  }

  std::size_t at(slot_id slot) const {
    return static_cast<std::size_t>(std::ranges::count_if(seated_,
        [slot](const auto& entry) { return entry.second.slot == slot; }));
  }

  void answer_one() {
    if (seated_.empty() || random_.below(4) == 0)
      return answer_late();
    auto chosen = std::next(seated_.begin(),
        static_cast<std::ptrdiff_t>(
            random_.below(static_cast<std::uint32_t>(seated_.size()))));
    expect(desk_.answered(chosen->first, std::nullopt, now_).known,
        "does not know a lease that it gave out");
    deaths_.erase(chosen->second.client);
    seated_.erase(chosen);
  }

  void answer_late() {
    if (lost_.empty())
      return;
    const auto [lease, slot] = *lost_.begin();
    lost_.erase(lost_.begin());
    const auto answer = desk_.answered(lease, std::nullopt, now_);
    expect(!answer.known, "takes a lease for one that is there");
    if (answer.returned) {
      expect(gone_.erase(slot) == 1 && !dead_.contains(slot),
          "has a slot back that is not lost");
    }
  }

  void revoke_one() {
    const auto lease = random_.below(static_cast<std::uint32_t>(next_ + 1));
    desk_.revoke(lease, now_);
    waiting_.erase(lease);
    if (auto found = seated_.find(lease); found != seated_.end()) {
      found->second.revoked = true;
      hear();
      expect(stopped_.contains(lease), "revokes without a word");
    }
  }

  void hear() {
    for (const auto& each : desk_.take_stopping()) {
      expect(stopped_.insert(each.lease).second, "says it twice");
      const auto found = seated_.find(each.lease);
      expect(found != seated_.end() && found->second.client == each.client,
          "stops a lease that is at no slot");
    }
  }

  void look_after() {
    const auto due = desk_.due();
    for (const auto& each : desk_.late(now_)) {
      expect(due && *due <= now_, "is late without having said when");
      auto& x = seated_.at(each.of.lease);
      if (each.what == overdue::kind::lease) {
        expect(
            !x.revoked && x.allowed.count() > 0 && now_ - x.since >= x.allowed,
            "blames a client before its time");
        desk_.revoke(each.of.lease, now_);
        x.revoked = true;
        hear();
        expect(stopped_.contains(each.of.lease), "revokes without a word");
      } else {
        expect(x.revoked, "loses a slot that was not to stop");
        take(desk_.lose(each.of.slot, "deaf", now_), each.of.slot);
        lost_[each.of.lease] = each.of.slot;
      }
    }
    for (const auto& each : desk_.deserted(now_))
      expect(desk_.alive(each.kind) == 0, "gives up a kind that has slots");
  }

  void die() {
    const auto slot =
        random_.below(static_cast<std::uint32_t>(options_.slots.size()));
    dead_.insert(slot);
    take(desk_.die(slot), slot);
  }

  // A slot of a node comes, and goes with it.
  void depart() {
    const auto slot = desk_.add(gpu::device_kind::cpu);
    options_.slots.push_back(gpu::device_kind::cpu);
    turns_.push_back(0);
    wait();
    seat_all();
    dead_.insert(slot);
    const auto lost = random_.below(2) == 0;
    const auto all = desk_.depart(slot, lost);
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto& deaths = deaths_[all[i].at.grant.client];
      deaths += lost && i == 0;
      expect(all[i].poisonous == (lost && i == 0 && deaths >= 3),
          "blames the wrong one");
    }
    expect(desk_.has_left(slot), "keeps a slot whose node is gone");
    take(all, slot);
  }

  // A resident's node comes, with a device of any kind.
  void house() {
    const auto kind =
        random_.below(2) == 0 ? gpu::device_kind::cpu : gpu::device_kind::cuda;
    const client_id client = 100 + random_.below(3);
    const auto slot = desk_.add(kind, client);
    options_.slots.push_back(kind);
    turns_.push_back(0);
    residents_.insert(client);
    homes_[slot] = client;
    wait();
  }

  void evict() {
    if (homes_.empty())
      return;
    const auto slot = homes_.begin()->first;
    const auto all = desk_.depart(slot, true);
    for (const auto& each : all)
      expect(!each.poisonous, "blames a resident for its node");
    dead_.insert(slot);
    take(all, slot);
    homes_.erase(slot);
  }

  void take(const std::vector<left_over>& all, slot_id slot) {
    gone_.insert(slot);
    expect(all.size() == at(slot), "leaves a lease at a slot that is gone");
    hear();
    for (const auto& [what, open, poisonous] : all) {
      const auto found = seated_.find(what.grant.lease);
      if (found == seated_.end())
        return expect(false, "leaves over what nobody held");
      expect(open != found->second.revoked, "mistakes one that was to stop");
      expect(stopped_.contains(what.grant.lease), "leaves one without a word");
      seated_.erase(found);
    }
  }

  void finish() {
    desk_.close(1s, now_);
    expect(!desk_.next(0, now_), "seats one after the end");
    hear();
    for (const auto& [lease, x] : seated_)
      expect(stopped_.contains(lease), "ends without a word");
    for (int i = 0; i < 200 && desk_.held() > 0; ++i) {
      now_ += 500ms;
      for (const auto& each : desk_.late(now_))
        desk_.lose(each.of.slot, "deaf", now_);
    }
    expect(desk_.held() == 0, "never ends");
  }

  void expect(bool kept, const std::string& else_says) {
    if (!kept && broken_.empty())
      broken_ = else_says;
  }

  gpu::random_stream random_;
  desk_options options_;
  std::vector<std::uint64_t> turns_;
  Desk desk_;
  instant now_{};
  std::size_t elsewhere_ = 0;
  lease_id next_ = 0;
  std::set<lease_id> waiting_;
  std::map<lease_id, duration> allowed_; // as it was granted
  std::map<lease_id, seated> seated_;
  std::set<lease_id> stopped_;       // as it said
  std::map<lease_id, slot_id> lost_; // with which it was lost
  std::set<slot_id> gone_;
  std::set<slot_id> dead_;
  std::map<client_id, int> deaths_; // of nodes that trained it
  std::set<client_id> residents_;
  std::map<slot_id, client_id> homes_; // where they are alone
  std::string broken_;
};

} // namespace troupe::placement
