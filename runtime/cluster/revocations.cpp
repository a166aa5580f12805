#include "runtime/cluster/revocations.hpp"

#include <openssl/bn.h>
#include <openssl/x509v3.h>

namespace troupe::cluster {

namespace {

using asn1_integer =
    std::unique_ptr<ASN1_INTEGER, released_by<&ASN1_INTEGER_free>>;
using big_number = std::unique_ptr<BIGNUM, released_by<&BN_free>>;
using extension =
    std::unique_ptr<X509_EXTENSION, released_by<&X509_EXTENSION_free>>;

// One more than in the list before.
void number(X509_CRL& what, const X509_CRL* before) {
  asn1_integer count;
  if (before)
    count.reset(static_cast<ASN1_INTEGER*>(
        X509_CRL_get_ext_d2i(before, NID_crl_number, nullptr, nullptr)));
  auto next = count ? ASN1_INTEGER_get(count.get()) + 1 : 1;
  count.reset(expect(ASN1_INTEGER_new(), "cannot count revocations"));
  expect(ASN1_INTEGER_set(count.get(), next), "cannot count revocations");
  expect(X509_CRL_add1_ext_i2d(&what, NID_crl_number, count.get(), 0, 0),
      "cannot count revocations");
}

void add(X509_CRL& to, X509_REVOKED* entry) {
  auto done = entry ? X509_CRL_add0_revoked(&to, entry) : 0;
  if (done != 1)
    X509_REVOKED_free(entry);
  expect(done, "cannot add a revocation");
}

void copy(X509_CRL& to, const X509_CRL& before) {
  auto* list = X509_CRL_get_REVOKED(const_cast<X509_CRL*>(&before));
  for (int i = 0; i < sk_X509_REVOKED_num(list); ++i)
    add(to, X509_REVOKED_dup(sk_X509_REVOKED_value(list, i)));
}

void add(X509_CRL& to, const std::string& serial) {
  BIGNUM* digits = nullptr;
  expect(BN_hex2bn(&digits, serial.c_str()), "cannot read a serial");
  big_number held{digits};
  asn1_integer value{
      expect(BN_to_ASN1_INTEGER(digits, nullptr), "cannot read a serial")};
  auto* entry = expect(X509_REVOKED_new(), "cannot add a revocation");
  X509_REVOKED_set_serialNumber(entry, value.get());
  X509_REVOKED_set_revocationDate(entry, as_asn1(now()).get());
  add(to, entry);
}

void sign(X509_CRL& what, const credential& authority) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, authority.shown.get(), nullptr, nullptr, &what, 0);
  extension made{expect(X509V3_EXT_conf_nid(nullptr, &context,
                            NID_authority_key_identifier, "keyid:always"),
      "cannot extend a list of revocations")};
  expect(X509_CRL_add_ext(&what, made.get(), -1),
      "cannot extend a list of revocations");
  expect(X509_CRL_sort(&what), "cannot sort revocations");
  expect(X509_CRL_sign(&what, authority.key.get(), EVP_sha256()),
      "cannot sign a list of revocations");
}

} // namespace

revocation_list new_revocations(const credential& authority,
    const X509_CRL* before, const std::vector<std::string>& added_serials) {
  revocation_list made{expect(X509_CRL_new(), "cannot list revocations")};
  auto& issuer = *authority.shown;
  expect(X509_CRL_set_version(made.get(), X509_CRL_VERSION_2),
      "cannot set a version");
  expect(X509_CRL_set_issuer_name(made.get(), X509_get_subject_name(&issuer)),
      "cannot name a list of revocations");
  expect(X509_CRL_set1_lastUpdate(made.get(), as_asn1(now() - clock_lag).get()),
      "cannot set a time");
  expect(X509_CRL_set1_nextUpdate(made.get(), X509_get0_notAfter(&issuer)),
      "cannot set a time");
  if (before)
    copy(*made, *before);
  for (const auto& each : added_serials)
    add(*made, each);
  number(*made, before);
  sign(*made, authority);
  return made;
}

} // namespace troupe::cluster
