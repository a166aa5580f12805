#include "runtime/cluster/certificate_watch.hpp"

#include <algorithm>
#include <utility>

#include "runtime/cluster/tls.hpp"

namespace troupe::cluster {
namespace {

constexpr std::chrono::seconds between_looks{1};

} // namespace

shown_certificate shown_by(stream& of) {
  return {peer_serial(of), peer_expiry(of)};
}

certificate_watch::certificate_watch(
    asio::io_context& on, revocations revoked, verdict found)
    : revoked_(std::move(revoked)), found_(std::move(found)), timer_(on) {}

void certificate_watch::add(
    const std::shared_ptr<line>& with, shown_certificate of) {
  if (of.serial.empty())
    return;
  sessions_.push_back({with, std::move(of)});
  if (sessions_.size() == 1)
    look_later();
}

void certificate_watch::look_later() {
  timer_.expires_after(between_looks);
  timer_.async_wait([this](network_error error) {
    if (!error)
      look();
  });
}

// Of a session with a fault no more is said.
void certificate_watch::look() {
  std::erase_if(sessions_, [this](const session& each) {
    const auto with = each.with.lock();
    if (!with || with->is_over())
      return true;
    const auto fault = fault_of(each.of);
    if (!fault.empty())
      found_(*with, fault);
    return !fault.empty();
  });
  if (!sessions_.empty())
    look_later();
}

std::string certificate_watch::fault_of(const shown_certificate& one) const {
  if (revoked_(one.serial))
    return "is revoked";
  return now() >= one.until ? "has expired" : "";
}

} // namespace troupe::cluster
