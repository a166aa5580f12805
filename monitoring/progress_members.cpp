#include "monitoring/progress_line.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "monitoring/wording.hpp"

// What is said of clients, slots and nodes that come and go.

namespace troupe::monitoring {

void progress_line::on(const facts::slot_lost& f, remarks& out) {
  ++slots_lost_;
  auto why = one_line(f.why);
  if (why.empty()) {
    ledger_.end(f.client, f.lease);
    why = fmt::format(
        "client {} did not return after its stop token was set", f.client);
  }
  out.push_back(
      {fmt::format("slot {} lost: {}; {}", f.slot, why, slots_left()), true});
}

void progress_line::on(const facts::slot_returned& f, remarks& out) {
  slots_lost_ -= std::min<std::uint64_t>(slots_lost_, 1);
  out.push_back({fmt::format("slot {} is back; {}", f.slot, slots_left())});
}

void progress_line::on(const facts::client_joined& f, remarks& out) {
  ++run_.clients;
  if (!f.identity.empty())
    out.push_back({fmt::format("client {} has joined: {}, with {}", f.client,
        one_line(f.identity), counted(f.samples, "sample"))});
}

void progress_line::on(const facts::client_left& f, remarks& out) {
  run_.clients -= std::min<std::uint64_t>(run_.clients, 1);
  if (!f.why.empty())
    out.push_back(
        {fmt::format("client {} has left: {}", f.client, one_line(f.why))});
}

void progress_line::on(const facts::slot_joined& f, remarks& out) {
  run_.slots += f.count;
  out.push_back(
      {f.count == 1
              ? fmt::format("slot {} has joined; {}", f.slot, slots_left())
              : fmt::format("slots {} to {} have joined; {}", f.slot,
                    f.slot + f.count - 1, slots_left())});
}

void progress_line::on(const facts::slot_left& f, remarks& out) {
  run_.slots -= std::min<std::uint64_t>(run_.slots, 1);
  out.push_back({fmt::format("slot {} has left; {}", f.slot, slots_left())});
}

void progress_line::on(const facts::waiting& f, remarks& out) {
  if (run_.of_mesh())
    ranks_ = f.have;
  out.push_back(
      {fmt::format("waiting for {}: {} of {} are there{}{}", f.needs, f.have,
          f.wanted, f.whom.empty() ? "" : "; missing: ", one_line(f.whom))});
}

void progress_line::on(const facts::went_on& f, remarks& out) {
  out.push_back({fmt::format("going on: enough {} are there", f.needs)});
}

void progress_line::on(const facts::fingerprint_mixed& f, remarks& out) {
  out.push_back({fmt::format("node {} computes by another fingerprint, {}: no "
                             "bits are promised from here on",
                     one_line(f.node), one_line(f.fingerprint)),
      true});
}

void progress_line::on(const facts::node_joined& f, remarks& out) {
  out.push_back({fmt::format("node {} has joined{}{}, with {}",
      one_line(f.name), f.address.empty() ? "" : " from ", one_line(f.address),
      counted(f.slots, "slot"))});
}

void progress_line::on(const facts::node_left& f, remarks& out) {
  out.push_back({fmt::format("node {} {}{}{}", one_line(f.name),
      f.lost ? "is lost" : "has left", f.why.empty() ? "" : ": ",
      one_line(f.why))});
}

void progress_line::on(const facts::node_changed& f, remarks& out) {
  nodes_ = std::uint64_t{f.members} + f.draining;
  if (f.state == "draining")
    out.push_back({fmt::format(
        "node {} finishes what it has, and leaves", one_line(f.name))});
}

void progress_line::on(const facts::node_refused& f, remarks& out) {
  if (refused_.worth_saying())
    out.push_back({fmt::format("node {} is not let in: {}{}", one_line(f.name),
                       one_line(f.why), refused_.remainder()),
        true});
}

std::string progress_line::slots_left() const {
  const auto left = run_.slots - std::min(run_.slots, slots_lost_);
  return fmt::format("{} of {} left", left, counted(run_.slots, "slot"));
}

} // namespace troupe::monitoring
