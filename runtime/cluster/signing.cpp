#include "runtime/cluster/signing.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace troupe::cluster {

namespace {

using std::chrono::sys_seconds;
using big_number = std::unique_ptr<BIGNUM, released_by<&BN_free>>;
using extension =
    std::unique_ptr<X509_EXTENSION, released_by<&X509_EXTENSION_free>>;
using general_name =
    std::unique_ptr<GENERAL_NAME, released_by<&GENERAL_NAME_free>>;
using general_names =
    std::unique_ptr<GENERAL_NAMES, released_by<&GENERAL_NAMES_free>>;
using octets =
    std::unique_ptr<ASN1_OCTET_STRING, released_by<&ASN1_OCTET_STRING_free>>;

constexpr int serial_bits = 127; // random: none is ever met again

private_key new_key() {
  return private_key{expect(EVP_EC_gen("P-256"), "cannot make a key")};
}

void number(X509& what) {
  big_number random{expect(BN_new(), "cannot make a serial")};
  expect(
      BN_rand(random.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY),
      "cannot make a serial");
  expect(BN_to_ASN1_INTEGER(random.get(), X509_get_serialNumber(&what)),
      "cannot make a serial");
}

void name(X509_NAME* subject, const std::string& text) {
  expect(X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
             reinterpret_cast<const unsigned char*>(text.data()),
             static_cast<int>(text.size()), -1, 0),
      "cannot name a certificate");
}

void hold(X509& what, sys_seconds until) {
  auto from = std::min(now(), until) - clock_lag;
  expect(X509_set1_notBefore(&what, as_asn1(from).get()), "cannot set a time");
  expect(X509_set1_notAfter(&what, as_asn1(until).get()), "cannot set a time");
}

void extend(X509& what, X509& issuer, int which, const char* value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, &issuer, &what, nullptr, nullptr, 0);
  extension made{expect(X509V3_EXT_conf_nid(nullptr, &context, which, value),
      "cannot extend a certificate")};
  expect(X509_add_ext(&what, made.get(), -1), "cannot extend a certificate");
}

certificate blank(EVP_PKEY& key, const std::string& text, sys_seconds until) {
  certificate made{expect(X509_new(), "cannot make a certificate")};
  expect(X509_set_version(made.get(), X509_VERSION_3), "cannot set a version");
  number(*made);
  name(X509_get_subject_name(made.get()), text);
  hold(*made, until);
  expect(X509_set_pubkey(made.get(), &key), "cannot set a key");
  return made;
}

void sign(X509& what, EVP_PKEY& by) {
  expect(X509_sign(&what, &by, EVP_sha256()), "cannot sign a certificate");
}

// Null where `text` is no address.
octets address(const std::string& text) {
  return octets{a2i_IPADDRESS(text.c_str())};
}

general_name as_general_name(const std::string& host) {
  general_name result{expect(GENERAL_NAME_new(), "cannot name a host")};
  if (auto bytes = address(host)) {
    GENERAL_NAME_set0_value(result.get(), GEN_IPADD, bytes.release());
    return result;
  }
  std::unique_ptr<ASN1_IA5STRING, released_by<&ASN1_IA5STRING_free>> text{
      expect(ASN1_IA5STRING_new(), "cannot name a host")};
  expect(
      ASN1_STRING_set(text.get(), host.data(), static_cast<int>(host.size())),
      "cannot name a host");
  GENERAL_NAME_set0_value(result.get(), GEN_DNS, text.release());
  return result;
}

void name_hosts(X509& what, const std::vector<std::string>& hosts) {
  general_names names{expect(GENERAL_NAMES_new(), "cannot name hosts")};
  for (const auto& each : hosts) {
    auto one = as_general_name(each);
    expect(sk_GENERAL_NAME_push(names.get(), one.get()), "cannot name hosts");
    one.release();
  }
  expect(X509_add1_ext_i2d(
             &what, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT),
      "cannot name hosts");
}

std::vector<std::string> all_hosts(const subject& whose) {
  auto result = whose.hosts;
  result.insert(result.begin(), whose.name);
  std::sort(result.begin() + 1, result.end());
  result.erase(std::unique(result.begin() + 1, result.end()), result.end());
  result.erase(
      std::remove(result.begin() + 1, result.end(), whose.name), result.end());
  return result;
}

std::string authority_name() {
  std::uint32_t random = 0;
  expect(RAND_bytes(reinterpret_cast<unsigned char*>(&random), sizeof random),
      "cannot make a name");
  return fmt::format("Troupe authority {:08x}", random);
}

} // namespace

std::string no_host(std::string_view text) {
  constexpr std::string_view rest = "-_.";
  if (address(std::string{text}))
    return {};
  auto fits = !text.empty() && text.size() <= 253 && text.front() != '-' &&
              text.front() != '.' &&
              std::all_of(text.begin(), text.end(), [&](char c) {
                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || rest.find(c) != rest.npos;
              });
  return fits ? std::string{}
              : fmt::format("{} is no machine's name or address", text);
}

credential new_authority(sys_seconds until) {
  auto key = new_key();
  auto made = blank(*key, authority_name(), until);
  expect(X509_set_issuer_name(made.get(), X509_get_subject_name(made.get())),
      "cannot name a certificate");
  extend(*made, *made, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  extend(*made, *made, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(*made, *made, NID_subject_key_identifier, "hash");
  sign(*made, *key);
  return {std::move(made), std::move(key)};
}

credential new_certificate(const credential& authority, const subject& whose) {
  auto& issuer = *authority.shown;
  auto key = new_key();
  auto made = blank(*key, whose.name, std::min(whose.until, expiry_of(issuer)));
  expect(X509_set_issuer_name(made.get(), X509_get_subject_name(&issuer)),
      "cannot name a certificate");
  extend(*made, issuer, NID_basic_constraints, "critical,CA:FALSE");
  extend(*made, issuer, NID_key_usage, "critical,digitalSignature");
  extend(*made, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
  extend(*made, issuer, NID_subject_key_identifier, "hash");
  extend(*made, issuer, NID_authority_key_identifier, "keyid:always");
  name_hosts(*made, all_hosts(whose));
  sign(*made, *authority.key);
  return {std::move(made), std::move(key)};
}

} // namespace troupe::cluster
