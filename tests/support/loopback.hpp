#pragma once

#include <memory>
#include <string>
#include <thread>
#include <utility> // before Asio, which forgets it
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "runtime/cluster/channel.hpp"
#include "runtime/cluster/stream.hpp"
#include "runtime/cluster/wire_choice.hpp"

namespace troupe::tests {

/// One I/O thread; waits at its end until nothing is left to do there.
class io_thread {
public:
  io_thread() : thread_([this] { context_.run(); }) {}
  ~io_thread() {
    busy_.reset();
    thread_.join();
  }

  boost::asio::io_context& context() { return context_; }

private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      busy_{context_.get_executor()};
  std::thread thread_;
};

/// Both ends of one TCP connection over loopback, each on its own context.
std::pair<cluster::tcp::socket, cluster::tcp::socket> connected_sockets(
    boost::asio::io_context& one, boost::asio::io_context& other);

/// The same as streams, after their handshake under `tls` if there is any; both
/// contexts run already.
std::pair<cluster::stream, cluster::stream> connected_streams(
    boost::asio::io_context& one, boost::asio::io_context& other,
    const cluster::shared_tls& tls = {});

/// What a test's channel goes over.
enum class medium { plain, tls, memory, ucx_tcp, ucx_memory };
std::string to_string(medium over);
/// All of them; UCX's where the build and the machine have it.
std::vector<medium> every_medium();
/// Over UCX alone.
cluster::wire_choice ucx_over(const std::string& transports);

/// Both ends of one channel, each on its own context; both contexts run
/// already.
using channel_end = std::unique_ptr<cluster::channel>;
std::pair<channel_end, channel_end> connected_channels(
    boost::asio::io_context& one, boost::asio::io_context& other, medium over);

/// TLS 1.3 with a certificate made here, for both ends; nobody is verified.
cluster::shared_tls self_signed();

} // namespace troupe::tests
