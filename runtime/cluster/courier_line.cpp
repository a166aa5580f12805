#include "runtime/cluster/courier_line.hpp"

#include <utility>

#include <boost/asio/steady_timer.hpp>

namespace troupe::cluster {
namespace {

constexpr std::chrono::milliseconds pause{100};

class keeper : public std::enable_shared_from_this<keeper> {
public:
  keeper(asio::io_context& on, dial_options how, std::uint64_t session,
      const std::shared_ptr<line>& of)
      : on_(on), how_(std::move(how)), session_(session), of_(of), timer_(on) {}

  void dial() {
    if (!lasts())
      return;
    cluster::dial(
        on_, how_, hello{errand::courier, {}, session_, {}, 0.0},
        [self = shared_from_this()](const std::shared_ptr<connection>& over,
            frame&& said) { self->take(over, said); },
        [self = shared_from_this()](const std::string&) { self->again(); });
  }

private:
  bool lasts() const {
    const auto at = of_.lock();
    return at && !at->is_over();
  }

  void take(const std::shared_ptr<connection>& over, const frame& said) {
    if (!std::holds_alternative<welcome>(said)) {
      over->close("refused");
      return again();
    }
    over->hand_over([self = shared_from_this()](stream channel) {
      if (auto at = self->of_.lock())
        at->attach(std::move(channel), memory_channel::side::opens,
            [self](const std::string&) { self->again(); });
    });
  }

  void again() {
    if (!lasts())
      return;
    timer_.expires_after(pause);
    timer_.async_wait([self = shared_from_this()](network_error error) {
      if (!error)
        self->dial();
    });
  }

  asio::io_context& on_;
  dial_options how_;
  std::uint64_t session_;
  std::weak_ptr<line> of_;
  asio::steady_timer timer_;
};

} // namespace

void keep_courier(asio::io_context& on, const dial_options& how,
    std::uint64_t session, const std::shared_ptr<line>& of) {
  auto made = std::make_shared<keeper>(on, how, session, of);
  asio::post(on, [made] { made->dial(); });
}

} // namespace troupe::cluster
