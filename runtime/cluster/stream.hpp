#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility> // before Asio, which forgets it
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace troupe::cluster {

namespace asio = boost::asio;
using asio::ip::tcp;
using network_error = boost::system::error_code;

/// What a TLS connection is made by: certificate, key, whom to trust. Replaced
/// as a whole, so that connections that there are keep theirs.
using shared_tls = std::shared_ptr<asio::ssl::context>;

/// One TCP connection, in the clear or under TLS: Asio's asynchronous stream,
/// so that `asio::async_read` and `asio::async_write` take it. Belongs to the
/// thread, or strand, of its socket's executor.
class stream {
public:
  using executor_type = tcp::socket::executor_type;

  /// In the clear without `tls`, which lasts as long as this.
  explicit stream(tcp::socket socket, shared_tls tls = {})
      : tls_(std::move(tls)) {
    network_error ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (tls_)
      under_tls_ = std::make_unique<asio::ssl::stream<tcp::socket>>(
          std::move(socket), *tls_);
    else
      plain_ = std::make_unique<tcp::socket>(std::move(socket));
  }

  executor_type get_executor() { return socket().get_executor(); }
  tcp::socket& socket() {
    return under_tls_ ? under_tls_->next_layer() : *plain_;
  }
  /// Null in the clear.
  SSL* tls() { return under_tls_ ? under_tls_->native_handle() : nullptr; }

  /// `done(network_error)`; at once in the clear.
  template <class Done>
  void async_handshake(asio::ssl::stream_base::handshake_type as, Done done) {
    if (under_tls_)
      under_tls_->async_handshake(as, std::move(done));
    else
      asio::post(get_executor(),
          [done = std::move(done)]() mutable { done(network_error{}); });
  }

  template <class Buffers, class Done>
  void async_read_some(const Buffers& to, Done&& done) {
    if (!ahead_.empty())
      read_ahead(to, std::forward<Done>(done));
    else if (under_tls_)
      under_tls_->async_read_some(to, std::forward<Done>(done));
    else
      plain_->async_read_some(to, std::forward<Done>(done));
  }
  template <class Buffers, class Done>
  auto async_write_some(const Buffers& from, Done&& done) {
    return under_tls_
               ? under_tls_->async_write_some(from, std::forward<Done>(done))
               : plain_->async_write_some(from, std::forward<Done>(done));
  }

  /// Bytes that were read too early: they are read again, first of all.
  void unread(std::span<const std::byte> bytes) {
    ahead_.insert(ahead_.begin(), bytes.begin(), bytes.end());
  }

  /// At once; what is under way fails.
  void close() {
    network_error ignored;
    socket().close(ignored);
  }

private:
  template <class Buffers, class Done>
  void read_ahead(const Buffers& to, Done done) {
    const auto count = asio::buffer_copy(to, asio::buffer(ahead_));
    ahead_.erase(ahead_.begin(), ahead_.begin() + std::ptrdiff_t(count));
    asio::post(get_executor(), [done = std::move(done), count]() mutable {
      done(network_error{}, count);
    });
  }

  std::vector<std::byte> ahead_;
  shared_tls tls_;
  std::unique_ptr<tcp::socket> plain_;
  std::unique_ptr<asio::ssl::stream<tcp::socket>> under_tls_;
};

} // namespace troupe::cluster
