#include "runtime/cluster/node.hpp"

#include <algorithm>
#include <condition_variable>
#include <future>
#include <iostream>
#include <mutex>
#include <random>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <fmt/format.h>

#include "actors/cluster/host.hpp"
#include "actors/computing/guard.hpp"
#include "gpu/kernel_sets.hpp"
#include "gpu/training/stateful_learner.hpp"
#include "monitoring/outlet.hpp"
#include "runtime/cluster/certificate_watch.hpp"
#include "runtime/cluster/courier_line.hpp"
#include "runtime/cluster/dialler.hpp"
#include "runtime/cluster/ears.hpp"
#include "runtime/cluster/lending.hpp"
#include "runtime/cluster/node_watch.hpp"
#include "runtime/cluster/state_keeper.hpp"
#include "runtime/cluster/tls_source.hpp"
#include "runtime/company/interruption.hpp"
#include "runtime/company/memory.hpp"
#include "runtime/company/restart.hpp"
#include "runtime/company/room.hpp"
#include "runtime/company/slots.hpp"
#include "runtime/exit_code.hpp"
#include "runtime/release.hpp"

namespace troupe {
namespace {

using namespace cluster;
using namespace std::chrono_literals;

constexpr clock::duration shortest_pause = 100ms;
constexpr clock::duration longest_pause = 5s;
// For slots to heed their stop tokens.
constexpr std::chrono::seconds stop_grace{2};

std::uint64_t any_number() {
  std::random_device source;
  return std::uint64_t{source()} << 32 | source();
}

/// A session that has begun.
struct session {
  std::uint64_t number = 0;
  std::shared_ptr<line> at;
  welcome told;
};

// What was said last goes out, and nothing holds what is over.
void take_leave(session& of, const std::string& why) {
  of.at->close(why);
  of.at->await_end();
}

// For updates that no durable version holds yet, so that a coordinator that
// comes back need not have them trained again.
std::size_t most_kept() {
  constexpr auto most = std::size_t{1} << 30;
  const auto& devices = this_machine().devices;
  const auto memory = devices.empty() ? 0 : devices.front().memory;
  return memory == 0 ? most : std::min(most, memory / 8);
}

// Who it is, and how it computes or could.
hello introduction(const join_options& how, const std::string& name) {
  hello result{errand::node, name, any_number(), troupe::release(), how.silence,
      how.resident, gpu::numeric_fingerprint(), {}};
  for (auto set : gpu::kernel_sets())
    if (gpu::can_compute_by(set))
      result.lowerable.push_back(gpu::fingerprint_by(set));
  return result;
}

class node {
public:
  node(const join_options& how, const std::optional<topology>& mine);
  ~node() {
    io_.context().stop(); // what keeps its time goes first
    io_.join();
    dismiss_keeper();
  }
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  int run();
  /// Leaves: in order, if there is a session. From any thread.
  void leave();

private:
  dial_options dialling();
  std::optional<session> meet();
  std::optional<session> try_once(std::string& why);
  void meet_halfway(const lower& what);
  void watch_certificate(const std::shared_ptr<line>& at, connection& over);
  bool pause(clock::duration length);
  void prepare(const welcome& told);
  void move_in();
  void dismiss_keeper();
  farewell serve(session& with);
  void dismiss_all(caf::scoped_actor& self, const std::vector<worker>& workers,
      const std::vector<compute_slot>& slots);
  template <class... Values>
  void say(fmt::format_string<Values...> text, Values&&... values);

  const join_options& how_;
  const std::optional<topology>& mine_;
  std::string name_;
  std::unique_ptr<tls_source> tls_;
  std::shared_ptr<node_watch> watch_;
  io_thread io_;
  std::unique_ptr<certificate_watch> certificates_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::optional<lending> lent_;
  state_keeper keeper_; ///< of a resident whose client keeps something
  std::string kept_of_; ///< the run in which it does
  bool hung_ = false;   ///< a learner does not come back

  std::mutex guard_; ///< of what follows
  std::condition_variable changed_;
  bool leaving_ = false;
  host host_;
};

node::node(const join_options& how, const std::optional<topology>& mine)
    : how_(how),
      mine_(mine),
      name_(how.name),
      watch_(std::make_shared<node_watch>(how.metrics, how.silence)) {
  if (!how.tls.empty()) {
    tls_ = std::make_unique<tls_source>(how.tls, how.name);
    name_ = tls_->own_name();
    certificates_ = std::make_unique<certificate_watch>(
        io_.context(),
        [this](const std::string& serial) { return tls_->is_revoked(serial); },
        [](line& with, const std::string& fault) {
          with.expel(
              farewell{"the coordinator's certificate " + fault, false, 0},
              "its certificate " + fault);
        });
  }
  gpu::use_one_blas_thread();
  free_messages_quickly();
  configure_actors(config_);
}

template <class... Values>
void node::say(fmt::format_string<Values...> text, Values&&... values) {
  if (!how_.quiet)
    monitoring::standard_output().write(
        fmt::format(text, std::forward<Values>(values)...));
}

void node::leave() {
  std::lock_guard lock{guard_};
  leaving_ = true;
  if (host_)
    send_anonymously(host_, interrupt{});
  changed_.notify_all();
}

// False: it leaves.
bool node::pause(clock::duration length) {
  std::unique_lock lock{guard_};
  return !changed_.wait_for(lock, length, [this] { return leaving_; });
}

dial_options node::dialling() {
  dial_options result{monitoring::endpoint::parse(how_.at), {}, {}};
  result.connections.silence = std::chrono::duration_cast<clock::duration>(
      std::chrono::duration<double>(how_.silence));
  result.connections.figures = watch_->wires();
  if (tls_)
    result.tls = [this] { return tls_->now(); };
  return result;
}

// Those that there are go on with theirs.
void node::watch_certificate(
    const std::shared_ptr<line>& at, connection& over) {
  if (certificates_)
    certificates_->add(at, shown_by(over.over()));
}

// The run's kernels are chosen when a process starts.
void node::meet_halfway(const lower& what) {
  for (auto set : gpu::kernel_sets()) {
    if (!gpu::can_compute_by(set) ||
        gpu::fingerprint_by(set) != what.fingerprint)
      continue;
    say("the run at {} computes by {}, and so does this node from here on\n",
        how_.at, set);
    restart_computing_by(set);
  }
  throw refused("it asks for the numeric fingerprint " + what.fingerprint +
                ", which this machine does not have");
}

// Throws `refused`. None: nobody answered, for what `why` says.
std::optional<session> node::try_once(std::string& why) {
  const auto first = introduction(how_, name_);
  std::promise<std::pair<std::shared_ptr<line>, frame>> met;
  auto answer = met.get_future();
  dial(
      io_.context(), dialling(), first,
      [&](const std::shared_ptr<connection>& over, frame&& said) {
        auto at = std::make_shared<line>(over);
        at->open();
        watch_certificate(at, *over);
        met.set_value({at, std::move(said)});
      },
      [&](const std::string& text) {
        why = text;
        met.set_value({nullptr, {}});
      });
  auto [at, said] = answer.get();
  watch_->dialled(bool{at});
  if (!at)
    return std::nullopt;
  if (auto* no = std::get_if<refusal>(&said))
    throw refused(no->why);
  if (auto* other = std::get_if<lower>(&said))
    meet_halfway(*other);
  auto* yes = std::get_if<welcome>(&said);
  if (!yes)
    throw refused("the coordinator did not answer what it was asked");
  return session{first.session, std::move(at), std::move(*yes)};
}

// None: it leaves before anybody has answered.
std::optional<session> node::meet() {
  std::mt19937_64 dice{any_number()};
  std::uniform_real_distribution<double> jitter{0.5, 1.5};
  std::string told;
  for (auto length = shortest_pause;;
       length = std::min(2 * length, longest_pause)) {
    std::string why;
    if (auto result = try_once(why))
      return result;
    if (why != std::exchange(told, why))
      say("waiting for {}: {}\n", how_.at, why);
    if (!pause(
            std::chrono::duration_cast<clock::duration>(length * jitter(dice))))
      return std::nullopt;
  }
}

// What is here already serves again.
void node::prepare(const welcome& told) {
  if (lent_ && lent_->told == told.configuration && lent_->home == told.home)
    return;
  lent_.emplace(with_memory(
      "loading the data", [&] { return lend_to(told, how_, mine_); }));
  lent_->kept = kept_updates{most_kept()};
  if (!system_) {
    expect_threads(actor_threads() + compute_threads(lent_->what, lent_->on) +
                   (how_.resident ? 1 : 0));
    system_ = std::make_unique<caf::actor_system>(config_);
  }
  if (how_.resident)
    move_in();
}

void node::dismiss_keeper() {
  if (keeper_)
    caf::anon_send_exit(keeper_, caf::exit_reason::user_shutdown);
  keeper_ = state_keeper{};
}

// Its client may keep something from one lease to the next; a run that is taken
// up keeps it, too.
void node::move_in() {
  if (!lent_->what.learner()(gpu::device{})->stateful() ||
      kept_of_ == lent_->home.run)
    return;
  dismiss_keeper();
  const auto place = how_.state.empty()
                         ? std::filesystem::path{how_.data} / "state"
                         : std::filesystem::path{how_.state};
  keeper_ = system_->spawn<state_keeper_impl, caf::detached>(
      std::make_shared<own_states>(place, lent_->home.run));
  kept_of_ = lent_->home.run;
}

// Whoever does not end is left behind.
void node::dismiss_all(caf::scoped_actor& self,
    const std::vector<worker>& workers,
    const std::vector<compute_slot>& slots) {
  std::size_t left = 0;
  for (const auto& one : workers)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  for (const auto& one : slots) {
    if (one.lane != 0)
      continue;
    watch(self.ptr(), one.who);
    caf::anon_send_exit(one.who, caf::exit_reason::user_shutdown);
    ++left;
  }
  const auto end = clock::now() + stop_grace;
  while (left > 0 && !hung_)
    self->receive([&](const caf::down_msg&) { --left; },
        caf::after(end - clock::now()) >> [&] { hung_ = true; });
}

farewell node::serve(session& with) {
  auto& run = *lent_;
  auto slots = spawn_slots(*system_, run.what, run.settled, run.on);
  auto workers =
      spawn_workers(*system_, run.settled, run.data, run.home.client);
  const auto probe = run.what.learner()(gpu::device{});
  with.at->expect_tensors(training::most_values(*probe) * sizeof(float));
  caf::scoped_actor self{*system_};
  run.kept.forget_before(with.told.durable);
  const auto kept = run.kept.size();
  auto here = system_->spawn<host_impl>(
      host_options{watch_->begin(with.at, slots.size()), workers, slots,
          run.what.test_data(), std::move(run.kept), run.home.client, keeper_});
  ready able;
  for (const auto& each : slots)
    able.slots.push_back(static_cast<std::uint8_t>(each.kind));
  able.fingerprint = run.on.fingerprint();
  able.from = run.from;
  if (how_.resident)
    able.samples = run.data.front().size();
  const auto samples = able.samples;
  able.metrics = watch_->address();
  farewell result;
  auto answered =
      ask(self.ptr(), here, caf::infinite, cluster::serve{std::move(able)});
  with.at->listen(watch_->hears(
      ears_of<seated, score, revoke, carried, state_stored, call_off,
          cluster::release, arrived, refusal, durable, drain, farewell>(
          here, with.at)));
  keep_courier(io_.context(), dialling(), with.number, with.at);
  {
    std::lock_guard lock{guard_};
    host_ = here;
    if (leaving_)
      send_anonymously(here, interrupt{});
  }
  watch_->is(node_watch::link::serving);
  say("{} takes part in {} at {}: {}{}\n", with.told.name, run.settled.run.name,
      how_.at,
      how_.resident
          ? fmt::format("client {} of {} samples, ", run.home.client, samples)
          : std::string{},
      run.on.text());
  if (kept > 0)
    say("{} updates are kept that version {}, where the run goes on, does not "
        "hold\n",
        kept, with.told.durable);
  answered.receive([&](farewell& how) { result = std::move(how); },
      [&](const caf::error& why) {
        result = {text(why), false, failed};
      });
  {
    std::lock_guard lock{guard_};
    host_ = host{};
  }
  watch_->end(!result.over);
  dismiss_all(self, workers, slots);
  ask(self.ptr(), here, caf::infinite, hand_over{})
      .receive([&](cluster::kept& what) { run.kept = std::move(*what.what); },
          [&](const caf::error&) { run.kept = kept_updates{most_kept()}; });
  caf::anon_send_exit(here, caf::exit_reason::user_shutdown);
  return result;
}

int node::run() {
  if (auto url = watch_->url(); !url.empty())
    say("metrics at {}\n", url);
  for (;;) {
    auto with = meet();
    if (!with)
      return interrupted;
    name_ = with->told.name;
    watch_->named(name_, how_.at);
    watch_->is(node_watch::link::joining);
    try {
      prepare(with->told);
    } catch (const std::exception& error) {
      with->at->send(farewell{error.what(), false, 0});
      take_leave(*with, error.what());
      throw;
    }
    const auto how = serve(*with);
    take_leave(*with, how.why);
    if (how.over) {
      say("{} is through: {}\n", name_, how.why);
      if (hung_) {
        monitoring::settle_standard_outlets();
        std::_Exit(how.code);
      }
      return how.code;
    }
    say("the coordinator is gone: {}; dialling again\n", how.why);
    if (!pause(shortest_pause))
      return interrupted;
  }
}

} // namespace

int join(const join_options& how, const std::optional<topology>& mine,
    interruption& signals) {
  const monitoring::last_words heard;
  const auto complain = [](const std::string& why, int code) {
    monitoring::standard_error().write(fmt::format("error: {}\n", why));
    return code;
  };
  try {
    node here{how, mine};
    signals.keep();
    signals.react([&here] { here.leave(); });
    const auto code = here.run();
    signals.react({});
    return code;
  } catch (const refused& error) {
    signals.react({});
    return complain(
        fmt::format("{} does not let this node in: {}", how.at, error.what()),
        failed);
  } catch (const std::exception& error) {
    signals.react({});
    return complain(error.what(), failed);
  }
}

} // namespace troupe
