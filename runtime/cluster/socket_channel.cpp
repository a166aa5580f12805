#include "runtime/cluster/socket_channel.hpp"

#include "runtime/cluster/lane.hpp"

#include <array>

#include <boost/asio/post.hpp>

namespace troupe::cluster {
namespace {

// The system's errors as the standard library knows them.
std::error_code standard(network_error e) {
  if (e.category() == boost::system::system_category())
    return {e.value(), std::system_category()};
  return e;
}

// As many spans as one system call takes; the rest are empty.
template <class Buffer, class Bytes>
std::array<Buffer, 4> first_of(const lane<Bytes>& spans) {
  std::array<Buffer, 4> buffers;
  for (std::size_t i = 0; i < buffers.size() && i < spans.size(); ++i)
    buffers[i] = Buffer{spans[i].data(), spans[i].size()};
  return buffers;
}

} // namespace

struct socket_channel::line : std::enable_shared_from_this<line> {
  explicit line(stream over) : wire(std::move(over)) {}

  void write() {
    writing = true;
    wire.async_write_some(first_of<asio::const_buffer>(sending),
        [self = shared_from_this()](
            network_error e, std::size_t bytes) { self->wrote(e, bytes); });
  }
  void wrote(network_error e, std::size_t bytes) {
    e ? sending.fail(standard(e)) : sending.moved(bytes);
    writing = false;
    if (!sending.empty())
      write();
  }

  void read() {
    reading = true;
    wire.async_read_some(first_of<asio::mutable_buffer>(receiving),
        [self = shared_from_this()](
            network_error e, std::size_t bytes) { self->have_read(e, bytes); });
  }
  void have_read(network_error e, std::size_t bytes) {
    e ? receiving.fail(standard(e)) : receiving.moved(bytes);
    reading = false;
    if (!receiving.empty())
      read();
  }

  stream wire;
  lane<std::span<const std::byte>> sending;
  lane<std::span<std::byte>> receiving;
  bool writing = false;
  bool reading = false;
};

socket_channel::socket_channel(stream over)
    : line_(std::make_shared<line>(std::move(over))) {}

socket_channel::~socket_channel() {
  line_->wire.close();
}

void socket_channel::send(std::span<const std::byte> from, done then) {
  line_->sending.add(from, std::move(then));
  if (!line_->writing)
    line_->write();
}

void socket_channel::receive(std::span<std::byte> to, done then) {
  line_->receiving.add(to, std::move(then));
  if (!line_->reading)
    line_->read();
}

void socket_channel::close() {
  line_->wire.close();
}

monitoring::wire socket_channel::over() const noexcept {
  return line_->wire.tls() ? monitoring::wire::tls : monitoring::wire::tcp;
}

std::function<void(std::function<void()>)> post_to(
    stream::executor_type executor) {
  return [executor = std::move(executor)](std::function<void()> work) {
    asio::post(executor, std::move(work));
  };
}

} // namespace troupe::cluster
