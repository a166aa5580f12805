#include "runtime/cluster/neighbours.hpp"

#include "runtime/cluster/socket_channel.hpp"
#include "runtime/cluster/ucx_channel.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace troupe::cluster {
namespace {

using side = memory_channel::side;

// What both ends agree on.
enum agreement : std::uint64_t { by_connection, by_memory, by_ucx };
// Instead of a region's token, which is drawn at random.
constexpr std::uint64_t ucx_token = 0x78'63'75'2d'65'72'69'77; // "wire-ucx"
constexpr std::uint64_t longest_address = std::uint64_t{64} << 10;

// One end of the conversation; kept by its deadline alone, which is waited for
// to the end or dropped with the thread's last work.
class meeting : public std::enable_shared_from_this<meeting> {
public:
  meeting(stream over, opened then, wire_choice of)
      : executor_(over.get_executor()),
        deadline_(executor_),
        patience_(executor_),
        choice_(std::move(of)),
        then_(std::move(then)) {
    choice_.ucx = choice_.ucx && (choice_.beside_tls || !over.tls()) &&
                  ucx_channel::available(choice_.transports);
    wire_ = std::make_unique<socket_channel>(std::move(over));
  }

  void start(side which, std::chrono::milliseconds in_time) {
    which_ = which;
    in_time_ = in_time;
    deadline_.expires_after(in_time);
    deadline_.async_wait([self = shared_from_this()](network_error e) {
      if (!e)
        self->end(nullptr, std::make_error_code(std::errc::timed_out));
    });
    which == side::makes ? make() : open();
  }

private:
  void make() {
    if (choice_.memory)
      region_ = shared_region::make();
    if (region_)
      std::ranges::copy(region_->name(), name_.begin());
    name_.back() = choice_.ucx ? choice_.ucx_first ? 2 : 1 : 0;
    tell(name_);
    hear(token_, [](meeting& self) {
      auto& region = self.region_;
      if (self.choice_.ucx && self.token_ == ucx_token)
        self.agreed_ = by_ucx;
      else if (region && self.token_ == region->front().token)
        self.agreed_ = by_memory;
      if (region)
        region->forget_name();
      self.tell(self.agreed_);
      self.settle();
    });
  }

  void open() {
    hear(name_, [](meeting& self) {
      auto& region = self.region_;
      const auto offer = self.name_.back();
      const auto end = std::ranges::find(self.name_, '\0');
      if (self.choice_.memory)
        region = shared_region::open({self.name_.begin(), end});
      auto& choice = self.choice_;
      choice.ucx = choice.ucx && offer != 0 &&
                   (offer == 2 || choice.ucx_first || !region);
      self.token_ = choice.ucx ? ucx_token : region ? region->front().token : 0;
      self.tell(self.token_);
      self.hear(self.agreed_, [](meeting& it) { it.settle(); });
    });
  }

  void settle() {
    if (agreed_ == by_ucx && choice_.ucx)
      return exchange_addresses();
    if (agreed_ == by_connection || !region_)
      return end(std::move(wire_), {});
    end(std::make_unique<memory_channel>(
            std::move(wire_), post_to(executor_), std::move(*region_), which_),
        {});
  }

  void exchange_addresses() {
    ucx_ = ucx_channel::make(executor_, choice_.transports);
    address_ = ucx_ ? ucx_->address() : std::string{};
    length_ = address_.size();
    tell(length_);
    say(std::as_bytes(std::span{address_}));
    hear(their_length_, [](meeting& self) {
      if (self.their_length_ > longest_address)
        return self.end(nullptr, std::make_error_code(std::errc::bad_message));
      self.their_address_.resize(self.their_length_);
      self.listen(std::as_writable_bytes(std::span{self.their_address_}),
          [](meeting& it) { it.try_ucx(); });
    });
  }

  // An address does not tell whether bytes get there.
  void try_ucx() {
    if (!ucx_ || their_address_.empty() || !ucx_->reach(their_address_))
      return tell_reached(false);
    patience_.expires_after(in_time_ / 3);
    patience_.async_wait([weak = weak_from_this()](network_error e) {
      if (auto self = weak.lock(); self && !e)
        self->tell_reached(false);
    });
    say(*ucx_, std::as_bytes(std::span{&word_, 1}));
    ucx_->receive(std::as_writable_bytes(std::span{&their_word_, 1}),
        [weak = weak_from_this()](std::error_code error) {
          if (const auto self = weak.lock())
            self->tell_reached(!error);
        });
  }

  void tell_reached(bool it_is) {
    if (!then_ || std::exchange(told_, true))
      return;
    reached_ = it_is ? 1 : 0;
    tell(reached_);
    patience_.cancel();
    hear(they_reached_, [](meeting& self) {
      if (self.reached_ != 1 || self.they_reached_ != 1)
        return self.end(std::move(self.wire_), {});
      self.ucx_->watch(std::move(self.wire_));
      self.end(std::move(self.ucx_), {});
    });
  }

  void end(std::unique_ptr<channel> best, std::error_code error) {
    deadline_.cancel();
    patience_.cancel();
    region_.reset();
    wire_.reset();
    ucx_.reset();
    if (auto then = std::exchange(then_, nullptr))
      then(std::move(best), error);
  }

  // It may be on its way when the meeting is over.
  static void say(channel& over, std::span<const std::byte> what) {
    auto copy =
        std::make_shared<std::vector<std::byte>>(what.begin(), what.end());
    const auto bytes = std::span<const std::byte>{*copy};
    over.send(bytes, [copy = std::move(copy)](std::error_code) {});
  }
  void say(std::span<const std::byte> what) { say(*wire_, what); }
  template <class T>
  void tell(T& what) {
    say(std::as_bytes(std::span{&what, 1}));
  }

  template <class Then>
  void listen(std::span<std::byte> to, Then then) {
    wire_->receive(to, [weak = weak_from_this(), then](std::error_code error) {
      const auto self = weak.lock();
      if (!self || !self->then_)
        return;
      error ? self->end(nullptr, error) : then(*self);
    });
  }
  template <class T, class Then>
  void hear(T& what, Then then) {
    listen(std::as_writable_bytes(std::span{&what, 1}), then);
  }

  stream::executor_type executor_;
  asio::steady_timer deadline_, patience_;
  wire_choice choice_;
  std::unique_ptr<channel> wire_;
  opened then_;
  side which_ = side::makes;
  std::chrono::milliseconds in_time_{};
  std::optional<shared_region> region_;
  std::array<char, 64> name_{};
  std::uint64_t token_ = 0;
  std::uint64_t agreed_ = by_connection;

  std::unique_ptr<ucx_channel> ucx_;
  std::string address_, their_address_;
  std::uint64_t length_ = 0, their_length_ = 0;
  std::uint64_t word_ = 1, their_word_ = 0;
  std::uint64_t reached_ = 0, they_reached_ = 0;
  bool told_ = false;
};

} // namespace

void open_channel(stream over, memory_channel::side which, opened then,
    std::chrono::milliseconds in_time, const wire_choice& of) {
  std::make_shared<meeting>(std::move(over), std::move(then), of)
      ->start(which, in_time);
}

void prepare_channels(const wire_choice& of) {
  if (of.ucx)
    static_cast<void>(ucx_channel::available(of.transports));
}

} // namespace troupe::cluster
