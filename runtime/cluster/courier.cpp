#include "runtime/cluster/courier.hpp"

#include "runtime/cluster/deliveries.hpp"
#include "runtime/cluster/orders.hpp"

#include <atomic>
#include <deque>
#include <utility>

namespace troupe::cluster {
namespace {

// What the calls to one channel work on. They hold it, and the desk does: so it
// lasts while the channel may touch it, and holds neither of both.
struct table {
  struct parting {
    parcel_bytes head;
    std::shared_ptr<const loan> from;
  };

  explicit table(deliveries d) : to_deliver(std::move(d)) {}

  deliveries to_deliver;
  parcel_bytes head{};          // of the parcel that comes next
  std::deque<parting> partings; // on their way out
  std::size_t chunks_out = 0;
};

// What may be given to a channel at once beside chunks.
constexpr std::size_t most_partings = 64;

} // namespace

// The courier on its I/O thread.
class courier::desk : public std::enable_shared_from_this<desk> {
public:
  desk(std::shared_ptr<const shelf> lends, options how)
      : lends_(std::move(lends)), how_(how) {}

  void attach(std::shared_ptr<channel> to, ended then) {
    detach();
    channel_ = std::move(to);
    ended_ = std::move(then);
    table_ = std::make_shared<table>(deliveries{lends_, how_.chunk});
    expect_parcel();
    send_what_may();
  }

  void detach() {
    if (!channel_)
      return;
    std::exchange(channel_, nullptr)->close();
    table_.reset();
    ended_ = {};
    pending_.broken();
  }

  void fetch(const tensor& what, std::uint64_t most_bytes, done then) {
    pending_.fetch(what, most_bytes, std::move(then));
    send_what_may();
  }

  void cancel(tensor_id id) {
    pending_.cancel(id);
    send_what_may();
  }

  void close() {
    detach();
    pending_.cancel_all();
  }

  std::uint64_t moved() const noexcept { return moved_; }

private:
  void end(const std::system_error& why) {
    auto then = std::move(ended_);
    detach();
    if (then)
      then(why);
  }

  // Wraps what follows a call to the channel: nothing, if that one has ended.
  template <class Then>
  channel::done when(const char* what, Then then) {
    return [what, at = table_, weak = weak_from_this(), then = std::move(then)](
               std::error_code error) {
      auto self = weak.lock();
      if (!self || self->table_ != at)
        return;
      if (error)
        return self->end(std::system_error(error, what));
      ++self->moved_;
      try {
        then(*self);
      } catch (const std::system_error& refused) {
        self->end(refused);
      }
    };
  }

  void expect_parcel() {
    channel_->receive(table_->head, when("receiving", [](desk& self) {
      self.open(to_parcel(self.table_->head));
    }));
  }

  void open(const parcel& come) {
    switch (come.what) {
    case parcel::kind::chunk:
      expect_bytes(come);
      break;
    case parcel::kind::gone:
      pending_.gone(come);
      break;
    case parcel::kind::fetch:
      table_->to_deliver.fetch(come);
      break;
    case parcel::kind::stop:
      table_->to_deliver.stop(come.id);
      break;
    }
    expect_parcel();
    send_what_may();
  }

  void expect_bytes(const parcel& chunk) {
    auto place = pending_.expect(chunk);
    channel_->receive(place.bytes,
        when("receiving", [in = std::move(place.in), chunk](desk& self) {
          self.pending_.accept(chunk);
          self.send_what_may();
        }));
  }

  void send_what_may() {
    if (!channel_)
      return;
    while (auto say = pending_.next())
      send({*say, nullptr, {}});
    auto& t = *table_;
    while (t.chunks_out < how_.ahead && t.partings.size() < most_partings)
      if (auto piece = t.to_deliver.next())
        send(*piece);
      else
        return;
  }

  void send(const deliveries::piece& what) {
    const bool chunk = what.head.what == parcel::kind::chunk;
    table_->partings.push_back({to_bytes(what.head), what.from});
    const auto& parting = table_->partings.back();
    if (chunk) {
      ++table_->chunks_out;
      channel_->send(parting.head, when("sending", [](desk&) {}));
    }
    channel_->send(
        chunk ? what.bytes : std::span<const std::byte>{parting.head},
        when("sending", [chunk](desk& self) {
          self.table_->partings.pop_front();
          self.table_->chunks_out -= chunk ? 1 : 0;
          self.send_what_may();
        }));
  }

  std::shared_ptr<const shelf> lends_;
  options how_;
  orders pending_;
  std::shared_ptr<channel> channel_;
  std::shared_ptr<table> table_;
  ended ended_;
  std::atomic<std::uint64_t> moved_ = 0;
};

courier::courier(
    std::shared_ptr<const shelf> lends, post to_io_thread, options how)
    : post_(std::move(to_io_thread)),
      desk_(std::make_shared<desk>(std::move(lends), how)) {}

courier::~courier() {
  post_([desk = std::move(desk_)] { desk->close(); });
}

void courier::attach(std::unique_ptr<channel> to, ended then) {
  post_([desk = desk_, to = std::shared_ptr<channel>(std::move(to)),
            then = std::move(then)] { desk->attach(to, then); });
}

void courier::detach() {
  post_([desk = desk_] { desk->detach(); });
}

void courier::fetch(const tensor& what, std::uint64_t most_bytes, done then) {
  post_([desk = desk_, what, most_bytes, then = std::move(then)] {
    desk->fetch(what, most_bytes, then);
  });
}

std::uint64_t courier::moved() const noexcept {
  return desk_->moved();
}

void courier::cancel(tensor_id id) {
  post_([desk = desk_, id] { desk->cancel(id); });
}

} // namespace troupe::cluster
