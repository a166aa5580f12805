#include "runtime/cluster/tls_source.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

namespace troupe::cluster {

tls_source::tls_source(
    std::filesystem::path directory, const std::string& own_name, files& disk)
    : directory_(std::move(directory)),
      base_(own_name.empty() ? whose(directory_, disk) : own_name),
      disk_(disk),
      seen_(look()),
      trusted_(trusted_in(directory_, disk_)),
      own_(identity_in(directory_, base_, disk_)),
      own_name_(own_.name),
      tls_(tls_from(own_, trusted_)),
      revoked_(trusted_.revoked()) {
  if (auto why = fault_of(own_, trusted_); !why.empty())
    throw tls_error{fmt::format("{}: {}", own().string(), why)};
}

shared_tls tls_source::now() {
  std::lock_guard held{mutex_};
  refresh();
  return tls_;
}

bool tls_source::is_revoked(const std::string& serial) {
  std::lock_guard held{mutex_};
  refresh();
  return revoked_.contains(serial);
}

std::string tls_source::trouble() {
  std::lock_guard held{mutex_};
  refresh();
  return trouble_;
}

// A file that is replaced within one tick of the clock is another node.
tls_source::stamps tls_source::look() const {
  stamps result;
  for (const auto& name : {std::string{"ca.pem"}, std::string{"revoked.pem"},
           base_ + ".pem", base_ + ".key"}) {
    struct stat facts {};
    stamp one;
    if (::stat((directory_ / name).c_str(), &facts) == 0)
      one = {facts.st_mtim.tv_sec * 1'000'000'000 + facts.st_mtim.tv_nsec,
          static_cast<std::uint64_t>(facts.st_size), facts.st_ino};
    result.push_back(one);
  }
  return result;
}

void tls_source::take_trust() {
  auto found = trusted_in(directory_, disk_);
  tls_ = tls_from(own_, found);
  trusted_ = std::move(found);
  revoked_ = trusted_.revoked();
}

void tls_source::take_own() {
  auto found = identity_in(directory_, base_, disk_);
  auto why = found.name == own_name_
                 ? fault_of(found, trusted_)
                 : fmt::format("names {}; it named {} when this process began",
                       found.name, own_name_);
  if (!why.empty())
    throw tls_error{fmt::format("{}: {}", own().string(), why)};
  tls_ = tls_from(found, trusted_);
  own_ = std::move(found);
}

// Looks before it reads: what changes meanwhile is read again. A certificate
// of ours that went bad must not keep a revocation from being heard.
void tls_source::refresh() {
  auto found = look();
  if (found == seen_)
    return;
  seen_ = std::move(found);
  trouble_.clear();
  for (auto step : {&tls_source::take_trust, &tls_source::take_own})
    try {
      (this->*step)();
    } catch (const std::exception& error) {
      trouble_ +=
          fmt::format("{}{}", trouble_.empty() ? "" : "; ", error.what());
    }
}

} // namespace troupe::cluster
