#include "runtime/cluster/tls.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace troupe::cluster {

namespace {

namespace fs = std::filesystem;

// What one connection expects, and what it found instead.
struct notes {
  std::string expected_name;
  std::string refusal;
};

void forget(void*, void* held, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<notes*>(held);
}

int notes_index() {
  static const int index =
      SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, &forget);
  return index;
}

notes& notes_of(SSL& connection) {
  auto* held = static_cast<notes*>(SSL_get_ex_data(&connection, notes_index()));
  if (held)
    return *held;
  auto made = std::make_unique<notes>();
  expect(SSL_set_ex_data(&connection, notes_index(), made.get()),
      "cannot note whom to expect");
  return *made.release();
}

std::string misnamed(const X509& leaf, const std::string& expected) {
  auto name = name_of(leaf);
  if (!certificates::misnomer(name).empty())
    return "has no common name that can name a node";
  if (!expected.empty() && name != expected)
    return fmt::format("is not {}", expected);
  return {};
}

// What a stranger calls itself may be anything.
std::string presentable(const X509& shown) {
  auto name = name_of(shown);
  return certificates::misnomer(name).empty() ? name + ", " : std::string{};
}

// Nothing where the certificate that `check` is at will do.
std::string refusal(X509_STORE_CTX& check, bool good, const notes& at) {
  const auto* shown = X509_STORE_CTX_get_current_cert(&check);
  if (!shown)
    return good ? "" : reason_of(X509_STORE_CTX_get_error(&check));
  std::string why;
  if (!good)
    why = reason_of(X509_STORE_CTX_get_error(&check));
  else if (X509_STORE_CTX_get_error_depth(&check) == 0)
    why = misnamed(*shown, at.expected_name);
  return why.empty() ? why
                     : fmt::format("the peer's certificate, {}{}",
                           presentable(*shown), why);
}

// No exception may pass through OpenSSL.
int verify(int good, X509_STORE_CTX* check) noexcept {
  try {
    auto* connection = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(
        check, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& at = notes_of(*connection);
    auto why = refusal(*check, good == 1, at);
    if (why.empty())
      return good;
    at.refusal = std::move(why);
    if (good == 1)
      X509_STORE_CTX_set_error(check, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
  } catch (...) {
    X509_STORE_CTX_set_error(check, X509_V_ERR_UNSPECIFIED);
    return 0;
  }
}

void show(SSL_CTX* by, const identity& own) {
  expect(SSL_CTX_use_certificate(by, own.chain.front().get()),
      "cannot show a certificate");
  expect(SSL_CTX_use_PrivateKey(by, own.key.get()), "cannot use a key");
  for (std::size_t i = 1; i < own.chain.size(); ++i)
    expect(static_cast<int>(SSL_CTX_add1_chain_cert(by, own.chain[i].get())),
        "cannot show a chain");
}

X509* certificate_of(stream& of) {
  return of.tls() ? SSL_get0_peer_certificate(of.tls()) : nullptr;
}

// `error`: of OpenSSL, in these words; 0: none of it.
std::string told(
    SSL& connection, unsigned long error, const std::string& words) {
  if (const auto& refusal = notes_of(connection).refusal; !refusal.empty())
    return refusal;
  const auto reason = ERR_GET_REASON(error);
  if (reason > SSL_AD_REASON_OFFSET)
    return fmt::format("the peer refused: {}", words);
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST)
    return fmt::format("the peer speaks no TLS ({})", words);
  return words;
}

template <class Read>
std::string of_peer(stream& of, Read read) {
  const auto* shown = certificate_of(of);
  return shown ? read(*shown) : std::string{};
}

} // namespace

// A session that is taken up again would pass by certificates: no tickets.
shared_tls tls_from(const identity& own, const trusted& by) {
  auto result = std::make_shared<asio::ssl::context>(asio::ssl::context::tls);
  auto* made = result->native_handle();
  expect(SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION),
      "cannot insist on TLS 1.3");
  expect(SSL_CTX_set_num_tickets(made, 0), "cannot do without tickets");
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS);
  show(made, own);
  trust(by, *SSL_CTX_get_cert_store(made));
  SSL_CTX_set_verify(
      made, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, &verify);
  return result;
}

shared_tls tls_from(
    const fs::path& directory, const std::string& own_name, files& disk) {
  auto by = trusted_in(directory, disk);
  auto base = own_name.empty() ? whose(directory, disk) : own_name;
  auto own = identity_in(directory, base, disk);
  if (auto why = fault_of(own, by); !why.empty())
    throw tls_error{
        fmt::format("{}: {}", (directory / (base + ".pem")).string(), why)};
  return tls_from(own, by);
}

void expect_peer(stream& with, const expected_peer& whom) {
  auto* connection = with.tls();
  if (!connection)
    return;
  notes_of(*connection).expected_name = whom.name;
  if (whom.host.empty())
    return;
  SSL_set_hostflags(connection, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  auto* checks = SSL_get0_param(connection);
  if (X509_VERIFY_PARAM_set1_ip_asc(checks, whom.host.c_str()) != 1)
    expect(
        SSL_set1_host(connection, whom.host.c_str()), "cannot expect a host");
}

std::string peer_name(stream& of) {
  return of_peer(of, &name_of);
}

std::string peer_key(stream& of) {
  return of_peer(of, &key_digest_of);
}

std::string peer_serial(stream& of) {
  return of_peer(of, &serial_of);
}

std::chrono::sys_seconds peer_expiry(stream& of) {
  const auto* shown = certificate_of(of);
  return shown ? expiry_of(*shown) : std::chrono::sys_seconds{};
}

std::string trouble(stream& with, const network_error& error) {
  if (!with.tls())
    return error.message();
  if (error.category() != asio::error::get_ssl_category())
    return told(*with.tls(), 0, error.message());
  return told(
      *with.tls(), static_cast<unsigned long>(error.value()), error.message());
}

std::string trouble(SSL& with, unsigned long error) {
  const auto* words = ERR_reason_error_string(error);
  return told(with, error, words ? words : "the handshake failed");
}

} // namespace troupe::cluster
