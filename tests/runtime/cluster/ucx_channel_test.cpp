#include "runtime/cluster/ucx_channel.hpp"

#include <array>
#include <csignal>
#include <ctime>
#include <string_view>

#include <dlfcn.h>

#include "runtime/cluster/neighbours.hpp"
#include "tests/runtime/cluster/courier_fixture.hpp"

namespace troupe::tests {
namespace {

using cluster::ucx_channel;
using cluster::wire_choice;
using monitoring::wire;
using side = cluster::memory_channel::side;
using channel_pair = std::pair<channel_end, channel_end>;
using name_on_wire = std::array<char, 64>;

// Both ends of a connection, and what they make of it.
class ucx_channel_test : public testing::Test {
public:
  void SetUp() override {
    if (!ucx_channel::available("tcp"))
      GTEST_SKIP() << "no UCX here";
  }
  ~ucx_channel_test() override {
    run(one, [this] { both.first.reset(); });
    run(other, [this] { both.second.reset(); });
  }

  static void run(io_thread& on, std::function<void()> work) {
    std::packaged_task<void()> task{std::move(work)};
    boost::asio::post(on.context(), [&] { task(); });
    task.get_future().get();
  }

  void open(const wire_choice& makes, const wire_choice& opens,
      const cluster::shared_tls& tls = {}) {
    auto [a, b] = connected_streams(one.context(), other.context(), tls);
    auto first = opened(one, std::move(a), side::makes, makes);
    auto second = opened(other, std::move(b), side::opens, opens);
    both.first = result(std::move(first));
    both.second = result(std::move(second));
  }
  static std::future<channel_end> opened(
      io_thread& on, cluster::stream over, side which, const wire_choice& of) {
    auto promise = std::make_shared<std::promise<channel_end>>();
    run(on, [&] {
      cluster::open_channel(
          std::move(over), which,
          [promise](auto best, auto) { promise->set_value(std::move(best)); },
          std::chrono::seconds{10}, of);
    });
    return promise->get_future();
  }

  std::pair<wire, wire> over() const {
    return {both.first->over(), both.second->over()};
  }
  static std::pair<wire, wire> both_over(wire x) { return {x, x}; }

  // What one end sends is what the other one gets.
  void exchange() {
    const std::array<char, 5> sent{"ucx!"};
    std::array<char, 5> got{};
    std::promise<std::error_code> came, went;
    run(one, [&] {
      both.first->send(std::as_bytes(std::span{sent}),
          [&](auto error) { went.set_value(error); });
    });
    run(other, [&] {
      both.second->receive(std::as_writable_bytes(std::span{got}),
          [&](auto error) { came.set_value(error); });
    });
    EXPECT_FALSE(result(came.get_future()));
    EXPECT_FALSE(result(went.get_future())); // its bytes are its own till then
    EXPECT_EQ(got, sent);
  }

  io_thread one, other;
  channel_pair both;
};

TEST_F(ucx_channel_test, comes_before_memory_where_either_end_says_so) {
  auto asks = ucx_over("tcp"), may = ucx_over("tcp");
  asks.memory = may.memory = true;
  may.ucx_first = false;

  for (const auto& [makes, opens] : {std::pair{asks, may}, {may, asks}}) {
    open(makes, opens);
    EXPECT_EQ(over(), both_over(wire::ucx));
    exchange();
  }
  open(may, may);
  EXPECT_EQ(over(), both_over(wire::memory));
}

TEST_F(ucx_channel_test, is_not_there_for_one_end_alone) {
  wire_choice without;
  without.memory = false;
  for (const auto& [makes, opens] :
      {std::pair{ucx_over("tcp"), without}, {without, ucx_over("tcp")}}) {
    open(makes, opens);
    EXPECT_EQ(over(), both_over(wire::tcp));
    exchange();
  }
}

TEST_F(ucx_channel_test, leaves_the_connection_where_it_finds_no_way) {
  open(ucx_over("tcp"), ucx_over("posix,self"));

  EXPECT_EQ(over(), both_over(wire::tcp));
  exchange();
}

TEST_F(ucx_channel_test, takes_no_place_of_tls_unless_it_may) {
  const auto tls = self_signed();
  auto of = ucx_over("tcp");
  open(of, of, tls);
  EXPECT_EQ(over(), both_over(wire::tls));
  exchange();

  of.beside_tls = true;
  open(of, ucx_over("tcp"), tls);
  EXPECT_EQ(over(), both_over(wire::tls)) << "one end may";

  open(of, of, tls);
  EXPECT_EQ(over(), both_over(wire::ucx));
  exchange();
}

// The other end is a socket that says what a test makes it say.
TEST_F(ucx_channel_test, goes_back_to_the_connection_if_no_word_comes) {
  boost::asio::io_context context;
  auto [a, raw] = connected_sockets(one.context(), context);
  auto opening =
      opened(one, cluster::stream{std::move(a)}, side::opens, ucx_over("tcp"));
  const auto say = [&raw = raw](const auto& what) {
    boost::asio::write(raw, boost::asio::buffer(&what, sizeof what));
  };
  const auto hear = [&raw = raw](auto what) {
    boost::asio::read(raw, boost::asio::buffer(&what, sizeof what));
    return what;
  };
  name_on_wire offer{};
  offer.back() = 2;

  say(offer);
  EXPECT_NE(hear(std::uint64_t{}), 0u);
  say(std::uint64_t{2}); // agreed
  const auto length = hear(std::uint64_t{});
  ASSERT_GT(length, 0u);
  std::vector<char> address(length);
  boost::asio::read(raw, boost::asio::buffer(address));
  say(length); // its own address: nobody else will answer there
  boost::asio::write(raw, boost::asio::buffer(address));
  say(std::uint64_t{0}); // nothing came
  hear(std::uint64_t{});
  both.first = result(std::move(opening));

  EXPECT_EQ(both.first->over(), wire::tcp);
}

TEST_F(ucx_channel_test, believes_no_length_of_an_address) {
  boost::asio::io_context context;
  auto [a, raw] = connected_sockets(one.context(), context);
  auto opening =
      opened(one, cluster::stream{std::move(a)}, side::opens, ucx_over("tcp"));
  name_on_wire offer{};
  offer.back() = 2;
  const std::array<std::uint64_t, 2> rest{2, std::uint64_t{1} << 40};

  boost::asio::write(raw, boost::asio::buffer(offer));
  boost::asio::write(raw, boost::asio::buffer(rest));

  EXPECT_FALSE(result(std::move(opening)));
}

TEST_F(ucx_channel_test, ends_with_the_connection_beside_it) {
  for (const auto* transports : {"tcp", "posix,self"}) {
    auto end = std::shared_ptr<ucx_channel>{};
    std::array<std::byte, 10> never{};
    std::promise<std::error_code> heard;
    auto [bell, raw] = connected_sockets(one.context(), other.context());
    run(one, [&, &bell = bell] {
      end = ucx_channel::make(one.context().get_executor(), transports);
      ASSERT_TRUE(end->reach(end->address()));
      end->watch(std::make_unique<cluster::socket_channel>(
          cluster::stream{std::move(bell)}));
      end->receive(never, [&](auto error) { heard.set_value(error); });
    });

    raw.close();

    EXPECT_TRUE(result(heard.get_future())) << transports;
    run(one, [&] { end.reset(); });
  }
}

TEST_F(ucx_channel_test, sleeps_while_the_other_end_takes_nothing) {
  const std::vector<std::byte> much(50'000'000);
  for (const auto* transports : {"tcp", "posix,self"}) {
    open(ucx_over(transports), ucx_over(transports));
    run(one, [&] { both.first->send(much, [](auto) {}); });
    std::this_thread::sleep_for(std::chrono::milliseconds{100});

    const auto before = std::clock();
    std::this_thread::sleep_for(std::chrono::seconds{1});
    const auto used = std::clock() - before;

    EXPECT_LT(used, CLOCKS_PER_SEC / 2) << transports;
    run(one, [&] { both.first.reset(); });
    run(other, [&] { both.second.reset(); });
  }
}

TEST_F(ucx_channel_test, leaves_the_signals_of_the_process_alone) {
  for (int each : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGHUP}) {
    struct sigaction now {};
    ASSERT_EQ(sigaction(each, nullptr, &now), 0);
    Dl_info from{};
    if (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)
      continue;
    ASSERT_NE(dladdr(reinterpret_cast<void*>(now.sa_handler), &from), 0);
    EXPECT_EQ(
        std::string_view{from.dli_fname}.find("libucs"), std::string_view::npos)
        << each;
  }
}

} // namespace
} // namespace troupe::tests
