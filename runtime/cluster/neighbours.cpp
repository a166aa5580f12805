#include "runtime/cluster/neighbours.hpp"

#include "runtime/cluster/socket_channel.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace troupe::cluster {
namespace {

using side = memory_channel::side;

// One end of the conversation; kept by what it waits for.
class meeting : public std::enable_shared_from_this<meeting> {
public:
  meeting(stream over, opened then)
      : deadline_(over.get_executor()),
        post_(post_to(over.get_executor())),
        wire_(std::make_unique<socket_channel>(std::move(over))),
        then_(std::move(then)) {}

  void start(side which, std::chrono::milliseconds in_time) {
    which_ = which;
    deadline_.expires_after(in_time);
    deadline_.async_wait([weak = weak_from_this()](network_error e) {
      if (auto self = weak.lock(); self && !e)
        self->end(nullptr, std::make_error_code(std::errc::timed_out));
    });
    which == side::makes ? make() : open();
  }

private:
  void make() {
    region_ = shared_region::make();
    if (region_)
      std::ranges::copy(region_->name(), name_.begin());
    tell(name_);
    hear(token_, [](meeting& self) {
      auto& region = self.region_;
      self.agreed_ = region && self.token_ == region->front().token;
      if (region)
        region->forget_name();
      self.tell(self.agreed_);
      self.settle();
    });
  }

  void open() {
    hear(name_, [](meeting& self) {
      const auto end = std::ranges::find(self.name_, '\0');
      self.region_ = shared_region::open({self.name_.begin(), end});
      self.token_ = self.region_ ? self.region_->front().token : 0;
      self.tell(self.token_);
      self.hear(self.agreed_, [](meeting& it) { it.settle(); });
    });
  }

  void settle() {
    if (agreed_ == 0 || !region_)
      return end(std::move(wire_), {});
    end(std::make_unique<memory_channel>(
            std::move(wire_), post_, std::move(*region_), which_),
        {});
  }

  void end(std::unique_ptr<channel> best, std::error_code error) {
    deadline_.cancel();
    region_.reset();
    wire_.reset();
    if (auto then = std::exchange(then_, nullptr))
      then(std::move(best), error);
  }

  template <class T>
  void tell(T& what) {
    wire_->send(std::as_bytes(std::span{&what, 1}),
        [self = shared_from_this()](std::error_code) {});
  }

  template <class T, class Then>
  void hear(T& what, Then then) {
    wire_->receive(std::as_writable_bytes(std::span{&what, 1}),
        [self = shared_from_this(), then](std::error_code error) {
          if (!self->then_)
            return;
          error ? self->end(nullptr, error) : then(*self);
        });
  }

  asio::steady_timer deadline_;
  std::function<void(std::function<void()>)> post_;
  std::unique_ptr<channel> wire_;
  opened then_;
  side which_ = side::makes;
  std::optional<shared_region> region_;
  std::array<char, 64> name_{};
  std::uint64_t token_ = 0;
  std::uint64_t agreed_ = 0;
};

} // namespace

void open_channel(stream over, memory_channel::side which, opened then,
    std::chrono::milliseconds in_time) {
  std::make_shared<meeting>(std::move(over), std::move(then))
      ->start(which, in_time);
}

} // namespace troupe::cluster
