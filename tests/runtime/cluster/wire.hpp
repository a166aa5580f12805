#pragma once

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <caf/binary_serializer.hpp>
#include <poll.h>

#include "runtime/cluster/connection.hpp"
#include "tests/support/loopback.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace troupe::tests {

using namespace std::chrono_literals;

/// What one end of a connection or a line is told: kept, and waited for, though
/// not for ever.
class hearer {
public:
  static constexpr auto patience = 20s;

  cluster::connection::events events() const {
    return {[at = at_](cluster::frame&& what) { at->add(std::move(what)); },
        [at = at_](
            const std::string& why, bool in_order) { at->end(why, in_order); }};
  }
  void add(cluster::frame what) const { at_->add(std::move(what)); }
  void end(const std::string& why, bool in_order) const {
    at_->end(why, in_order);
  }

  /// The i-th frame.
  cluster::frame operator[](std::size_t i) const {
    wait([&] { return at_->said.size() > i; });
    std::lock_guard lock{at_->guard};
    return at_->said[i];
  }
  template <class What>
  What get(std::size_t i) const {
    return std::get<What>((*this)[i]);
  }
  std::size_t count() const {
    std::lock_guard lock{at_->guard};
    return at_->said.size();
  }
  /// How often it ended.
  int endings() const {
    std::lock_guard lock{at_->guard};
    return at_->endings;
  }
  /// Why it ended.
  std::string why() const {
    wait([&] { return at_->endings > 0; });
    std::lock_guard lock{at_->guard};
    return at_->why;
  }
  bool in_order() const {
    wait([&] { return at_->endings > 0; });
    std::lock_guard lock{at_->guard};
    return at_->in_order;
  }

private:
  struct notes {
    std::mutex guard;
    std::condition_variable changed;
    std::vector<cluster::frame> said;
    std::string why;
    bool in_order = false;
    int endings = 0;

    void add(cluster::frame&& what) {
      std::lock_guard lock{guard};
      said.push_back(std::move(what));
      changed.notify_all();
    }
    void end(const std::string& text, bool order) {
      std::lock_guard lock{guard};
      why = text;
      in_order = order;
      ++endings;
      changed.notify_all();
    }
  };

  void wait(const std::function<bool()>& until) const {
    std::unique_lock lock{at_->guard};
    if (!at_->changed.wait_for(lock, patience, until))
      throw std::runtime_error("it did not come in all the time there was");
  }

  std::shared_ptr<notes> at_ = std::make_shared<notes>();
};

/// Runs it on the thread of `io`, and waits.
template <class Work>
auto on(boost::asio::io_context& io, Work work) {
  std::packaged_task<decltype(work())()> task{std::move(work)};
  auto result = task.get_future();
  boost::asio::post(io, [&] { task(); });
  return result.get();
}

/// Whether it comes true in time.
template <class Condition>
bool eventually(Condition holds, std::chrono::milliseconds in = 20s) {
  const auto end = cluster::clock::now() + in;
  while (!holds()) {
    if (cluster::clock::now() > end)
      return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// What this process holds of the machine's memory.
inline std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream{"/proc/self/statm"} >> all >> resident;
  return resident * 4096;
}

inline std::string preamble(unsigned version = cluster::wire_version) {
  return std::string{"troupe"} + static_cast<char>(version >> 8) +
         static_cast<char>(version & 0xff);
}

inline std::string length(std::uint32_t size) {
  std::string result(sizeof size, '\0');
  std::memcpy(result.data(), &size, sizeof size);
  return result;
}

inline std::string framed(const cluster::frame& what) {
  caf::byte_buffer bytes;
  caf::binary_serializer sink{nullptr, bytes};
  if (!sink.apply(what))
    throw std::runtime_error(caf::to_string(sink.get_error()));
  return length(static_cast<std::uint32_t>(bytes.size())) +
         std::string{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// An end of a connection that says, byte by byte, what a test makes it say,
/// and reads when it is made to.
class bare_end {
public:
  explicit bare_end(cluster::tcp::socket socket) : socket_(std::move(socket)) {}

  void say(const std::string& bytes) {
    boost::asio::write(socket_, boost::asio::buffer(bytes), error_);
  }
  /// So many bytes, or as many as come before the other end closes; `error`
  /// then says how.
  std::string hear(std::size_t count = ~std::size_t{0}) {
    std::string all;
    char some[65536];
    while (all.size() < count && readable()) {
      const auto size = socket_.read_some(
          boost::asio::buffer(some, std::min(sizeof some, count - all.size())),
          error_);
      if (error_)
        break;
      all.append(some, size);
    }
    return all;
  }
  const cluster::network_error& error() const { return error_; }
  void close() { socket_.close(error_); }
  cluster::tcp::socket& socket() { return socket_; }

private:
  bool readable() {
    pollfd one{socket_.native_handle(), POLLIN, 0};
    const std::chrono::milliseconds longest = hearer::patience;
    return ::poll(&one, 1, static_cast<int>(longest.count())) == 1;
  }

  cluster::tcp::socket socket_;
  cluster::network_error error_;
};

/// A connection and what it tells; ends with it.
class speaker {
public:
  speaker(cluster::stream over, const cluster::connection_options& how)
      : executor_(over.get_executor()),
        at_(std::make_shared<cluster::connection>(std::move(over), how)) {}
  speaker(const speaker&) = delete;
  speaker& operator=(const speaker&) = delete;
  ~speaker() {
    boost::asio::post(executor_, [at = at_] { at->abort("the test is over"); });
  }

  void start(bool dials = false) {
    at_->start(dials ? boost::asio::ssl::stream_base::client
                     : boost::asio::ssl::stream_base::server,
        heard.events());
  }
  cluster::connection* operator->() const { return at_.get(); }
  const std::shared_ptr<cluster::connection>& at() const { return at_; }

  hearer heard;

private:
  cluster::stream::executor_type executor_;
  std::shared_ptr<cluster::connection> at_;
};

/// One connection whose other end is bare.
class half_bare {
public:
  explicit half_bare(const cluster::connection_options& how = {},
      const cluster::shared_tls& tls = {})
      : us(cluster::stream{std::move(both_.first), tls}, how),
        them(std::move(both_.second)) {
    us.start();
  }

  io_thread io;

private:
  boost::asio::io_context context_;
  std::pair<cluster::tcp::socket, cluster::tcp::socket> both_ =
      connected_sockets(io.context(), context_);

public:
  speaker us;
  bare_end them;
};

/// Both ends of one connection: `one` listened, and `other` dialled.
class both_ends {
public:
  explicit both_ends(medium over, const cluster::connection_options& how = {})
      : both_ends(over, how, how) {}
  both_ends(medium over, const cluster::connection_options& how,
      const cluster::connection_options& others)
      : both_ends(over == medium::tls ? self_signed() : nullptr, how, others) {}

  void start() {
    one.start();
    other.start(true);
  }

  io_thread one_thread, other_thread;

private:
  both_ends(const cluster::shared_tls& tls,
      const cluster::connection_options& how,
      const cluster::connection_options& others)
      : one(cluster::stream{std::move(both_.first), tls}, how),
        other(cluster::stream{std::move(both_.second), tls}, others) {}

  std::pair<cluster::tcp::socket, cluster::tcp::socket> both_ =
      connected_sockets(one_thread.context(), other_thread.context());

public:
  speaker one, other;
};

} // namespace troupe::tests
