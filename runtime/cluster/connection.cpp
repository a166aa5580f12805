#include "runtime/cluster/connection.hpp"

#include <algorithm>
#include <utility>

#include "protocols/messages.hpp"
#include "runtime/cluster/tls.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

namespace troupe::cluster {
namespace {

using namespace std::chrono_literals;

// Time for what was said last to go out.
constexpr clock::duration farewell_time = 1s;
constexpr int beats_a_silence = 6;
constexpr clock::duration shortest_beat = 20ms;
constexpr clock::duration longest_beat = 500ms;

double in_seconds(clock::duration t) {
  return std::chrono::duration<double>(t).count();
}

} // namespace

connection::connection(stream over, connection_options how)
    : stream_(std::move(over)),
      how_(std::move(how)),
      timer_(stream_.get_executor()),
      began_(clock::now()),
      said_(began_),
      heard_(std::make_shared<monitoring::pulse>(began_)),
      reader_(how_.first_frame, how_.frame),
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
  const auto room = reader_.room();
  stream_.async_read_some(asio::buffer(room.data(), room.size()),
      [self = shared_from_this()](network_error error, std::size_t count) {
        if (error)
          self->fail(error);
        else
          self->on_read(count);
      });
}

void connection::on_read(std::size_t bytes) {
  if (stage_ == stage::ended)
    return;
  if (stage_ == stage::closing) {
    reader_.forget(); // or a flood would come in few bytes at a time
    return read();
  }
  heard_->felt(clock::now());
  count(monitoring::direction::in, bytes);
  reader_.came(bytes);
  take_frames();
  if (stage_ != stage::ended && !given_)
    read();
}

void connection::take_frames() {
  while (stage_ <= stage::open && !given_) {
    auto what = reader_.next();
    if (!what) {
      if (!reader_.fault().empty())
        end(reader_.fault());
      return;
    }
    if (std::holds_alternative<beat>(*what)) {
      if (how_.figures)
        how_.figures->beat(monitoring::direction::in);
      continue;
    }
    stage_ = stage::open;
    ++unheard_;
    tell(std::move(*what));
  }
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
  auto why = waiting_.size() > how_.unsent
                 ? std::string{"it does not take what it is sent"}
                 : put_frame(waiting_, what, most_sent_);
  if (!why.empty()) {
    shut_ = true;
    lock.unlock();
    asio::post(timer_.get_executor(),
        [self = shared_from_this(), why = std::move(why)] { self->end(why); });
    return false;
  }
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
  stream_.unread(reader_.rest());
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

// A handshake that TLS itself finds wrong is one that the peer has spoken in.
void connection::fail(const network_error& how) {
  spoke_ |= how.category() == asio::error::get_ssl_category();
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
