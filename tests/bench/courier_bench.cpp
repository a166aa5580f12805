// How fast a courier brings a tensor over loopback, beside bare loops over the
// same kind of socket (send and recv; SSL_write and SSL_read) and memcpy, and
// beside a stream of gRPC's where that is installed, in the same run; a tensor
// that goes to many, and one that goes once. Over UCX, too, through its TCP and
// its shared memory, where that is installed. Usage:
// courier_bench [values] [repetitions]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <vector>

#include <sys/socket.h>

#include "runtime/cluster/courier.hpp"
#include "runtime/cluster/socket_channel.hpp"
#include "tests/support/loopback.hpp"

#ifdef TROUPE_WITH_GRPC
#include "tests/bench/grpc_stream.hpp"
#endif

namespace {

using namespace troupe;
using tests::io_thread;

template <class Work>
double seconds(Work&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  const auto end = std::chrono::steady_clock::now();
  return std::chrono::duration<double>(end - begin).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<long>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

gpu::shared_buffer some_values(std::size_t count) {
  auto values = std::make_shared<gpu::buffer>(count);
  for (std::size_t i = 0; i < count; ++i)
    values->span()[i] = static_cast<float>(i % 1'000) - 500.0f;
  return values;
}

void require(bool good, const char* what) {
  if (!good) {
    std::fprintf(stderr, "courier_bench: %s\n", what);
    std::exit(1);
  }
}

// Two processes' ends of one connection, with a courier each.
class couriers {
public:
  explicit couriers(tests::medium over) {
    auto [a, b] =
        tests::connected_channels(one_.context(), other_.context(), over);
    lends_.attach(std::move(a), {});
    asks_.attach(std::move(b), {});
  }

  // What goes to many is lent once, and its checksums are known then.
  tensor keep(const gpu::shared_buffer& block) {
    auto lent = shelf_->lend(block);
    lent.here.reset();
    return lent;
  }

  double bring(const tensor& lent) {
    std::promise<gpu::shared_buffer> come;
    return seconds([&] {
      asks_.fetch(lent, lent.count * sizeof(float),
          [&](auto got, float, auto) { come.set_value(std::move(got)); });
      require(come.get_future().get() != nullptr, "nothing came");
    });
  }

  double bring_once(const gpu::shared_buffer& block) {
    const auto lent = keep(block);
    const auto took = bring(lent);
    shelf_->release(lent.id);
    return took;
  }

private:
  static cluster::courier::post on(io_thread& io) {
    return cluster::post_to(io.context().get_executor());
  }

  io_thread one_, other_;
  std::shared_ptr<cluster::shelf> shelf_ = std::make_shared<cluster::shelf>();
  cluster::courier lends_{shelf_, on(one_)};
  cluster::courier asks_{shelf_, on(other_)};
};

// The same connection without a courier, and blocking.
class bare_sockets {
public:
  explicit bare_sockets(const cluster::shared_tls& tls)
      : ends_(tests::connected_sockets(context_, context_)) {
    ends_.first.native_non_blocking(false);
    ends_.second.native_non_blocking(false);
    if (!tls)
      return;
    from_.reset(SSL_new(tls->native_handle()));
    to_.reset(SSL_new(tls->native_handle()));
    SSL_set_fd(from_.get(), ends_.first.native_handle());
    SSL_set_fd(to_.get(), ends_.second.native_handle());
    auto accepting =
        std::async(std::launch::async, [&] { return SSL_accept(from_.get()); });
    require(SSL_connect(to_.get()) == 1 && accepting.get() == 1, "no TLS");
  }

  double bring(const gpu::buffer& block, gpu::buffer& to) {
    return seconds([&] {
      auto sending = std::async(std::launch::async, [&] {
        const auto* at = reinterpret_cast<const char*>(block.span().data());
        for (auto left = block.bytes(); left > 0;) {
          const auto moved = send(at, left);
          at += moved;
          left -= moved;
        }
      });
      auto* at = reinterpret_cast<char*>(to.span().data());
      for (auto left = to.bytes(); left > 0;) {
        const auto moved = receive(at, left);
        at += moved;
        left -= moved;
      }
      sending.get();
    });
  }

private:
  struct free_tls {
    void operator()(SSL* one) const { SSL_free(one); }
  };
  using tls_end = std::unique_ptr<SSL, free_tls>;
  static constexpr std::size_t piece = std::size_t{256} << 10;

  std::size_t send(const char* at, std::size_t left) {
    const auto size = std::min(left, piece);
    const auto moved = from_
                           ? SSL_write(from_.get(), at, static_cast<int>(size))
                           : ::send(ends_.first.native_handle(), at, size, 0);
    require(moved > 0, "a bare socket broke");
    return static_cast<std::size_t>(moved);
  }
  std::size_t receive(char* at, std::size_t left) {
    const auto size = std::min(left, piece);
    const auto moved = to_ ? SSL_read(to_.get(), at, static_cast<int>(size))
                           : ::recv(ends_.second.native_handle(), at, size, 0);
    require(moved > 0, "a bare socket broke");
    return static_cast<std::size_t>(moved);
  }

  boost::asio::io_context context_;
  std::pair<cluster::tcp::socket, cluster::tcp::socket> ends_;
  tls_end from_, to_;
};

#ifdef TROUPE_WITH_GRPC
class grpc_peer {
public:
  double bring(const gpu::buffer& block, gpu::buffer& to) {
    return seconds([&] {
      require(stream_.bring(std::as_bytes(block.span()),
                  std::as_writable_bytes(to.span())),
          "a call of gRPC's failed");
    });
  }

private:
  bench::grpc_stream stream_;
};
#else
struct grpc_peer {
  double bring(const gpu::buffer&, gpu::buffer&) { return 0.0; }
};
#endif

} // namespace

int main(int argc, char** argv) {
  const auto count =
      argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000'000;
  const auto repetitions = argc > 2 ? std::atoi(argv[2]) : 9;
  const auto model = some_values(count);
  const auto update = some_values(count);
  gpu::buffer to{count};
  using tests::medium;
  couriers plain{medium::plain}, tls{medium::tls}, memory{medium::memory};
  const auto over_plain = plain.keep(model);
  const auto over_tls = tls.keep(model);
  const auto over_memory = memory.keep(model);
  const auto all = tests::every_medium();
  const bool has_ucx = std::ranges::count(all, medium::ucx_tcp) != 0;
  couriers ucx_tcp{has_ucx ? medium::ucx_tcp : medium::plain};
  couriers ucx_memory{has_ucx ? medium::ucx_memory : medium::memory};
  const auto over_ucx_tcp = ucx_tcp.keep(model);
  const auto over_ucx_memory = ucx_memory.keep(model);
  bare_sockets bare{{}}, bare_tls{tests::self_signed()};
  grpc_peer grpc;
  std::vector<double> by_copy, by_plain, by_plain_once, by_tls, by_memory,
      by_ucx_tcp, by_ucx_memory, by_bare, by_bare_tls, by_grpc;
  for (int i = 0; i <= repetitions; ++i) {
    by_copy.push_back(seconds([&] {
      std::memcpy(to.span().data(), model->span().data(), model->bytes());
      asm volatile("" : : "r"(to.span().data()) : "memory");
    }));
    by_plain.push_back(plain.bring(over_plain));
    by_bare.push_back(bare.bring(*model, to));
    by_plain_once.push_back(plain.bring_once(update));
    by_tls.push_back(tls.bring(over_tls));
    by_bare_tls.push_back(bare_tls.bring(*model, to));
    by_memory.push_back(memory.bring(over_memory));
    by_ucx_tcp.push_back(ucx_tcp.bring(over_ucx_tcp));
    by_ucx_memory.push_back(ucx_memory.bring(over_ucx_memory));
    by_grpc.push_back(grpc.bring(*model, to));
    if (i == 0) // which warmed up
      for (auto* each :
          {&by_copy, &by_plain, &by_plain_once, &by_tls, &by_memory,
              &by_ucx_tcp, &by_ucx_memory, &by_bare, &by_bare_tls, &by_grpc})
        each->clear();
  }
  const auto line = [&](const char* name, const auto& ours, const auto& peer) {
    const auto bytes = static_cast<double>(model->bytes());
    std::printf(
        "courier %s bytes_per_s=%.4g peer_bytes_per_s=%.4g ratio=%.3f\n", name,
        bytes / median(ours), bytes / median(peer),
        median(peer) / median(ours));
  };
  line("plain", by_plain, by_bare);
  line("plain_once", by_plain_once, by_bare);
  line("tls", by_tls, by_bare_tls);
  line("memory", by_memory, by_copy);
  if (has_ucx) {
    line("ucx_tcp", by_ucx_tcp, by_bare);
    line("ucx_memory", by_ucx_memory, by_copy);
  } else {
    std::printf("courier ucx_tcp not installed\n"
                "courier ucx_memory not installed\n");
  }
  if (median(by_grpc) > 0.0)
    line("grpc", by_grpc, by_bare);
  else
    std::printf("courier grpc not installed\n");
}
