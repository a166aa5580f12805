#include "runtime/cluster/node_watch.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "monitoring/process_figures.hpp"

namespace troupe::cluster {

/// The coordinator, as the host speaks with it, seen on the way.
class node_watch::passing : public peer {
public:
  passing(shared_peer to, std::shared_ptr<node_watch> by)
      : to_(std::move(to)), by_(std::move(by)) {}

  void call(const std::string& name) override { to_->call(name); }
  bool send(const frame& what) override {
    if (const auto* x = std::get_if<update>(&what))
      by_->see(*x);
    else if (const auto* y = std::get_if<failure>(&what))
      by_->see(*y);
    return to_->send(what);
  }
  void took() noexcept override { to_->took(); }
  void close(const std::string& why) override { to_->close(why); }
  void expel(const std::string& why) override { to_->expel(why); }
  bool takes_along(const gpu::buffer& what) const override {
    return to_->takes_along(what);
  }
  tensor lend(gpu::shared_buffer what) override {
    return to_->lend(std::move(what));
  }
  void take_back(tensor_id what) override { to_->take_back(what); }
  void fetch(const tensor& what) override { to_->fetch(what); }

private:
  shared_peer to_;
  std::shared_ptr<node_watch> by_;
};

node_watch::node_watch(const std::string& metrics, double silence) {
  if (metrics.empty())
    return;
  wires_ = std::make_shared<monitoring::wire_figures>(silence);
  monitoring::collectables served{
      figures_.collectable(), monitoring::process_figures()};
  std::ranges::move(wires_->all(), std::back_inserter(served));
  exposer_.emplace(monitoring::endpoint::parse(metrics), std::move(served));
}

std::string node_watch::address() const {
  return exposer_ ? exposer_->where().text() : std::string{};
}

std::string node_watch::url() const {
  return exposer_ ? exposer_->url() : std::string{};
}

shared_peer node_watch::begin(shared_peer coordinator, std::size_t slots) {
  {
    std::lock_guard lock{guard_};
    at_.clear();
    held_.assign(slots, 0);
    show_slots();
  }
  figures_.session_begun();
  coordinator->call("coordinator");
  return std::make_shared<passing>(std::move(coordinator), shared_from_this());
}

line::ears node_watch::hears(line::ears whom) {
  whom.said = [by = shared_from_this(), said = std::move(whom.said)](
                  frame&& what) {
    if (const auto* x = std::get_if<seated>(&what))
      by->see(*x);
    said(std::move(what));
  };
  return whom;
}

void node_watch::end(bool lost) {
  figures_.session_over(lost);
  figures_.is(link::dialling);
  std::lock_guard lock{guard_};
  at_.clear();
  std::ranges::fill(held_, 0);
  show_slots();
}

void node_watch::see(const seated& what) {
  std::lock_guard lock{guard_};
  if (what.lane >= held_.size() ||
      !at_.emplace(what.what.lease, what.lane).second)
    return;
  ++held_[what.lane];
  show_slots();
}

// What is said again of a lease says nothing new.
bool node_watch::see_end(lease_id lease) {
  std::lock_guard lock{guard_};
  const auto at = at_.extract(lease);
  if (!at)
    return false;
  --held_[at.mapped()];
  show_slots();
  return true;
}

void node_watch::see(const update& what) {
  if (see_end(what.result.lease))
    figures_.trained(what.result.outcome.samples, what.result.seconds);
}

void node_watch::see(const failure& what) {
  if (see_end(what.lease))
    figures_.failed();
}

void node_watch::show_slots() {
  const auto idle =
      static_cast<std::size_t>(std::ranges::count(held_, std::size_t{0}));
  figures_.slots(held_.size() - idle, held_.size());
}

} // namespace troupe::cluster
