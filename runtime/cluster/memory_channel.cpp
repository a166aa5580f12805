#include "runtime/cluster/memory_channel.hpp"

#include "runtime/cluster/lane.hpp"

#include <algorithm>

namespace troupe::cluster {
namespace {

// One end of a ring; the other end's count is not to be trusted.
class ring_end {
public:
  ring_end(std::byte* bytes, std::atomic<std::uint64_t>& mine,
      const std::atomic<std::uint64_t>& theirs)
      : bytes_(bytes), mine_(&mine), theirs_(&theirs) {}

  // Bytes between the two ends; more than the ring has if they lie.
  std::uint64_t apart(bool writes) const noexcept {
    const auto other = theirs_->load();
    return writes ? at_ - other : other - at_;
  }

  // The next bytes that lie together, of `most`.
  std::span<std::byte> next(std::uint64_t most) const noexcept {
    const auto from = at_ % shared_region::ring_bytes;
    return {bytes_ + from,
        std::min<std::uint64_t>(most, shared_region::ring_bytes - from)};
  }

  void advance(std::size_t by) noexcept {
    at_ += by;
    mine_->store(at_);
  }

private:
  std::byte* bytes_;
  std::atomic<std::uint64_t>* mine_;
  const std::atomic<std::uint64_t>* theirs_;
  std::uint64_t at_ = 0;
};

// The other end begins with so much while we go on with the next.
constexpr std::uint64_t piece = std::uint64_t{64} << 10;
// Then others on this thread have their turn.
constexpr int pieces_a_turn = 64;

} // namespace

struct memory_channel::line : std::enable_shared_from_this<line> {
  line(std::unique_ptr<channel> b, std::function<void(std::function<void()>)> p,
      shared_region r, side which)
      : bell(std::move(b)),
        post(std::move(p)),
        region(std::move(r)),
        me(which == side::makes ? 0 : 1),
        out(region.bytes(me), head().rings[me].written, head().rings[me].taken),
        in(region.bytes(1 - me), head().rings[1 - me].taken,
            head().rings[1 - me].written) {}

  shared_region::head& head() noexcept { return region.front(); }

  void listen() {
    auto byte = std::make_shared<std::byte>();
    bell->receive({byte.get(), 1},
        [byte, weak = weak_from_this()](std::error_code error) {
          auto self = weak.lock();
          if (!self)
            return;
          if (!error)
            self->listen();
          else if (!self->ended)
            self->ended = error;
          self->turn();
        });
  }

  void take_turn_later() {
    if (!std::exchange(turn_comes, true))
      post([self = shared_from_this()] {
        self->turn_comes = false;
        self->turn();
      });
  }

  void turn() {
    work();
    wake_other();
  }

  void work() {
    for (int i = 0; i < pieces_a_turn; ++i)
      if (const bool wrote = write(), read = this->read(); !wrote && !read) {
        if (ended) {
          sending.fail(ended);
          receiving.fail(ended);
        } else if (!fall_asleep()) {
          continue;
        }
        return;
      }
    take_turn_later();
  }

  bool write() {
    const auto full = out.apart(true);
    if (ended || sending.empty() || lies(full))
      return false;
    const auto room =
        out.next(std::min(piece, shared_region::ring_bytes - full));
    const auto size = std::min(room.size(), sending[0].size());
    std::copy_n(sending[0].data(), size, room.data());
    return moved(out, sending, size);
  }

  bool read() {
    const auto full = in.apart(false);
    if (closed || receiving.empty() || lies(full))
      return false;
    const auto there = in.next(std::min(piece, full));
    const auto size = std::min(there.size(), receiving[0].size());
    std::copy_n(there.data(), size, receiving[0].data());
    return moved(in, receiving, size);
  }

  template <class Lane>
  bool moved(ring_end& end, Lane& spans, std::size_t size) {
    const bool some = size > 0 || spans[0].empty();
    if (size > 0) {
      end.advance(size);
      unseen += size;
      if (unseen >= shared_region::ring_bytes / 2)
        wake_other();
    }
    if (some)
      spans.moved(size);
    return some;
  }

  bool lies(std::uint64_t full) {
    if (full <= shared_region::ring_bytes)
      return false;
    ended = std::make_error_code(std::errc::bad_message);
    return true;
  }

  // The other end looks at our flag after it moved its count, and we at its
  // count after we set our flag: one of us sees.
  bool fall_asleep() {
    if (sending.empty() && receiving.empty())
      return true; // the next call looks by itself
    head().sleeps[me].store(1);
    const bool room =
        !sending.empty() && out.apart(true) != shared_region::ring_bytes;
    const bool bytes = !receiving.empty() && in.apart(false) != 0;
    if (room || bytes)
      head().sleeps[me].store(0);
    return !room && !bytes;
  }

  // At the end of a turn, and when there is much to do: waking costs as much as
  // copying a piece, and who is woken for little is soon asleep again.
  void wake_other() {
    unseen = 0;
    static constexpr std::byte ring{1};
    if (head().sleeps[1 - me].load() != 0 &&
        head().sleeps[1 - me].exchange(0) != 0)
      bell->send({&ring, 1}, [](std::error_code) {});
  }

  std::unique_ptr<channel> bell;
  std::function<void(std::function<void()>)> post;
  shared_region region;
  std::size_t me;
  ring_end out;
  ring_end in;
  lane<std::span<const std::byte>> sending;
  lane<std::span<std::byte>> receiving;
  std::error_code ended;
  std::size_t unseen = 0; // bytes since the other end was looked after
  bool closed = false;
  bool turn_comes = false;
};

memory_channel::memory_channel(std::unique_ptr<channel> bell,
    std::function<void(std::function<void()>)> post, shared_region region,
    side which)
    : line_(std::make_shared<line>(
          std::move(bell), std::move(post), std::move(region), which)) {
  line_->listen();
}

memory_channel::~memory_channel() {
  close();
}

void memory_channel::send(std::span<const std::byte> from, done then) {
  line_->sending.add(from, std::move(then));
  line_->take_turn_later();
}

void memory_channel::receive(std::span<std::byte> to, done then) {
  line_->receiving.add(to, std::move(then));
  line_->take_turn_later();
}

void memory_channel::close() {
  line_->closed = true;
  line_->ended = std::make_error_code(std::errc::operation_canceled);
  line_->bell->close();
  line_->take_turn_later();
}

} // namespace troupe::cluster
