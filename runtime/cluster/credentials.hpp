#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cluster/x509.hpp"
#include "runtime/files/files.hpp"

/// What a node reads from a directory that certificates.hpp draws. Everything
/// throws `file_error` and `tls_error`, which name the file.
namespace troupe::cluster {

/// Whom a node trusts: ca.pem without revoked.pem.
struct trusted {
  std::vector<certificate> authorities;
  std::vector<revocation_list> revocations;

  /// Serials, of all lists.
  std::set<std::string> revoked() const;
};

/// What a node shows: NAME.pem and NAME.key.
struct identity {
  std::string name;               ///< as the certificate says
  std::vector<certificate> chain; ///< its own, then those that it is signed by
  private_key key;
};

/// Refuses a list that no authority in ca.pem signed.
trusted trusted_in(
    const std::filesystem::path& directory, files& disk = files::system());

/// Whose files `directory` holds: the only NAME that has both, or coordinator
/// where there are several.
std::string whose(
    const std::filesystem::path& directory, files& disk = files::system());

/// Those of `name`. Refuses a key of another certificate.
identity identity_in(const std::filesystem::path& directory,
    const std::string& name, files& disk = files::system());

/// Makes `by` take certificates of the authorities that are not revoked.
void trust(const trusted& those, X509_STORE& by);

/// Why peers that trust `by` will not take `own`: it has expired, is revoked,
/// comes from another authority; empty: they will.
std::string fault_of(const identity& own, const trusted& by);

/// Why a certificate was not taken: OpenSSL's words, or clearer ones.
std::string reason_of(int verification);

} // namespace troupe::cluster
