#include "runtime/cluster/credentials.hpp"

#include "runtime/cluster/certificates.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/x509_vfy.h>

namespace troupe::cluster {

namespace {

namespace fs = std::filesystem;
using store = std::unique_ptr<X509_STORE, released_by<&X509_STORE_free>>;
void release(STACK_OF(X509) * borrowed) {
  sk_X509_free(borrowed);
}
using borrowed = std::unique_ptr<STACK_OF(X509), released_by<&release>>;
using verification =
    std::unique_ptr<X509_STORE_CTX, released_by<&X509_STORE_CTX_free>>;

bool signed_by(X509_CRL& list, const std::vector<certificate>& authorities) {
  return std::any_of(
      authorities.begin(), authorities.end(), [&](const certificate& each) {
        return X509_CRL_verify(&list, X509_get0_pubkey(each.get())) == 1;
      });
}

std::vector<std::string> names_in(const fs::path& directory, files& disk) {
  std::vector<std::string> result;
  for (const auto& file : disk.list(directory)) {
    fs::path path{file};
    auto name = path.stem().string();
    if (path.extension() == ".key" && name != "ca" &&
        files::exists(directory / (name + ".pem")))
      result.push_back(name);
  }
  return result;
}

} // namespace

std::set<std::string> trusted::revoked() const {
  std::set<std::string> result;
  for (const auto& each : revocations)
    result.merge(serials_in(*each));
  return result;
}

// A list of another authority would make every handshake fail, unnamed.
trusted trusted_in(const fs::path& directory, files& disk) {
  auto list = directory / "revoked.pem";
  trusted result{
      certificates_in(disk, directory / "ca.pem"), revocations_in(disk, list)};
  for (const auto& each : result.revocations)
    if (!signed_by(*each, result.authorities))
      throw tls_error{fmt::format(
          "{}: is not signed by the authority in ca.pem", list.string())};
  return result;
}

std::string whose(const fs::path& directory, files& disk) {
  auto names = names_in(directory, disk);
  if (names.size() == 1)
    return names.front();
  std::string wanted{certificates::coordinator};
  if (std::find(names.begin(), names.end(), wanted) != names.end())
    return wanted;
  if (names.empty())
    throw tls_error{
        fmt::format("{}: holds no certificate with its key (NAME.pem and "
                    "NAME.key); `troupe certs issue` makes them",
            directory.string())};
  throw tls_error{
      fmt::format("{}: holds the certificates of {}; say whose to show",
          directory.string(), fmt::join(names, ", "))};
}

identity identity_in(
    const fs::path& directory, const std::string& name, files& disk) {
  auto shown = directory / (name + ".pem");
  auto key = directory / (name + ".key");
  identity result;
  result.chain = certificates_in(disk, shown);
  result.key = key_in(disk, key);
  const auto& own = result.chain.front();
  result.name = name_of(*own);
  if (!certificates::misnomer(result.name).empty())
    throw tls_error{fmt::format(
        "{}: has no common name that can name a node", shown.string())};
  if (X509_check_private_key(own.get(), result.key.get()) != 1)
    throw tls_error{
        fmt::format("{}: is not the key of {}", key.string(), shown.string())};
  return result;
}

void trust(const trusted& those, X509_STORE& by) {
  for (const auto& each : those.authorities)
    expect(X509_STORE_add_cert(&by, each.get()), "cannot trust an authority");
  for (const auto& each : those.revocations)
    expect(X509_STORE_add_crl(&by, each.get()), "cannot heed revocations");
  expect(X509_STORE_set_flags(&by, X509_V_FLAG_CRL_CHECK),
      "cannot heed revocations");
}

std::string fault_of(const identity& own, const trusted& by) {
  store held{expect(X509_STORE_new(), "cannot verify a certificate")};
  trust(by, *held);
  borrowed between{expect(sk_X509_new_null(), "cannot verify a certificate")};
  for (std::size_t i = 1; i < own.chain.size(); ++i)
    expect(sk_X509_push(between.get(), own.chain[i].get()),
        "cannot verify a certificate");
  verification check{
      expect(X509_STORE_CTX_new(), "cannot verify a certificate")};
  expect(X509_STORE_CTX_init(
             check.get(), held.get(), own.chain.front().get(), between.get()),
      "cannot verify a certificate");
  if (X509_verify_cert(check.get()) == 1)
    return {};
  return reason_of(X509_STORE_CTX_get_error(check.get()));
}

std::string reason_of(int verification) {
  switch (verification) {
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    return "is not signed by the authority in ca.pem";
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return "has expired";
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return "is not valid yet; compare the clocks";
  case X509_V_ERR_CERT_REVOKED:
    return "is revoked";
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    return "names other hosts than the one that was dialled";
  default:
    return X509_verify_cert_error_string(verification);
  }
}

} // namespace troupe::cluster
