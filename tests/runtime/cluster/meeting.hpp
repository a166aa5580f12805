#pragma once

#include "runtime/cluster/tls.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace troupe::tests {

/// Two ends of one loopback connection: both shake hands, then the listener
/// sends a byte that the dialler waits for. TLS 1.3 tells a dialler only then
/// that it was refused.
class meeting {
public:
  static constexpr auto patience = std::chrono::seconds{20};

  meeting(cluster::shared_tls listens, cluster::shared_tls dials,
      const cluster::expected_peer& whom = {})
      : meeting(std::move(listens)) {
    dialler_.emplace(connected(), std::move(dials));
    expect_peer(*dialler_, whom);
    dialler_->async_handshake(client, [this](cluster::network_error error) {
      at_dialler = error ? trouble(*dialler_, error) : "";
      if (!error)
        hear();
    });
    io_.run_for(patience);
  }

  /// One who sends `bytes` in the clear.
  meeting(cluster::shared_tls listens, std::string bytes)
      : meeting(std::move(listens)) {
    dialler_.emplace(connected());
    cluster::asio::write(dialler_->socket(), cluster::asio::buffer(bytes));
    io_.run_for(patience);
  }

  cluster::stream& listener() { return *listener_; }
  cluster::stream& dialler() { return *dialler_; }

  /// Whether a byte still comes through.
  bool speaks() {
    auto before = std::exchange(at_dialler, "nothing came");
    say();
    hear();
    io_.restart();
    io_.run_for(patience);
    return at_dialler.empty() && before.empty();
  }

  /// What either end has to complain of; empty: nothing.
  std::string at_listener = "never came to an end";
  std::string at_dialler = "never came to an end";

private:
  using tcp = cluster::tcp;
  static constexpr auto client = cluster::asio::ssl::stream_base::client;
  static constexpr auto server = cluster::asio::ssl::stream_base::server;

  explicit meeting(cluster::shared_tls listens) {
    door_.async_accept([this, listens = std::move(listens)](
                           cluster::network_error, tcp::socket socket) {
      listener_.emplace(std::move(socket), listens);
      listener_->async_handshake(server, [this](cluster::network_error error) {
        at_listener = error ? trouble(*listener_, error) : "";
        if (error)
          listener_->close();
        else
          say();
      });
    });
  }

  tcp::socket connected() {
    tcp::socket result{io_};
    result.connect(door_.local_endpoint());
    return result;
  }

  void say() {
    cluster::asio::async_write(*listener_, cluster::asio::buffer(said_, 1),
        [](cluster::network_error, std::size_t) {});
  }

  void hear() {
    cluster::asio::async_read(*dialler_, cluster::asio::buffer(heard_, 1),
        [this](cluster::network_error error, std::size_t) {
          at_dialler = error ? trouble(*dialler_, error) : "";
        });
  }

  cluster::asio::io_context io_;
  tcp::acceptor door_{
      io_, {cluster::asio::ip::address_v4::loopback(), std::uint16_t{0}}};
  std::optional<cluster::stream> listener_;
  std::optional<cluster::stream> dialler_;
  char said_[1] = {'!'};
  char heard_[1] = {};
};

} // namespace troupe::tests
