#include "runtime/cluster/neighbours.hpp"

#include <array>
#include <cstring>
#include <filesystem>

#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cluster/io_thread.hpp"
#include "tests/runtime/cluster/courier_fixture.hpp"

namespace troupe::tests {
namespace {

using cluster::memory_channel;
using side = memory_channel::side;

struct outcome {
  channel_end channel;
  std::error_code error;
};

// One end that asks for the best channel, and the socket of the other one.
struct guest_and_host {
  io_thread io;
  boost::asio::io_context context;
  cluster::tcp::socket raw{context};
  std::future<outcome> opened;

  explicit guest_and_host(side which,
      std::chrono::milliseconds in_time = std::chrono::minutes{1},
      const cluster::wire_choice& of = {}) {
    auto [theirs, mine] = connected_sockets(io.context(), context);
    raw = std::move(mine);
    auto promise = std::make_shared<std::promise<outcome>>();
    opened = promise->get_future();
    auto over = std::make_shared<cluster::stream>(std::move(theirs));
    boost::asio::post(io.context(), [over, which, promise, in_time, of] {
      cluster::open_channel(
          std::move(*over), which,
          [promise](auto channel, auto error) {
            promise->set_value({std::move(channel), error});
          },
          in_time, of);
    });
  }

  template <class T>
  T hear() {
    std::array<T, 1> said;
    boost::asio::read(raw, boost::asio::buffer(said));
    return said[0];
  }
  template <class T>
  void say(const T& what) {
    boost::asio::write(raw, boost::asio::buffer(&what, sizeof what));
  }
  void close(outcome& of) {
    std::promise<void> closed;
    boost::asio::post(io.context(), [&] {
      of.channel.reset();
      closed.set_value();
    });
    result(closed.get_future());
  }
};

using name_on_wire = std::array<char, 64>;

std::filesystem::path file_of(const name_on_wire& name) {
  return std::filesystem::path{"/dev/shm"} / name.data();
}

TEST(neighbours_test, are_forgotten_with_their_thread_before_they_agree) {
  for (auto which : {side::makes, side::opens}) {
    boost::asio::io_context context;
    cluster::tcp::socket silent{context}; // outlives the thread
    std::promise<void> begun;
    std::future<outcome> opened;
    {
      cluster::io_thread io;
      auto [theirs, mine] = connected_sockets(io.context(), context);
      silent = std::move(mine);
      auto promise = std::make_shared<std::promise<outcome>>();
      opened = promise->get_future();
      boost::asio::post(io.context(),
          [&begun, which, promise = std::move(promise),
              over = std::make_shared<cluster::stream>(std::move(theirs))] {
            cluster::open_channel(std::move(*over), which,
                [promise](auto channel, auto error) {
                  promise->set_value({std::move(channel), error});
                },
                std::chrono::minutes{1}, {});
            begun.set_value();
          });
      begun.get_future().wait();
    }
    ASSERT_EQ(
        opened.wait_for(std::chrono::seconds{0}), std::future_status::ready);
    EXPECT_THROW(opened.get(), std::future_error);
  }
}

TEST(neighbours_test, without_memory_in_common_they_use_the_connection) {
  for (std::uint64_t token : {std::uint64_t{0}, std::uint64_t{12345}}) {
    guest_and_host both{side::makes};
    const auto name = both.hear<name_on_wire>();
    EXPECT_TRUE(exists(file_of(name)));

    both.say(token); // not the one that is there
    EXPECT_EQ(both.hear<std::uint64_t>(), 0u);
    auto got = result(std::move(both.opened));

    EXPECT_TRUE(dynamic_cast<cluster::socket_channel*>(got.channel.get()));
    EXPECT_FALSE(exists(file_of(name)));
    both.close(got);
  }
}

TEST(neighbours_test, opens_no_memory_but_its_own_kind) {
  for (const char* name :
      {"", "troupe-of-nobody", "other", "../../etc/passwd"}) {
    guest_and_host both{side::opens};
    name_on_wire said{};
    std::copy_n(name, std::strlen(name), said.begin());

    both.say(said);
    EXPECT_EQ(both.hear<std::uint64_t>(), 0u) << name;
    both.say(std::uint64_t{1}); // insists
    auto got = result(std::move(both.opened));

    EXPECT_TRUE(dynamic_cast<cluster::socket_channel*>(got.channel.get()));
    both.close(got);
  }
}

TEST(neighbours_test, waits_for_nobody_for_ever) {
  guest_and_host both{side::makes, std::chrono::milliseconds{50}};
  const auto name = both.hear<name_on_wire>();

  const auto got = result(std::move(both.opened));

  EXPECT_EQ(got.error, std::errc::timed_out);
  EXPECT_FALSE(got.channel);
  EXPECT_FALSE(exists(file_of(name)));
}

TEST(neighbours_test, hears_that_the_other_end_went) {
  guest_and_host both{side::opens};

  both.raw.close();

  EXPECT_TRUE(result(std::move(both.opened)).error);
}

// Another process lends, over memory, until it is killed.
[[noreturn]] void lend_in_child(std::uint16_t port, int tell) {
  boost::asio::io_context context{1};
  cluster::tcp::socket socket{context};
  socket.connect({boost::asio::ip::address_v4::loopback(), port});
  auto shelf = std::make_shared<cluster::shelf>();
  cluster::courier courier{shelf, cluster::post_to(context.get_executor())};
  const auto lent = shelf->lend(noise(10'000'000));
  cluster::open_channel(cluster::stream{std::move(socket)}, side::opens,
      [&](auto channel, std::error_code) {
        courier.attach(std::move(channel), {});
        const auto id = lent.id;
        if (::write(tell, &id, sizeof id) != sizeof id)
          _exit(1);
      });
  const auto busy = boost::asio::make_work_guard(context);
  context.run();
  _exit(0);
}

TEST(neighbours_test, bring_from_another_process_until_it_dies) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  boost::asio::io_context early;
  cluster::tcp::acceptor door{
      early, {boost::asio::ip::address_v4::loopback(), 0}};
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0)
    lend_in_child(door.local_endpoint().port(), ends[1]);
  party here;
  auto over = std::make_shared<cluster::stream>(door.accept(here.io.context()));
  std::promise<std::future<std::system_error>> attached;
  boost::asio::post(here.io.context(), [&] {
    cluster::open_channel(
        std::move(*over), side::makes, [&](auto channel, std::error_code) {
          EXPECT_TRUE(dynamic_cast<memory_channel*>(channel.get()));
          attached.set_value(here.attach(std::move(channel)));
        });
  });
  auto ended = result(attached.get_future());
  tensor wanted;
  ASSERT_EQ(::read(ends[0], &wanted.id, sizeof wanted.id),
      static_cast<ssize_t>(sizeof wanted.id));
  wanted.count = 10'000'000;

  EXPECT_TRUE(same(result(here.fetch(wanted)).block, noise(10'000'000)));

  auto pending = here.fetch(wanted);
  ::kill(child, SIGKILL);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(result(std::move(ended)).code());
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{5});
  here.courier.cancel(wanted.id);
  const auto error = result(std::move(pending)).error;
  EXPECT_TRUE(!error || error == cluster::courier_errc::cancelled);
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

} // namespace
} // namespace troupe::tests
