#include "runtime/cluster/x509.hpp"

#include "runtime/record/sha256.hpp"

#include <ctime>
#include <utility>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>

namespace troupe::cluster {

namespace {

namespace fs = std::filesystem;
using bio = std::unique_ptr<BIO, released_by<&BIO_free>>;

void release_text(char* text) {
  OPENSSL_free(text);
}
using openssl_text = std::unique_ptr<char, released_by<&release_text>>;

struct content {
  std::string text;
  ~content() { OPENSSL_cleanse(text.data(), text.size()); }
};

// A password is asked of nobody.
int no_password(char*, int, int, void*) {
  return 0;
}

bio reading(const std::string& text) {
  return bio{expect(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
      "cannot read from memory")};
}

// At the end of the file, and only there, PEM finds no further start line.
bool ended() {
  auto why = ERR_peek_last_error();
  return ERR_GET_LIB(why) == ERR_LIB_PEM &&
         ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
}

template <class Owner, class Read>
std::vector<Owner> all_in(
    files& disk, const fs::path& path, const char* kind, Read read) {
  auto text = disk.read_all(path);
  auto from = reading(text);
  std::vector<Owner> result;
  ERR_clear_error();
  while (auto* one = read(from.get(), nullptr, &no_password, nullptr))
    result.emplace_back(one);
  if (!ended())
    refused_by_openssl(fmt::format("{}: is damaged", path.string()));
  ERR_clear_error();
  if (result.empty())
    throw tls_error{fmt::format("{}: holds no {}", path.string(), kind)};
  return result;
}

template <class Write>
std::string written(Write write) {
  bio to{expect(BIO_new(BIO_s_mem()), "cannot write to memory")};
  expect(write(to.get()), "cannot write PEM");
  char* start = nullptr;
  auto size = BIO_get_mem_data(to.get(), &start);
  std::string text(start, static_cast<std::size_t>(size));
  OPENSSL_cleanse(start, text.size());
  return text;
}

std::string digits(const ASN1_INTEGER* number) {
  std::unique_ptr<BIGNUM, released_by<&BN_free>> value{
      expect(ASN1_INTEGER_to_BN(number, nullptr), "cannot read a serial")};
  openssl_text text{expect(BN_bn2hex(value.get()), "cannot write a serial")};
  return text.get();
}

} // namespace

void refused_by_openssl(const std::string& doing) {
  auto why = ERR_peek_last_error();
  ERR_clear_error();
  const auto* reason = why != 0 ? ERR_reason_error_string(why) : nullptr;
  throw tls_error{
      fmt::format("{}: {}", doing, reason ? reason : "OpenSSL says no more")};
}

std::vector<certificate> certificates_in(files& disk, const fs::path& path) {
  return all_in<certificate>(disk, path, "certificate", &PEM_read_bio_X509);
}

std::vector<revocation_list> revocations_in(files& disk, const fs::path& path) {
  return all_in<revocation_list>(
      disk, path, "list of revocations", &PEM_read_bio_X509_CRL);
}

private_key key_in(files& disk, const fs::path& path) {
  content held{disk.read_all(path)};
  auto from = reading(held.text);
  ERR_clear_error();
  private_key key{
      PEM_read_bio_PrivateKey(from.get(), nullptr, &no_password, nullptr)};
  if (!key)
    refused_by_openssl(
        fmt::format("{}: holds no private key in the clear", path.string()));
  return key;
}

std::string pem(X509& what) {
  return written([&](BIO* to) { return PEM_write_bio_X509(to, &what); });
}

std::string pem(X509_CRL& what) {
  return written([&](BIO* to) { return PEM_write_bio_X509_CRL(to, &what); });
}

std::string pem(EVP_PKEY& what) {
  return written([&](BIO* to) {
    return PEM_write_bio_PKCS8PrivateKey(
        to, &what, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string name_of(const X509& what) {
  const auto* subject = X509_get_subject_name(&what);
  auto at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
    return {};
  unsigned char* text = nullptr;
  auto size = ASN1_STRING_to_UTF8(
      &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0)
    return {};
  openssl_text held{reinterpret_cast<char*>(text)};
  return {held.get(), static_cast<std::size_t>(size)};
}

std::string serial_of(const X509& what) {
  return digits(X509_get0_serialNumber(&what));
}

std::set<std::string> serials_in(const X509_CRL& what) {
  std::set<std::string> result;
  auto* list = X509_CRL_get_REVOKED(const_cast<X509_CRL*>(&what));
  for (int i = 0; i < sk_X509_REVOKED_num(list); ++i)
    result.insert(
        digits(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(list, i))));
  return result;
}

std::string key_digest_of(const X509& what) {
  unsigned char* bytes = nullptr;
  auto size = expect(i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&what), &bytes),
      "cannot write a public key");
  openssl_text held{reinterpret_cast<char*>(bytes)};
  return sha256(
      std::as_bytes(std::span{held.get(), static_cast<std::size_t>(size)}));
}

std::chrono::sys_seconds expiry_of(const X509& what) {
  std::tm then{};
  expect(ASN1_TIME_to_tm(X509_get0_notAfter(&what), &then),
      "cannot read when a certificate ends");
  return std::chrono::sys_seconds{std::chrono::seconds{::timegm(&then)}};
}

asn1_time as_asn1(std::chrono::sys_seconds when) {
  return asn1_time{
      expect(ASN1_TIME_set(nullptr,
                 static_cast<std::time_t>(when.time_since_epoch().count())),
          "cannot write a time")};
}

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(
      std::chrono::system_clock::now());
}

} // namespace troupe::cluster
