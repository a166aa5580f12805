#include "runtime/collective/tls_channel.hpp"

#include "runtime/cluster/tls.hpp"

#include <algorithm>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

namespace troupe::collective {
namespace {

constexpr std::size_t record = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr std::size_t read_at_once = std::size_t{64} << 10;

int fd_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool later() {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

// OpenSSL's own would raise SIGPIPE, and leave waiting to the socket.
int write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  const auto gone = retried([&] {
    return ::send(fd_of(bio), from, static_cast<std::size_t>(size),
        MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  if (gone < 0 && later())
    BIO_set_retry_write(bio);
  return static_cast<int>(gone);
}

int read(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  const auto came = retried([&] {
    return ::recv(fd_of(bio), to, static_cast<std::size_t>(size), MSG_DONTWAIT);
  });
  if (came < 0 && later())
    BIO_set_retry_read(bio);
  return static_cast<int>(came);
}

long control(BIO*, int what, long, void*) {
  return what == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* method() {
  static const auto* made = [] {
    auto* result = cluster::expect(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "a rank"),
        "cannot read and write");
    BIO_meth_set_write(result, &write);
    BIO_meth_set_read(result, &read);
    BIO_meth_set_ctrl(result, &control);
    return result;
  }();
  return made;
}

} // namespace

credentials credentials_in(
    const std::filesystem::path& directory, const std::string& name) {
  auto held = cluster::tls_from(directory, name);
  auto* made = held->native_handle();
  return {std::move(held), made};
}

tls_channel::tls_channel(descriptor socket, const credentials& by, bool dialled)
    : socket_(std::move(socket)),
      by_(by),
      session_(cluster::expect(SSL_new(by.get()), "cannot begin a session")) {
  auto* bio = BIO_new(method());
  if (!bio) {
    SSL_free(session_);
    cluster::refused_by_openssl("cannot begin a session");
  }
  BIO_set_data(bio, reinterpret_cast<void*>(std::intptr_t{*socket_}));
  BIO_set_init(bio, 1);
  SSL_set_bio(session_, bio, bio);
  SSL_set_mode(session_,
      SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_read_ahead(session_, 1);
  SSL_set_default_read_buffer_len(session_, read_at_once);
  if (dialled)
    SSL_set_connect_state(session_);
  else
    SSL_set_accept_state(session_);
}

tls_channel::~tls_channel() {
  SSL_free(session_);
}

void tls_channel::note(int result) {
  const auto why = SSL_get_error(session_, result);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
    return;
  broken_ = true;
  if (const auto error = ERR_peek_error(); why == SSL_ERROR_SSL)
    trouble_ = cluster::trouble(*session_, error);
  ERR_clear_error();
}

bool tls_channel::shakes_hands() {
  ERR_clear_error();
  const auto result = SSL_do_handshake(session_);
  if (result != 1)
    note(result);
  return result == 1;
}

short tls_channel::waits_for() const noexcept {
  return SSL_want_write(session_) ? POLLOUT : POLLIN;
}

std::size_t tls_channel::send(std::span<const std::byte> from) {
  if (broken_ || from.empty())
    return 0;
  ERR_clear_error();
  std::size_t gone = 0;
  const auto result =
      SSL_write_ex(session_, from.data(), std::min(from.size(), record), &gone);
  if (result != 1)
    note(result);
  return result == 1 ? gone : 0;
}

std::size_t tls_channel::receive(std::span<std::byte> to) {
  if (to.empty() || (broken_ && !holds()))
    return 0;
  ERR_clear_error();
  std::size_t came = 0;
  const auto result = SSL_read_ex(session_, to.data(), to.size(), &came);
  if (result != 1)
    note(result);
  return result == 1 ? came : 0;
}

// What has not been decrypted has been found wanting by the last `receive`.
bool tls_channel::holds() const noexcept {
  return SSL_pending(session_) > 0;
}

} // namespace troupe::collective
