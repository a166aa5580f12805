#include "runtime/cluster/connection.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "protocols/messages.hpp"
#include "runtime/cluster/tls.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <fmt/format.h>

namespace troupe::cluster {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t preamble_size = 8;
constexpr std::array<char, 6> magic{'t', 'r', 'o', 'u', 'p', 'e'};
constexpr std::size_t length_size = 4;
// Time for what was said last to go out.
constexpr clock::duration farewell_time = 1s;
constexpr int beats_a_silence = 6;
constexpr clock::duration shortest_beat = 20ms;
constexpr clock::duration longest_beat = 500ms;

double in_seconds(clock::duration t) {
  return std::chrono::duration<double>(t).count();
}

void put_preamble(caf::byte_buffer& to) {
  for (char c : magic)
    to.push_back(static_cast<caf::byte>(c));
  to.push_back(static_cast<caf::byte>(wire_version >> 8));
  to.push_back(static_cast<caf::byte>(wire_version & 0xff));
}

std::uint32_t length_at(const std::byte* at) {
  std::uint32_t result = 0;
  std::memcpy(&result, at, length_size);
  return result; // little-endian, as every machine that this runs on
}

} // namespace

connection::connection(stream over, connection_options how)
    : stream_(std::move(over)),
      how_(std::move(how)),
      timer_(stream_.get_executor()),
      began_(clock::now()),
      said_(began_),
      heard_(std::make_shared<monitoring::pulse>(began_)),
      in_(preamble_size + length_size + how_.first_frame),
      most_sent_(how_.frame) {
  register_messages(); // errors name types
  put_preamble(waiting_);
}

void connection::start(asio::ssl::stream_base::handshake_type as, events whom) {
  events_ = std::move(whom);
  asio::post(timer_.get_executor(), [self = shared_from_this(), as] {
    self->keep_time();
    self->stream_.async_handshake(as, [self](network_error error) {
      if (error)
        return self->fail(error);
      self->secured_ = true;
      self->flush();
      self->read();
    });
  });
}

void connection::read() {
  if (stage_ == stage::ended || given_)
    return;
  if (unheard_ > how_.unheard && stage_ != stage::closing) {
    paused_ = true;
    return;
  }
  stream_.async_read_some(
      asio::buffer(in_.data() + filled_, in_.size() - filled_),
      [self = shared_from_this()](network_error error, std::size_t count) {
        if (error)
          self->fail(error);
        else
          self->on_read(count);
      });
}

void connection::on_read(std::size_t count) {
  if (stage_ == stage::ended)
    return;
  if (stage_ == stage::closing) {
    filled_ = 0;
    return read();
  }
  heard_->felt(clock::now());
  this->count(monitoring::direction::in, count);
  filled_ += count;
  taken_ = 0;
  if (!preambled_ && !read_preamble())
    return;
  while (read_frame()) {
  }
  if (stage_ == stage::ended || given_)
    return;
  std::memmove(in_.data(), in_.data() + taken_, filled_ - taken_);
  filled_ -= taken_;
  read();
}

// True: it has come, and is this version's.
bool connection::read_preamble() {
  const auto seen = std::min(filled_, magic.size());
  if (std::memcmp(in_.data(), magic.data(), seen) != 0) {
    end("it does not speak as Troupe does");
    return false;
  }
  if (filled_ < preamble_size) {
    read();
    return false;
  }
  const auto version =
      static_cast<std::uint16_t>(std::to_integer<unsigned>(in_[6]) << 8 |
                                 std::to_integer<unsigned>(in_[7]));
  if (version != wire_version) {
    end(fmt::format("it speaks version {} of the wire, and this is version {}",
        version, wire_version));
    return false;
  }
  preambled_ = true;
  taken_ = preamble_size;
  return true;
}

// False: there is none left, or nobody to hear it.
bool connection::read_frame() {
  if (filled_ - taken_ < length_size)
    return false;
  const auto length = length_at(in_.data() + taken_);
  const auto most = stage_ == stage::greeting ? how_.first_frame : how_.frame;
  if (length == 0 || length > most) {
    end(fmt::format(
        "it sent a frame of {} bytes, and {} are the most", length, most));
    return false;
  }
  if (filled_ - taken_ < length_size + length) {
    if (in_.size() < length_size + length)
      in_.resize(preamble_size + length_size + how_.frame);
    return false;
  }
  const auto* data =
      reinterpret_cast<const caf::byte*>(in_.data() + taken_ + length_size);
  caf::binary_deserializer source{nullptr, caf::make_span(data, length)};
  frame what;
  if (!source.apply(what) || source.remaining() != 0) {
    end("it sent a frame that cannot be read");
    return false;
  }
  taken_ += length_size + length;
  if (std::holds_alternative<beat>(what)) {
    if (how_.figures)
      how_.figures->beat(monitoring::direction::in);
    return true;
  }
  if (stage_ == stage::greeting)
    stage_ = stage::open;
  ++unheard_;
  tell(std::move(what));
  return stage_ <= stage::open && !given_;
}

void connection::hear(events whom) {
  if (telling_)
    next_ = std::move(whom);
  else
    events_ = std::move(whom);
}

// Whoever is told something may change who hears the next.
void connection::tell(frame&& what) {
  telling_ = true;
  if (events_.said)
    events_.said(std::move(what));
  telling_ = false;
  if (next_)
    events_ = *std::exchange(next_, std::nullopt);
}

bool connection::send(const frame& what) {
  std::unique_lock lock{guard_};
  if (shut_)
    return false;
  const auto at = waiting_.size();
  waiting_.resize(at + length_size);
  caf::binary_serializer sink{nullptr, waiting_};
  sink.seek(waiting_.size());
  const auto written = sink.apply(what);
  const auto length = waiting_.size() - at - length_size;
  if (!written || length > most_sent_ || at > how_.unsent) {
    waiting_.resize(at);
    shut_ = true;
    lock.unlock();
    auto why =
        at > how_.unsent ? std::string{"it does not take what it is sent"}
        : written
            ? fmt::format("a frame of {} bytes is too large", length)
            : "a frame cannot be written: " + caf::to_string(sink.get_error());
    asio::post(timer_.get_executor(),
        [self = shared_from_this(), why = std::move(why)] { self->end(why); });
    return false;
  }
  const auto size = static_cast<std::uint32_t>(length);
  std::memcpy(waiting_.data() + at, &size, length_size);
  if (std::exchange(writing_, true))
    return true;
  lock.unlock();
  asio::post(
      timer_.get_executor(), [self = shared_from_this()] { self->flush(); });
  return true;
}

void connection::widen(std::size_t bytes) {
  std::lock_guard lock{guard_};
  most_sent_ = bytes;
}

bool connection::takes_along(std::size_t bytes) const {
  if (bytes > how_.along)
    return false;
  std::lock_guard lock{guard_};
  return waiting_.size() < how_.unsent_along;
}

void connection::flush() {
  if (stage_ == stage::ended)
    return;
  {
    std::lock_guard lock{guard_};
    out_.clear();
    out_.swap(waiting_);
    writing_ = !out_.empty();
  }
  if (out_.empty()) {
    if (given_)
      give();
    else if (stage_ == stage::closing)
      fall_silent();
    return;
  }
  said_ = clock::now();
  count(monitoring::direction::out, out_.size());
  asio::async_write(stream_, asio::buffer(out_.data(), out_.size()),
      [self = shared_from_this()](network_error error, std::size_t) {
        if (!error)
          self->flush();
        else if (self->given_)
          self->give(); // whoever reads will hear of it
        else
          self->fail(error);
      });
}

void connection::took() noexcept {
  if (--unheard_ != how_.unheard / 2)
    return;
  asio::post(timer_.get_executor(), [self = shared_from_this()] {
    if (std::exchange(self->paused_, false))
      self->read();
  });
}

void connection::close(const std::string& why, bool in_order) {
  asio::post(timer_.get_executor(), [self = shared_from_this(), why, in_order] {
    if (self->stage_ >= stage::closing || self->given_)
      return;
    self->stage_ = stage::closing;
    self->why_closed_ = why;
    self->closed_in_order_ = in_order;
    self->closed_at_ = clock::now();
    bool writing = false, silent = false;
    {
      std::lock_guard lock{self->guard_};
      self->shut_ = true;
      writing = self->writing_;
      silent = self->waiting_.size() == preamble_size;
    }
    if (!self->secured_ && silent)
      self->end(why, in_order);
    else if (!writing)
      self->fall_silent();
    if (std::exchange(self->paused_, false))
      self->read();
  });
}

// Until the peer closes as well: bytes that nobody has read would have the
// system take back those that are on their way.
void connection::fall_silent() {
  network_error ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

void connection::hand_over(std::function<void(stream)> to) {
  given_ = true;
  heir_ = std::move(to);
  timer_.cancel();
  hear({});
  bool writing = false;
  {
    std::lock_guard lock{guard_};
    shut_ = true;
    writing = writing_;
  }
  if (!writing)
    asio::post(
        timer_.get_executor(), [self = shared_from_this()] { self->give(); });
}

void connection::give() {
  auto heir = std::exchange(heir_, {});
  if (!heir)
    return;
  stream_.unread({in_.data() + taken_, filled_ - taken_});
  heir(std::move(stream_));
}

void connection::keep_time() {
  timer_.expires_after(
      std::clamp(how_.silence / beats_a_silence, shortest_beat, longest_beat));
  timer_.async_wait([self = shared_from_this()](network_error error) {
    if (error || self->stage_ == stage::ended || self->given_)
      return;
    const auto now = clock::now();
    const auto& how = self->how_;
    if (self->stage_ == stage::greeting && now - self->began_ > how.greeting)
      return self->end(fmt::format(
          "it said nothing within {:g} s", in_seconds(how.greeting)));
    if (self->stage_ == stage::closing &&
        now - self->closed_at_ > farewell_time)
      return self->end(self->why_closed_, self->closed_in_order_);
    // A reader that is held back hears no signs of life.
    if (self->paused_)
      self->heard_->felt(now);
    if (self->stage_ == stage::open && now - self->heard_->last() > how.silence)
      return self->end(
          fmt::format("it was silent for {:g} s", in_seconds(how.silence)));
    if (now - self->said_ > how.silence / (2 * beats_a_silence))
      self->say_beat();
    self->keep_time();
  });
}

void connection::say_beat() {
  if (send(beat{}) && how_.figures)
    how_.figures->beat(monitoring::direction::out);
}

void connection::count(
    monitoring::direction which, std::size_t bytes) noexcept {
  using monitoring::wire;
  if (how_.figures)
    how_.figures->moved(stream_.tls() ? wire::tls : wire::tcp, which, bytes);
}

void connection::fail(const network_error& how) {
  if (stage_ == stage::closing)
    end(why_closed_, closed_in_order_);
  else if (how == asio::error::eof || how == asio::ssl::error::stream_truncated)
    end("it closed the connection");
  else
    end(trouble(stream_, how));
}

void connection::end(const std::string& why, bool in_order) {
  if (stage_ == stage::ended || given_)
    return;
  stage_ = stage::ended;
  {
    std::lock_guard lock{guard_};
    shut_ = true;
  }
  timer_.cancel();
  stream_.close();
  const auto last = std::move(next_ ? next_->ended : events_.ended);
  hear({});
  if (last)
    last(why, in_order);
}

} // namespace troupe::cluster
