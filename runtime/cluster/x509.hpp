#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "runtime/files/files.hpp"

namespace troupe::cluster {

/// Frees what OpenSSL allocated.
template <auto Release>
struct released_by {
  template <class T>
  void operator()(T* what) const noexcept {
    Release(what);
  }
};
using certificate = std::unique_ptr<X509, released_by<&X509_free>>;
using private_key = std::unique_ptr<EVP_PKEY, released_by<&EVP_PKEY_free>>;
/// Which certificates an authority takes back before their time: a CRL.
using revocation_list = std::unique_ptr<X509_CRL, released_by<&X509_CRL_free>>;

/// A certificate, a key or a list of them that does not do. Names the file:
/// "certs/alpha.pem: certificate has expired".
class tls_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// OpenSSL refused what `doing` says; takes the reason from its queue.
[[noreturn]] void refused_by_openssl(const std::string& doing);
/// What a call that went well answered: a number above 0, or an object.
inline int expect(int result, const char* doing) {
  if (result <= 0)
    refused_by_openssl(doing);
  return result;
}
template <class T>
T* expect(T* result, const char* doing) {
  if (!result)
    refused_by_openssl(doing);
  return result;
}

/// Everything of its kind in a PEM file, at least one. Throws `file_error` and
/// `tls_error`.
std::vector<certificate> certificates_in(
    files& disk, const std::filesystem::path& path);
std::vector<revocation_list> revocations_in(
    files& disk, const std::filesystem::path& path);
private_key key_in(files& disk, const std::filesystem::path& path);

/// As PEM files hold them; a key is PKCS #8, not encrypted.
std::string pem(X509& what);
std::string pem(X509_CRL& what);
std::string pem(EVP_PKEY& what);

/// The subject's common name; empty where it has none, or more than one.
std::string name_of(const X509& what);
/// Hexadecimal digits, as lists of revocations have them.
std::string serial_of(const X509& what);
std::set<std::string> serials_in(const X509_CRL& what);
/// SHA-256 of the public key (SubjectPublicKeyInfo), in hexadecimal digits: the
/// same for every certificate of one key.
std::string key_digest_of(const X509& what);
std::chrono::sys_seconds expiry_of(const X509& what);

using asn1_time = std::unique_ptr<ASN1_TIME, released_by<&ASN1_TIME_free>>;
asn1_time as_asn1(std::chrono::sys_seconds when);
std::chrono::sys_seconds now();
/// By how much the clocks of two machines may differ: what is signed holds from
/// this long ago.
constexpr auto clock_lag = std::chrono::hours{1};

} // namespace troupe::cluster
