#include "runtime/cluster/port.hpp"

#include <map>
#include <stdexcept>
#include <utility>

#include <boost/asio/ip/v6_only.hpp>
#include <fmt/format.h>

#include "runtime/cluster/certificate_watch.hpp"
#include "runtime/cluster/io_thread.hpp"
#include "runtime/cluster/neighbours.hpp"
#include "runtime/cluster/recent_numbers.hpp"
#include "runtime/cluster/tls.hpp"

namespace troupe::cluster {
namespace {

// After a fault of the system, as when there are no more files to open.
constexpr std::chrono::milliseconds breath{100};
// Whoever asks for a report takes as much: ten thousand nodes' lines.
constexpr std::size_t largest_answer = std::size_t{16} << 20;
// Sessions whose numbers are known as used.
constexpr std::size_t most_used = 10'000;

using refusal_of = monitoring::wire_figures::refusal;

std::string text_of(const tcp::endpoint& where) {
  return monitoring::endpoint{where.address().to_string(), where.port()}.text();
}

// Closes the connection behind its answer.
class answered_once : public asker {
public:
  explicit answered_once(std::shared_ptr<connection> to) : to_(std::move(to)) {}
  void answer(const frame& what) override {
    to_->send(what);
    to_->close("answered");
  }

private:
  std::shared_ptr<connection> to_;
};

} // namespace

/// All of it belongs to its thread.
class port::desk {
public:
  explicit desk(port_options how)
      : how_(std::move(how)),
        acceptor_(io_.context()),
        pause_(io_.context()),
        certificates_(io_.context(), how_.revoked,
            [](line& with, const std::string& fault) {
              with.send(refusal{"its certificate " + fault});
              with.expel("its certificate " + fault);
            }) {
    prepare_channels();
    bind();
  }

  void open(visitors who) {
    asio::post(io_.context(), [this, who = std::move(who)]() mutable {
      visitors_ = std::move(who);
      accept();
    });
  }

  // Whoever hears a line is told; then nothing moves any more.
  void close() {
    asio::post(io_.context(), [this] {
      network_error ignored;
      acceptor_.close(ignored);
      pause_.cancel();
      certificates_.stop();
      for (const auto& [session, each] : lines_)
        if (auto at = each.at.lock())
          at->abort("the coordinator ends");
      io_.context().stop();
    });
    io_.join();
  }

  std::string text() const { return text_; }

private:
  using shared_connection = std::shared_ptr<connection>;

  void bind() {
    network_error error;
    tcp::resolver resolver{io_.context()};
    const auto found = resolver.resolve(how_.where.host,
        std::to_string(how_.where.port), tcp::resolver::passive, error);
    if (!error)
      for (const auto& each : found) {
        error = listen_at(each.endpoint());
        if (!error)
          break;
      }
    if (error)
      throw std::runtime_error(fmt::format("cannot listen at {}: {}{}",
          how_.where.text(), error.message(),
          error == asio::error::address_in_use
              ? "; stop who uses it, or give --listen another port"
              : ""));
    text_ = text_of(acceptor_.local_endpoint());
  }

  network_error listen_at(const tcp::endpoint& where) {
    network_error error, ignored;
    acceptor_.close(ignored);
    acceptor_.open(where.protocol(), error);
    if (!error)
      acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error)
      acceptor_.bind(where, error);
    if (!error)
      acceptor_.listen(asio::socket_base::max_listen_connections, error);
    return error;
  }

  void accept() {
    acceptor_.async_accept([this](network_error error, tcp::socket socket) {
      if (error == asio::error::operation_aborted)
        return;
      if (error)
        return take_breath();
      if (greeting_ < how_.most_greeting)
        greet(std::move(socket));
      else
        count(refusal_of::crowded);
      accept();
    });
  }

  void take_breath() {
    pause_.expires_after(breath);
    pause_.async_wait([this](network_error error) {
      if (!error)
        accept();
    });
  }

  void greet(tcp::socket socket) {
    network_error error;
    const auto from = socket.remote_endpoint(error);
    if (error)
      return;
    shared_tls tls;
    try {
      tls = how_.tls ? how_.tls() : shared_tls{};
    } catch (const std::exception&) {
      return; // told by whoever made it
    }
    auto made = std::make_shared<connection>(
        stream{std::move(socket), std::move(tls)}, how_.connections);
    ++greeting_;
    made->start(asio::ssl::stream_base::server,
        {.said =
                [this, weak = std::weak_ptr{made}, from = text_of(from)](
                    frame&& what) {
                  --greeting_;
                  if (auto at = weak.lock())
                    receive(at, std::move(what), from);
                },
            .ended =
                [this, weak = std::weak_ptr{made}, from = text_of(from)](
                    const std::string& why, bool) {
                  --greeting_;
                  auto at = weak.lock();
                  if (!at)
                    return;
                  count(!at->is_secured()      ? refusal_of::handshake
                        : !at->is_understood() ? refusal_of::preamble
                                               : refusal_of::hello);
                  if (at->heard_any())
                    tell_of(from, why);
                }});
  }

  // The first frame tells what a connection is for.
  void receive(
      const shared_connection& from, frame&& what, const std::string& address) {
    from->took();
    auto* said = std::get_if<hello>(&what);
    if (!said) {
      count(refusal_of::hello);
      from->hear({});
      tell_of(address, "it did not say who it is");
      return from->close("it did not say who it is");
    }
    candidate who{
        std::move(*said), ++connections_, peer_key(from->over()), address};
    // A certificate names its node, and no other.
    if (auto name = peer_name(from->over());
        !name.empty() && who.what.what_for == errand::node) {
      if (!who.what.name.empty() && who.what.name != name) {
        count(refusal_of::name);
        return turn_away(from, address,
            fmt::format("its certificate is that of {}, and it says that it is "
                        "{}",
                name, who.what.name));
      }
      who.what.name = std::move(name);
    }
    switch (who.what.what_for) {
    case errand::node:
      return admit(who, from);
    case errand::courier:
      return attach(who, from);
    case errand::status:
    case errand::drain:
    case errand::change:
      return answer(who, from);
    }
  }

  void tell_of(const std::string& who, const std::string& why) {
    if (visitors_.turned_away)
      visitors_.turned_away(who, why);
  }

  void turn_away(const shared_connection& from, const std::string& address,
      const std::string& why) {
    from->hear({});
    from->send(refusal{why});
    from->close(why);
    tell_of(address, why);
  }

  // Nodes draw a number for each connection: one that comes again was recorded.
  void admit(const candidate& who, const shared_connection& from) {
    if (!used_.add(who.what.session))
      return turn_away(
          from, who.address, "it says what was said before, byte for byte");
    auto made = std::make_shared<line>(from, how_.most_bytes, how_.max_norm);
    made->share(budget_);
    made->open();
    std::erase_if(lines_, [](const auto& x) { return x.second.at.expired(); });
    lines_[who.what.session] = {made, who.key};
    if (how_.revoked)
      certificates_.add(made, shown_by(from->over()));
    visitors_.node(who, made);
  }

  // It belongs to a session of the same key, and is told that it is welcome
  // before anything else goes either way.
  void attach(const candidate& who, const shared_connection& from) {
    const auto found = lines_.find(who.what.session);
    auto at = found == lines_.end() ? nullptr : found->second.at.lock();
    from->hear({});
    if (!at || found->second.key != who.key) {
      count(refusal_of::session);
      from->send(refusal{"there is no such session"});
      return from->close("no session");
    }
    from->send(welcome{});
    from->hand_over([at](stream over) {
      at->attach(std::move(over), memory_channel::side::makes);
    });
  }

  void answer(const candidate& who, const shared_connection& from) {
    from->hear({});
    from->widen(largest_answer);
    visitors_.asker(who.what, std::make_shared<answered_once>(from));
  }

  void count(refusal_of why) {
    if (how_.connections.figures)
      how_.connections.figures->refused(why);
  }

  struct known {
    std::weak_ptr<line> at;
    std::string key;
  };

  port_options how_;
  std::shared_ptr<transfer_budget> budget_ =
      std::make_shared<transfer_budget>(how_.most_fetched);
  visitors visitors_;
  std::string text_;
  std::size_t greeting_ = 0;
  std::uint64_t connections_ = 0;
  std::map<std::uint64_t, known> lines_; ///< by session
  recent_numbers used_{most_used};       ///< of sessions
  io_thread io_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  certificate_watch certificates_;
};

port::port(port_options how) : desk_(std::make_unique<desk>(std::move(how))) {}

port::~port() {
  close();
}

void port::close() {
  desk_->close();
}

void port::open(visitors who) {
  desk_->open(std::move(who));
}

std::string port::text() const {
  return desk_->text();
}

} // namespace troupe::cluster
