#include "runtime/cluster/dialler.hpp"

#include <future>
#include <optional>
#include <utility>

#include <boost/asio/connect.hpp>
#include <fmt/format.h>

#include "runtime/cluster/tls.hpp"

namespace troupe::cluster {
namespace {

// One attempt: it keeps itself alive until it has answered.
class attempt : public std::enable_shared_from_this<attempt> {
public:
  using answer = std::function<void(std::shared_ptr<connection>, frame&&)>;
  using failure = std::function<void(const std::string&)>;

  attempt(asio::io_context& on, const dial_options& how, hello first,
      answer answered, failure failed)
      : how_(how),
        first_(std::move(first)),
        answered_(std::move(answered)),
        failed_(std::move(failed)),
        resolver_(on),
        socket_(on),
        timer_(on) {
    how_.connections.first_frame = how_.connections.frame;
  }

  void start() {
    timer_.expires_after(how_.patience);
    timer_.async_wait([self = shared_from_this()](network_error error) {
      if (!error)
        self->fail("no answer within the time allowed");
    });
    resolver_.async_resolve(how_.where.host, std::to_string(how_.where.port),
        [self = shared_from_this()](network_error error, auto found) {
          if (error)
            return self->fail(error.message());
          self->connect(std::move(found));
        });
  }

private:
  template <class Found>
  void connect(Found found) {
    asio::async_connect(socket_, found,
        [self = shared_from_this()](network_error error, const auto&) {
          if (error)
            return self->fail(error.message());
          if (meets_itself(self->socket_))
            return self->fail("nobody listens there: the dial met itself");
          self->greet();
        });
  }

  void greet() {
    if (!failed_)
      return;
    try {
      stream over{std::move(socket_), how_.tls ? how_.tls() : shared_tls{}};
      expect_peer(over, {});
      made_ = std::make_shared<connection>(std::move(over), how_.connections);
    } catch (const std::exception& error) {
      return fail(error.what());
    }
    // Its timer holds it, and not what it holds itself.
    made_->start(asio::ssl::stream_base::client,
        {.said =
                [weak = weak_from_this()](frame&& what) {
                  if (auto self = weak.lock())
                    self->hear(std::move(what));
                },
            .ended =
                [weak = weak_from_this()](const std::string& why, bool) {
                  if (auto self = weak.lock())
                    self->fail(why);
                }});
    made_->send(first_);
  }

  void hear(frame&& what) {
    timer_.cancel();
    failed_ = {};
    auto made = std::exchange(made_, {});
    made->took();
    made->hear({});
    std::exchange(answered_, {})(made, std::move(what));
  }

  void fail(const std::string& why) {
    timer_.cancel();
    network_error ignored;
    resolver_.cancel();
    socket_.close(ignored);
    if (auto made = std::exchange(made_, {})) {
      made->hear({});
      made->close(why);
    }
    answered_ = {};
    if (auto failed = std::exchange(failed_, {}))
      failed(why);
  }

  dial_options how_;
  hello first_;
  answer answered_;
  failure failed_; ///< empty: it is over
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  std::shared_ptr<connection> made_;
};

} // namespace

bool meets_itself(const tcp::socket& socket) {
  network_error here, there;
  return socket.local_endpoint(here) == socket.remote_endpoint(there) &&
         !here && !there;
}

void dial(asio::io_context& on, const dial_options& how, const hello& first,
    std::function<void(std::shared_ptr<connection>, frame&&)> answered,
    std::function<void(const std::string& why)> failed) {
  auto made = std::make_shared<attempt>(
      on, how, first, std::move(answered), std::move(failed));
  asio::post(on, [made] { made->start(); });
}

report ask_coordinator(const dial_options& how, const hello& first) {
  std::promise<std::pair<std::optional<frame>, std::string>> told;
  auto answer = told.get_future();
  io_thread io;
  dial(
      io.context(), how, first,
      [&](const std::shared_ptr<connection>& at, frame&& what) {
        at->close("answered");
        told.set_value({std::move(what), {}});
      },
      [&](const std::string& why) {
        told.set_value({std::nullopt, why});
      });
  auto [what, why] = answer.get();
  if (!what)
    throw unreachable(fmt::format("{}: {}", how.where.text(), why));
  if (auto* no = std::get_if<refusal>(&*what))
    throw std::runtime_error(no->why);
  if (auto* yes = std::get_if<report>(&*what))
    return std::move(*yes);
  throw std::runtime_error("it did not answer what it was asked");
}

} // namespace troupe::cluster
