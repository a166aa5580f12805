// What it costs to go through an actor that owns a GPU: a message to it, an
// empty kernel, word from the driver, and a message back.
//
//   round trip  one task at a time, against the same three hand-offs (to the
//               actor, from the driver to the actor, back) between plain
//               threads that wait for a condition variable, plus the way to the
//               device and back that a thread has by itself (launch,
//               synchronise). The driver's word alone (launch, host function)
//               is told beside it.
//   in flight   32 tasks under way; a launch is the floor, 3 microseconds the
//               limit.
//
// The kernel works on one value: as good as empty. The actor is detached, as
// the accelerator is, and asks for word at most twice at a time: what was
// queued meanwhile shares it.

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "gpu/buffer.hpp"
#include "gpu/copy.hpp"
#include "gpu/operators/vectors.hpp"
#include "protocols/verbs.hpp"
#include "tests/bench/gpu_bench.hpp"

namespace dispatch {

struct task {
  std::uint64_t number = 0;
};
struct reached {
  std::uint64_t number = 0; ///< of the last task that is done
};
struct done {
  std::uint64_t number = 0;
};

template <class Inspector>
bool inspect(Inspector& f, task& x) {
  return f.object(x).fields(f.field("number", x.number));
}
template <class Inspector>
bool inspect(Inspector& f, reached& x) {
  return f.object(x).fields(f.field("number", x.number));
}
template <class Inspector>
bool inspect(Inspector& f, done& x) {
  return f.object(x).fields(f.field("number", x.number));
}

} // namespace dispatch

CAF_BEGIN_TYPE_ID_BLOCK(dispatch_bench, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(dispatch_bench, (dispatch::task))
CAF_ADD_TYPE_ID(dispatch_bench, (dispatch::reached))
CAF_ADD_TYPE_ID(dispatch_bench, (dispatch::done))
CAF_END_TYPE_ID_BLOCK(dispatch_bench)

namespace dispatch {

using namespace troupe;

constexpr std::uint64_t most_in_flight = 32;
constexpr int most_notices = 2;
constexpr double limit_us = 3.0;

struct size {
  int trips = 5000;
  std::uint64_t tasks = 200'000;
};

/// A stream with an empty kernel to queue on it.
class kernel {
public:
  explicit kernel(gpu::device where) : on_(where), from_(1, on_), to_(1, on_) {
    const float one = 1.0f;
    gpu::copy<float>(on_, std::span{&one, 1}, from_.span());
    on_.synchronise();
  }
  gpu::device_stream& on() { return on_; }
  void queue() {
    gpu::scale_and_add(on_, 1.0f, from_.span(), 0.0f, to_.span());
  }

private:
  gpu::device_stream on_;
  gpu::buffer from_, to_;
};

using worker =
    caf::typed_actor<caf::result<void>(task), caf::result<void>(reached)>;

using customer = caf::typed_actor<caf::result<void>(done)>;

class worker_state {
public:
  static inline const char* name = "bench.worker";
  worker_state(worker::pointer self, gpu::device where, customer whom)
      : self_(self), where_(where), customer_(std::move(whom)) {}

  worker::behavior_type make_behavior() {
    return {
        [this](task what) { take(what); },
        [this](reached what) { reach(what); },
    };
  }

private:
  void take(task what) {
    if (!kernel_)
      kernel_.emplace(where_); // in the thread that will use it
    kernel_->queue();
    queued_ = what.number;
    ask();
  }

  void ask() {
    if (asked_ == queued_ || notices_ == most_notices)
      return;
    ++notices_;
    asked_ = queued_;
    kernel_->on().notify([me = worker{self_}, upto = asked_] {
      send_anonymously(me, reached{upto});
    });
  }

  void reach(reached what) {
    --notices_;
    while (done_ < what.number)
      send(self_, customer_, done{++done_});
    ask();
  }

  worker::pointer self_;
  gpu::device where_;
  customer customer_;
  std::optional<kernel> kernel_;
  std::uint64_t queued_ = 0, asked_ = 0, done_ = 0;
  int notices_ = 0;
};
using worker_impl = worker::stateful_impl<worker_state>;

/// The plainest hand-off between two threads.
class handoff {
public:
  void give() {
    {
      std::lock_guard lock{guard_};
      ++given_;
    }
    there_.notify_one();
  }
  void take() {
    std::unique_lock lock{guard_};
    there_.wait(lock, [this] { return given_ > 0; });
    --given_;
  }

private:
  std::mutex guard_;
  std::condition_variable there_;
  int given_ = 0;
};

/// The median time of `trips` calls, after one for warming up.
template <class Trip>
double median_us(int trips, Trip&& trip) {
  std::vector<double> all;
  trip();
  for (int i = 0; i < trips; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    trip();
    all.push_back(bench::seconds_since(begin));
  }
  return 1e6 * bench::median(std::move(all));
}

double handoff_us(int trips) {
  handoff there, back;
  std::thread other{[&] {
    for (int i = 0; i <= trips; ++i) {
      there.take();
      back.give();
    }
  }};
  const auto both = median_us(trips, [&] {
    there.give();
    back.take();
  });
  other.join();
  return both / 2.0;
}

class bench_run {
public:
  bench_run(gpu::device where, const size& big)
      : where_(where), big_(big), bare_(where) {}

  void round_trip() {
    caf::scoped_actor self{system_};
    const auto to = spawn(self);
    std::uint64_t number = 0;
    const auto took = median_us(big_.trips, [&] {
      self->send(to, task{++number});
      self->receive([](done) {});
    });
    const auto hop = handoff_us(big_.trips);
    const auto raw = median_us(big_.trips, [&] {
      bare_.queue();
      bare_.on().synchronise();
    });
    handoff said;
    const auto word = median_us(big_.trips, [&] {
      bare_.queue();
      bare_.on().notify([&] { said.give(); });
      said.take();
    });
    const auto peer = 3.0 * hop + raw;
    std::printf("dispatch round_trip us=%.3f peer_us=%.3f ratio=%.3f "
                "handoff_us=%.3f raw_us=%.3f driver_word_us=%.3f\n",
        took, peer, took / peer, hop, raw, word);
    caf::anon_send_exit(to, caf::exit_reason::user_shutdown);
  }

  void in_flight() {
    caf::scoped_actor self{system_};
    const auto to = spawn(self);
    std::uint64_t sent = 0;
    const auto pass = [&](std::uint64_t tasks) {
      const auto last = sent + tasks;
      for (std::uint64_t i = 0; i < most_in_flight; ++i)
        self->send(to, task{++sent});
      for (bool more = true; more;)
        self->receive([&](done what) {
          if (sent < last)
            self->send(to, task{++sent});
          more = what.number < last;
        });
    };
    pass(most_in_flight); // for warming up
    const auto begin = std::chrono::steady_clock::now();
    pass(big_.tasks);
    const auto each = 1e6 * bench::seconds_since(begin) / double(big_.tasks);
    const auto launches = bench::seconds(bare_.on(), [&] {
      for (std::uint64_t i = 0; i < big_.tasks; ++i)
        bare_.queue();
    });
    std::printf("dispatch in_flight us_per_task=%.3f limit_us=%.1f "
                "launch_us=%.3f tasks_in_flight=%d\n",
        each, limit_us, 1e6 * launches / double(big_.tasks),
        static_cast<int>(most_in_flight));
    caf::anon_send_exit(to, caf::exit_reason::user_shutdown);
  }

private:
  worker spawn(caf::scoped_actor& whom) {
    return system_.spawn<worker_impl, caf::detached>(
        where_, caf::actor_cast<customer>(whom));
  }

  gpu::device where_;
  size big_;
  kernel bare_;
  caf::actor_system_config config_;
  caf::actor_system system_{config_};
};

void measure(gpu::device where, bool tiny) {
  bench_run run{where, tiny ? size{20, 200} : size{}};
  run.round_trip();
  run.in_flight();
}

} // namespace dispatch

int main(int argc, char** argv) {
  caf::init_global_meta_objects<caf::id_block::dispatch_bench>();
  caf::core::init_global_meta_objects();
  return troupe::bench::run_on_gpu(
      "gpu_dispatch_bench", argc, argv, dispatch::measure);
}
