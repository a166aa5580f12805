#include "runtime/cluster/certificates.hpp"

#include "runtime/cluster/revocations.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <unistd.h>

namespace troupe::cluster::certificates {

namespace {

namespace fs = std::filesystem;
using std::chrono::days;

constexpr auto authority_lasts = days{3650};

struct place {
  fs::path root;
  files& disk;

  fs::path ca() const { return root / "ca.pem"; }
  fs::path ca_key() const { return root / "ca.key"; }
  fs::path revoked() const { return root / "revoked.pem"; }
  fs::path index() const { return root / "index"; }
  fs::path shown(const std::string& name) const {
    return root / (name + ".pem");
  }
  fs::path key(const std::string& name) const { return root / (name + ".key"); }
};

directory_lock locked(const place& at) {
  if (auto held = at.disk.lock(at.root))
    return std::move(*held);
  throw certificate_error{
      fmt::format("{} is in use by another troupe process", at.root.string())};
}

void write(const place& at, const std::string& name, const credential& what) {
  at.disk.write_atomically(at.key(name), pem(*what.key), file_access::secret);
  at.disk.write_atomically(at.shown(name), pem(*what.shown));
}

credential authority_of(const place& at) {
  if (!files::exists(at.ca()))
    throw certificate_error{
        fmt::format("{} holds no certificate authority; `troupe certs init {}` "
                    "makes one",
            at.root.string(), at.root.string())};
  credential result{std::move(certificates_in(at.disk, at.ca()).front()),
      key_in(at.disk, at.ca_key())};
  if (X509_check_private_key(result.shown.get(), result.key.get()) != 1)
    throw tls_error{fmt::format(
        "{} is not the key of {}", at.ca_key().string(), at.ca().string())};
  if (expiry_of(*result.shown) <= now())
    throw certificate_error{
        fmt::format("{} has expired; make another authority in a new directory",
            at.ca().string())};
  return result;
}

std::vector<issued> issued_in(const place& at) {
  auto result = read_index(at.disk, at.index());
  auto taken_back = serials_in(*revocations_in(at.disk, at.revoked()).front());
  for (auto& each : result)
    each.revoked = taken_back.contains(each.serial);
  return result;
}

std::vector<issued> of(const std::string& name, std::vector<issued> all) {
  std::erase_if(all, [&](const issued& each) { return each.name != name; });
  return all;
}

std::string command(
    const place& at, std::string_view what, const std::string& name) {
  return fmt::format("`troupe certs {} {} {}`", what, at.root.string(), name);
}

void refuse_a_second(const place& at, const std::string& name,
    const std::vector<issued>& before, const terms& on) {
  if (before.empty())
    for (const auto& each : {at.shown(name), at.key(name)})
      if (files::exists(each))
        throw certificate_error{
            fmt::format("{} is there and was not issued here; move it away",
                each.string())};
  for (const auto& each : before)
    if (!on.renew && each.good(now()))
      throw certificate_error{
          fmt::format("{} has a certificate that is good until {}: {} takes it "
                      "back, --renew adds another",
              name, day_of(each.until), command(at, "revoke", name))};
}

void check(const std::string& name, const terms& on) {
  auto why = misnomer(name);
  for (const auto& each : on.hosts)
    if (why.empty())
      why = no_host(each);
  if (!why.empty())
    throw certificate_error{why};
}

std::vector<std::string> hosts_of_this_machine() {
  std::vector<std::string> result{"localhost", "127.0.0.1", "::1"};
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0 &&
      no_host(name.data()).empty())
    result.emplace_back(name.data());
  return result;
}

subject described(const std::string& name, const terms& on) {
  subject result{name, on.hosts, now() + days{on.days}};
  if (name == coordinator)
    for (auto& each : hosts_of_this_machine())
      result.hosts.push_back(std::move(each));
  return result;
}

// First the index: what it does not know could not be revoked.
issued issue_in(const place& at, const credential& authority,
    std::vector<issued> all, const subject& whose) {
  auto made = new_certificate(authority, whose);
  all.push_back(
      {serial_of(*made.shown), whose.name, expiry_of(*made.shown), false});
  write_index(at.disk, at.index(), all);
  write(at, whose.name, made);
  return all.back();
}

} // namespace

std::string misnomer(std::string_view name) {
  auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
  };
  if (name.empty() || name.size() > 64 || !letter(name.front()) ||
      !std::all_of(name.begin(), name.end(), [&](char c) {
        return letter(c) || c == '-' || c == '_' || c == '.';
      }))
    return fmt::format("{} is no name: letters, digits and -_. make one, 64 at "
                       "most, and a letter or digit begins it",
        name.empty() ? std::string_view{"\"\""} : name);
  if (name == "ca" || name == "revoked")
    return fmt::format("{} is a name of the authority's own", name);
  return {};
}

void init(const fs::path& directory, const std::vector<std::string>& hosts,
    files& disk) {
  place at{directory, disk};
  terms on{.hosts = hosts};
  check(std::string{coordinator}, on);
  disk.make_directories(directory);
  auto held = locked(at);
  for (const auto& each : {at.ca_key(), at.ca(), at.revoked(), at.index()})
    if (files::exists(each))
      throw certificate_error{fmt::format(
          "{} is there: an authority is never replaced; choose another "
          "directory",
          each.string())};
  auto name = std::string{coordinator};
  refuse_a_second(at, name, {}, on);
  auto authority = new_authority(now() + authority_lasts);
  write(at, "ca", authority);
  disk.write_atomically(
      at.revoked(), pem(*new_revocations(authority, nullptr, {})));
  issue_in(at, authority, {}, described(name, on));
}

issued issue(const fs::path& directory, const std::string& name,
    const terms& on, files& disk) {
  check(name, on);
  place at{directory, disk};
  auto held = locked(at);
  auto authority = authority_of(at);
  auto all = issued_in(at);
  refuse_a_second(at, name, of(name, all), on);
  return issue_in(at, authority, std::move(all), described(name, on));
}

std::vector<issued> revoke(
    const fs::path& directory, const std::string& name, files& disk) {
  place at{directory, disk};
  auto held = locked(at);
  auto authority = authority_of(at);
  auto all = of(name, issued_in(at));
  auto before = std::move(revocations_in(disk, at.revoked()).front());
  auto known = all.size();
  std::erase_if(all, [](const issued& each) { return each.revoked; });
  if (all.empty())
    throw certificate_error{fmt::format("{}: {} {}", at.index().string(), name,
        known == 0 ? "has no certificate" : "has none that is not revoked")};
  std::vector<std::string> serials;
  for (const auto& each : all)
    serials.push_back(each.serial);
  disk.write_atomically(
      at.revoked(), pem(*new_revocations(authority, before.get(), serials)));
  return all;
}

std::vector<issued> list(const fs::path& directory, files& disk) {
  return issued_in({directory, disk});
}

} // namespace troupe::cluster::certificates
