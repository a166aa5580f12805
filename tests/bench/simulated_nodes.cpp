// Many nodes of one run in one process, which only simulate: each joins under a
// session of its own, beats, and answers a lease after a while with an update
// of zeros. Usage:
//   simulated_nodes HOST:PORT NODES SECONDS MILLISECONDS
// It says when all have joined; so many seconds later it tells who is left,
// and how many updates they gave. A lease takes so many milliseconds.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "gpu/device.hpp"
#include "protocols/messages.hpp"
#include "runtime/cluster/dialler.hpp"
#include "runtime/cluster/io_thread.hpp"
#include "runtime/release.hpp"

namespace {

using namespace troupe;
using namespace troupe::cluster;

struct tally {
  std::atomic<std::size_t> joined = 0;
  std::atomic<std::size_t> lost = 0;
  std::atomic<std::size_t> updates = 0;
};

// One node of one slot. What it waits for keeps it.
class simulated_node : public std::enable_shared_from_this<simulated_node> {
public:
  simulated_node(
      std::shared_ptr<connection> over, clock::duration takes, tally& of)
      : over_(std::move(over)), takes_(takes), of_(of) {}

  void begin(const welcome& told) {
    over_->hear({.said = [self = shared_from_this()](
                             frame&& what) { self->hear(what); },
        .ended =
            [this](const std::string& why, bool) {
              if (++of_.lost == 1)
                std::fprintf(stderr, "simulated_nodes: %s\n", why.c_str());
            }});
    ready able;
    able.slots = {0};
    able.fingerprint = told.fingerprint;
    able.from = told.from;
    over_->send(able);
    ++of_.joined;
  }

private:
  void hear(const frame& what) {
    over_->took();
    if (const auto* order = std::get_if<seated>(&what))
      train(order->what);
  }

  void train(const offer& order) {
    auto timer = std::make_shared<asio::steady_timer>(
        over_->over().get_executor(), takes_);
    timer->async_wait([self = shared_from_this(), timer, order](
                          network_error) { self->answer(order); });
  }

  void answer(const offer& order) {
    auto zeros = std::make_shared<gpu::buffer>(order.parameters.count);
    std::ranges::fill(zeros->span(), 0.0f);
    trained result{order.lease, order.base, {1, 1, 0.0},
        std::chrono::duration<double>(takes_).count(), 0.0,
        tensor{std::move(zeros)}};
    over_->send(update{order.client, std::move(result)});
    ++of_.updates;
  }

  std::shared_ptr<connection> over_;
  clock::duration takes_;
  tally& of_;
};

// One at a time: whoever has not said who it is has a bounded number of places.
class recruiter {
public:
  recruiter(const monitoring::endpoint& where, std::size_t count,
      clock::duration takes, tally& of)
      : where_{where, {}, {}}, left_(count), takes_(takes), of_(of) {}

  void recruit() {
    if (left_ == 0)
      return;
    hello first;
    first.name = "simulated-" + std::to_string(left_);
    first.session = left_--;
    first.build = troupe::release();
    first.silence = 3.0;
    first.fingerprint = gpu::numeric_fingerprint();
    dial(
        io_.context(), where_, first,
        [this](const std::shared_ptr<connection>& over, frame&& said) {
          if (auto* told = std::get_if<welcome>(&said))
            std::make_shared<simulated_node>(over, takes_, of_)->begin(*told);
          else
            fail("it was not welcome");
          recruit();
        },
        [this](const std::string& why) {
          fail(why);
          recruit();
        });
  }

private:
  void fail(const std::string& why) {
    std::fprintf(stderr, "simulated_nodes: %s\n", why.c_str());
    ++of_.lost;
  }

  dial_options where_;
  std::size_t left_;
  clock::duration takes_;
  tally& of_;
  io_thread io_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr,
        "usage: simulated_nodes HOST:PORT NODES SECONDS MILLISECONDS\n");
    return 2;
  }
  register_messages();
  const std::size_t count = std::strtoull(argv[2], nullptr, 10);
  tally all;
  recruiter calls{monitoring::endpoint::parse(argv[1]), count,
      std::chrono::milliseconds{std::atoi(argv[4])}, all};
  const auto begun = clock::now();
  calls.recruit();
  while (all.joined + all.lost < count)
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  std::printf("all have joined within %.2f s\n",
      std::chrono::duration<double>(clock::now() - begun).count());
  std::fflush(stdout);
  const auto before = all.updates.load();
  std::this_thread::sleep_for(std::chrono::seconds{std::atoi(argv[3])});
  std::printf("simulated nodes=%zu lost=%zu updates=%zu\n", count,
      all.lost.load(), all.updates - before);
  return all.lost == 0 ? 0 : 1;
}
