#include "tests/support/loopback.hpp"

#include "runtime/cluster/neighbours.hpp"
#include "runtime/cluster/socket_channel.hpp"
#include "runtime/cluster/ucx_channel.hpp"

#include <future>
#include <stdexcept>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace troupe::tests {
namespace {

using boost::asio::ip::address_v4;
using boost::asio::ssl::context;
using boost::asio::ssl::stream_base;
using cluster::network_error;
using cluster::stream;
using cluster::tcp;

std::future<network_error> handshake(
    stream& with, stream_base::handshake_type as) {
  auto promise = std::make_shared<std::promise<network_error>>();
  boost::asio::post(with.get_executor(), [&with, as, promise] {
    with.async_handshake(
        as, [promise](network_error e) { promise->set_value(e); });
  });
  return promise->get_future();
}

// The system may have no memory to share, or none that we may have.
std::future<channel_end> open(stream over, cluster::memory_channel::side which,
    const cluster::wire_choice& of, monitoring::wire wanted) {
  auto promise = std::make_shared<std::promise<channel_end>>();
  auto executor = over.get_executor();
  auto held = std::make_shared<stream>(std::move(over));
  boost::asio::post(executor, [held, which, of, wanted, promise] {
    cluster::open_channel(
        std::move(*held), which,
        [wanted, promise](auto end, std::error_code) {
          if (!end || end->over() != wanted)
            throw std::runtime_error("there is no such channel here");
          promise->set_value(std::move(end));
        },
        std::chrono::minutes{1}, of);
  });
  return promise->get_future();
}

std::string transports(medium over) {
  return over == medium::ucx_tcp ? "tcp" : "posix,self";
}

void must(bool done) {
  if (!done)
    throw std::runtime_error("no certificate could be made");
}

} // namespace

std::pair<tcp::socket, tcp::socket> connected_sockets(
    boost::asio::io_context& one, boost::asio::io_context& other) {
  tcp::acceptor door{one, tcp::endpoint{address_v4::loopback(), 0}};
  tcp::socket dialled{other};
  dialled.connect(door.local_endpoint());
  return {door.accept(), std::move(dialled)};
}

std::pair<stream, stream> connected_streams(boost::asio::io_context& one,
    boost::asio::io_context& other, const cluster::shared_tls& tls) {
  auto [accepted, dialled] = connected_sockets(one, other);
  std::pair<stream, stream> both{
      stream{std::move(accepted), tls}, stream{std::move(dialled), tls}};
  auto first = handshake(both.first, stream_base::server);
  auto second = handshake(both.second, stream_base::client);
  for (auto* end : {&first, &second})
    if (auto error = end->get())
      throw std::runtime_error("handshake: " + error.message());
  return both;
}

std::string to_string(medium over) {
  switch (over) {
  case medium::plain:
    return "plain";
  case medium::tls:
    return "tls";
  case medium::memory:
    return "memory";
  case medium::ucx_tcp:
    return "ucx_tcp";
  case medium::ucx_memory:
    break;
  }
  return "ucx_memory";
}

std::vector<medium> every_medium() {
  std::vector all{medium::plain, medium::tls, medium::memory};
  for (auto over : {medium::ucx_tcp, medium::ucx_memory})
    if (cluster::ucx_channel::available(transports(over)))
      all.push_back(over);
  return all;
}

cluster::wire_choice ucx_over(const std::string& transports) {
  cluster::wire_choice result;
  result.memory = false;
  result.ucx = result.ucx_first = true;
  result.transports = transports;
  return result;
}

std::pair<channel_end, channel_end> connected_channels(
    boost::asio::io_context& one, boost::asio::io_context& other, medium over) {
  using cluster::socket_channel;
  using side = cluster::memory_channel::side;
  auto [a, b] = connected_streams(
      one, other, over == medium::tls ? self_signed() : nullptr);
  if (over == medium::plain || over == medium::tls)
    return {std::make_unique<socket_channel>(std::move(a)),
        std::make_unique<socket_channel>(std::move(b))};
  const bool by_memory = over == medium::memory;
  const auto of =
      by_memory ? cluster::wire_choice{} : ucx_over(transports(over));
  const auto wanted =
      by_memory ? monitoring::wire::memory : monitoring::wire::ucx;
  auto first = open(std::move(a), side::makes, of, wanted);
  auto second = open(std::move(b), side::opens, of, wanted);
  return {first.get(), second.get()};
}

cluster::shared_tls self_signed() {
  const std::shared_ptr<EVP_PKEY> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  const std::shared_ptr<X509> paper{X509_new(), X509_free};
  must(key && paper);
  X509_gmtime_adj(X509_getm_notBefore(paper.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(paper.get()), 3600);
  must(X509_set_pubkey(paper.get(), key.get()) == 1);
  must(X509_sign(paper.get(), key.get(), EVP_sha256()) != 0);
  auto made = std::make_shared<context>(context::tlsv13);
  must(SSL_CTX_use_certificate(made->native_handle(), paper.get()) == 1);
  must(SSL_CTX_use_PrivateKey(made->native_handle(), key.get()) == 1);
  return made;
}

} // namespace troupe::tests
