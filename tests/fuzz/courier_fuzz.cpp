// Whatever the other end says, a courier answers each of its fetches once, with
// a tensor of the size that was asked for or an error, and says nothing itself
// that its own reader would refuse.
//
// The first byte says after how many headers a fetch is called off, the second
// after how many the channel is replaced; the rest is what the other end says.
// There, id 1 names a tensor that is lent, and a checksum of 0 the right one.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <span>
#include <system_error>

#include "runtime/cluster/courier.hpp"
#include "runtime/cluster/crc32c.hpp"
#include "runtime/cluster/parcel.hpp"

namespace {

using namespace troupe;
using cluster::parcel;

// An I/O thread without a thread.
class loop {
public:
  cluster::courier::post post() {
    return [this](auto work) { queue_.push_back(std::move(work)); };
  }
  void run() {
    for (; !queue_.empty(); queue_.pop_front())
      queue_.front()();
  }

private:
  std::deque<std::function<void()>> queue_;
};

struct speech {
  std::span<const std::byte> rest;
  std::size_t headers = 0;
  tensor_id lent = 0;
  std::function<void()> at_header;
};

class spoken final : public cluster::channel {
public:
  spoken(loop& io, speech& what) : post_(io.post()), what_(what) {}

  void send(std::span<const std::byte> from, done then) override {
    if (from.size() == parcel::size) {
      cluster::parcel_bytes head;
      std::ranges::copy(from, head.begin());
      static_cast<void>(cluster::to_parcel(head)); // throws: a bug
    }
    post_([then] { then({}); });
  }

  void receive(std::span<std::byte> to, done then) override {
    if (closed_ || what_.rest.size() < to.size())
      return post_(
          [then] { then(std::make_error_code(std::errc::connection_reset)); });
    std::ranges::copy(what_.rest.first(to.size()), to.begin());
    what_.rest = what_.rest.subspan(to.size());
    if (to.size() == parcel::size) {
      put_right(to);
      ++what_.headers;
      what_.at_header();
    }
    post_([then] { then({}); });
  }

  void close() override { closed_ = true; }
  monitoring::wire over() const noexcept override {
    return monitoring::wire::tcp;
  }

private:
  void put_right(std::span<std::byte> head) const {
    parcel x;
    std::memcpy(&x, head.data(), sizeof x);
    if (x.id == 1)
      x.id = what_.lent;
    if (x.what == parcel::kind::chunk && x.checksum == 0)
      x.checksum = cluster::crc32c(
          what_.rest.first(std::min<std::size_t>(x.length, what_.rest.size())));
    std::memcpy(head.data(), &x, sizeof x);
  }

  cluster::courier::post post_;
  speech& what_;
  bool closed_ = false;
};

void require(bool good) {
  if (!good)
    std::abort();
}

void converse(std::size_t cancel_at, std::size_t break_at,
    std::span<const std::byte> said) {
  constexpr std::uint64_t counts[] = {10, 0, 5'000};
  loop io;
  auto shelf = std::make_shared<cluster::shelf>();
  auto block = std::make_shared<gpu::buffer>(5'000);
  std::ranges::fill(block->span(), 1.0f);
  speech what{said, 0, shelf->lend(block).id, {}};
  int answers = 0;
  {
    cluster::courier courier{shelf, io.post(), {.chunk = 4'096}};
    what.at_header = [&] {
      if (what.headers == cancel_at)
        courier.cancel(4);
      if (what.headers == break_at)
        courier.attach(std::make_unique<spoken>(io, what), {});
    };
    for (tensor_id id = 2; id <= 4; ++id) {
      tensor wanted;
      wanted.id = id;
      wanted.count = counts[id - 2];
      courier.fetch(wanted, 20'000,
          [&, count = wanted.count](auto got, float, auto error) {
            ++answers;
            require(error ? !got : got && got->size() == count);
          });
    }
    courier.attach(std::make_unique<spoken>(io, what), {});
    io.run();
  }
  io.run();
  require(answers == 3);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(
    const std::uint8_t* data, std::size_t size) {
  if (size >= 2)
    converse(data[0], data[1], std::as_bytes(std::span{data, size}).subspan(2));
  return 0;
}
