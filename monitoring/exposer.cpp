#include "monitoring/exposer.hpp"

#include <utility> // before Asio, which forgets it

#include <array>
#include <chrono>
#include <deque>
#include <exception>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fcntl.h>
#include <fmt/format.h>

#include "monitoring/listening_socket.hpp"
#include "monitoring/pages.hpp"

namespace troupe::monitoring {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds to_ask{5};
constexpr seconds to_read{10};
constexpr seconds to_part{1};
constexpr std::size_t most_visitors = 64;
constexpr std::size_t longest_question = 8192;
constexpr milliseconds to_recover{100};

/// One connection: a question, its answer, the parting. Each has a deadline.
class visitor : public std::enable_shared_from_this<visitor> {
public:
  visitor(tcp::socket socket, const site& what)
      : stream_(std::move(socket)), what_(what) {
    asked_.header_limit(longest_question);
  }

  void greet() {
    stream_.expires_after(to_ask);
    http::async_read_header(stream_, buffer_, asked_,
        [self = shared_from_this()](
            error_code failed, std::size_t) { self->hear(failed); });
  }

  void show_out() { stream_.close(); }

private:
  void hear(error_code failed) {
    const error_code gone = http::error::end_of_stream;
    if (failed == gone || (failed && failed.category() != gone.category()))
      return; // or silent for too long
    told_ = failed ? in_words(http::status::bad_request,
                         "this is no HTTP: " + failed.message() + "\n")
                   : answer_to(asked_.get(), what_);
    told_.version(asked_.get().version() == 10 ? 10 : 11);
    told_.keep_alive(false);
    told_.prepare_payload();
    tell(!failed && asked_.get().method() == http::verb::head);
  }

  void tell(bool head_alone) {
    stream_.expires_after(to_read);
    auto then = [self = shared_from_this()](
                    error_code failed, std::size_t) { self->part(failed); };
    telling_.emplace(told_);
    if (head_alone)
      http::async_write_header(stream_, *telling_, std::move(then));
    else
      http::async_write(stream_, *telling_, std::move(then));
  }

  // To close before all of the question was read would take the answer back.
  void part(error_code failed) {
    if (failed)
      return;
    stream_.socket().shutdown(tcp::socket::shutdown_send, failed);
    stream_.expires_after(to_part);
    discard();
  }

  void discard() {
    stream_.async_read_some(asio::buffer(discarded_),
        [self = shared_from_this()](error_code failed, std::size_t) {
          if (!failed)
            self->discard();
        });
  }

  beast::tcp_stream stream_;
  const site& what_;
  beast::flat_buffer buffer_{longest_question};
  http::request_parser<http::empty_body> asked_;
  answer told_;
  std::optional<http::response_serializer<http::string_body>> telling_;
  std::array<char, 1024> discarded_;
};

} // namespace

class exposer::server {
public:
  server(listening_socket door, site what)
      : what_(std::move(what)),
        acceptor_(
            context_, door.is_v6() ? tcp::v6() : tcp::v4(), door.release()),
        pause_(context_) {
    accept();
    thread_ = std::thread{[this] { run(); }};
  }

  ~server() {
    context_.stop();
    thread_.join();
  }

private:
  void run() {
    for (;;)
      try {
        context_.run();
        return;
      } catch (const std::exception&) {
        // One visitor goes unanswered, for want of memory.
      }
  }

  void accept() {
    acceptor_.async_accept([this](error_code failed, tcp::socket socket) {
      if (failed)
        return rest(); // out of descriptors or memory, mostly
      accept();
      admit(std::move(socket));
    });
  }

  void admit(tcp::socket socket) {
    fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
    std::erase_if(visitors_, [](const auto& one) { return one.expired(); });
    if (visitors_.size() >= most_visitors) {
      if (auto oldest = visitors_.front().lock())
        oldest->show_out();
      visitors_.pop_front();
    }
    auto next = std::make_shared<visitor>(std::move(socket), what_);
    visitors_.push_back(next);
    next->greet();
  }

  void rest() {
    pause_.expires_after(to_recover);
    pause_.async_wait([this](error_code) { accept(); });
  }

  const site what_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::deque<std::weak_ptr<visitor>> visitors_; // the oldest first
  std::thread thread_;
};

exposer::exposer(const endpoint& where, collectables what,
    std::shared_ptr<const targets> all)
    : where_(where) {
  listening_socket door{where};
  where_.port = door.port();
  try {
    server_ = std::make_unique<server>(
        std::move(door), site{where_, std::move(what), std::move(all)});
  } catch (const std::system_error& failure) {
    throw std::runtime_error{fmt::format(
        "cannot serve metrics at {}: no thread for it ({}); leave --metrics "
        "out, or allow more threads (ulimit -u)",
        where.text(), failure.code().message())};
  }
}

exposer::~exposer() = default;

std::string exposer::url() const {
  return "http://" + where_.text() + "/metrics";
}

} // namespace troupe::monitoring
