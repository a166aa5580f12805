#include "runtime/cluster/socket_channel.hpp"

#include <array>
#include <deque>

#include <boost/asio/post.hpp>

namespace troupe::cluster {
namespace {

// The system's errors as the standard library knows them.
std::error_code standard(network_error e) {
  if (e.category() == boost::system::system_category())
    return {e.value(), std::system_category()};
  return e;
}

// The spans of one direction, in order.
template <class Bytes, class Buffer>
class lane {
public:
  bool busy = false;

  bool empty() const noexcept { return jobs_.empty(); }
  void add(Bytes bytes, channel::done then) {
    jobs_.push_back({bytes, std::move(then)});
  }

  // As many as one system call takes; the rest are empty.
  std::array<Buffer, 4> next() const {
    std::array<Buffer, 4> buffers;
    for (std::size_t i = 0; i < buffers.size() && i < jobs_.size(); ++i)
      buffers[i] = Buffer{jobs_[i].rest.data(), jobs_[i].rest.size()};
    return buffers;
  }

  void moved(std::size_t bytes) {
    while (!jobs_.empty() && bytes >= jobs_.front().rest.size()) {
      bytes -= jobs_.front().rest.size();
      finish_first({});
    }
    if (bytes > 0)
      jobs_.front().rest = jobs_.front().rest.subspan(bytes);
  }

  // Those that are there now: what they ask for in turn fails by itself.
  void fail(std::error_code why) {
    for (auto left = jobs_.size(); left > 0; --left)
      finish_first(why);
  }

private:
  struct job {
    Bytes rest;
    channel::done then;
  };

  void finish_first(std::error_code how) {
    auto then = std::move(jobs_.front().then);
    jobs_.pop_front();
    then(how);
  }

  std::deque<job> jobs_;
};

} // namespace

struct socket_channel::line : std::enable_shared_from_this<line> {
  explicit line(stream over) : wire(std::move(over)) {}

  void write() {
    sending.busy = true;
    wire.async_write_some(
        sending.next(), [self = shared_from_this()](network_error e,
                            std::size_t bytes) { self->wrote(e, bytes); });
  }
  void wrote(network_error e, std::size_t bytes) {
    e ? sending.fail(standard(e)) : sending.moved(bytes);
    sending.busy = false;
    if (!sending.empty())
      write();
  }

  void read() {
    receiving.busy = true;
    wire.async_read_some(receiving.next(),
        [self = shared_from_this()](
            network_error e, std::size_t bytes) { self->have_read(e, bytes); });
  }
  void have_read(network_error e, std::size_t bytes) {
    e ? receiving.fail(standard(e)) : receiving.moved(bytes);
    receiving.busy = false;
    if (!receiving.empty())
      read();
  }

  stream wire;
  lane<std::span<const std::byte>, asio::const_buffer> sending;
  lane<std::span<std::byte>, asio::mutable_buffer> receiving;
};

socket_channel::socket_channel(stream over)
    : line_(std::make_shared<line>(std::move(over))) {}

socket_channel::~socket_channel() {
  line_->wire.close();
}

void socket_channel::send(std::span<const std::byte> from, done then) {
  line_->sending.add(from, std::move(then));
  if (!line_->sending.busy)
    line_->write();
}

void socket_channel::receive(std::span<std::byte> to, done then) {
  line_->receiving.add(to, std::move(then));
  if (!line_->receiving.busy)
    line_->read();
}

void socket_channel::close() {
  line_->wire.close();
}

std::function<void(std::function<void()>)> post_to(
    stream::executor_type executor) {
  return [executor = std::move(executor)](std::function<void()> work) {
    asio::post(executor, std::move(work));
  };
}

} // namespace troupe::cluster
