#include "runtime/cluster/node.hpp"

#include <algorithm>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <fmt/format.h>

#include "actors/cluster/host.hpp"
#include "actors/cluster/rank_host.hpp"
#include "actors/computing/guard.hpp"
#include "gpu/training/stateful_learner.hpp"
#include "monitoring/outlet.hpp"
#include "runtime/cluster/courier_line.hpp"
#include "runtime/cluster/ears.hpp"
#include "runtime/cluster/lending.hpp"
#include "runtime/cluster/node_watch.hpp"
#include "runtime/cluster/rendezvous.hpp"
#include "runtime/cluster/state_keeper.hpp"
#include "runtime/company/interruption.hpp"
#include "runtime/company/memory.hpp"
#include "runtime/company/regions.hpp"
#include "runtime/company/room.hpp"
#include "runtime/company/slots.hpp"
#include "runtime/configuration/levels.hpp"
#include "runtime/exit_code.hpp"
#include "runtime/parallel/ranks.hpp"
#include "runtime/parallel/wired_room.hpp"

namespace troupe {
namespace {

using namespace cluster;
using namespace std::chrono_literals;

// For slots to heed their stop tokens.
constexpr std::chrono::seconds stop_grace{2};

// Whatever a node's end of its session is.
using guest = caf::typed_actor<   //
    caf::result<farewell>(serve), //
    caf::result<void>(interrupt)>;

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
  bool pause(clock::duration length);
  void prepare(const welcome& told);
  void move_in();
  void dismiss_keeper();
  farewell serve(session& with);
  farewell serve_clients(session& with);
  farewell serve_ranks(session& with);
  parallel::wired_room_options room_of(const session& with) const;
  farewell attend(session& with, const guest& here, ready able,
      line::ears heard, const std::string& as);
  spawned_regions hold_regions(const std::vector<compute_slot>& slots);
  void dismiss_all(caf::scoped_actor& self, const std::vector<worker>& workers,
      const std::vector<compute_slot>& slots);
  void await_end(caf::scoped_actor& self, std::size_t left);
  template <class... Values>
  void say(fmt::format_string<Values...> text, Values&&... values);

  const join_options& how_;
  const std::optional<topology>& mine_;
  std::shared_ptr<node_watch> watch_;
  io_thread io_;
  rendezvous place_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::optional<lending> lent_;
  state_keeper keeper_; ///< of a resident whose client keeps something
  std::string kept_of_; ///< the run in which it does
  bool hung_ = false;   ///< a learner does not come back

  std::mutex guard_; ///< of what follows
  std::condition_variable changed_;
  bool leaving_ = false;
  guest here_; ///< while there is a session
};

node::node(const join_options& how, const std::optional<topology>& mine)
    : how_(how),
      mine_(mine),
      watch_(std::make_shared<node_watch>(how.metrics, how.silence)),
      place_(how, watch_, io_.context(),
          [this](const std::string& text) { say("{}", text); }) {
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
  if (here_)
    send_anonymously(here_, interrupt{});
  changed_.notify_all();
}

// False: it leaves.
bool node::pause(clock::duration length) {
  std::unique_lock lock{guard_};
  return !changed_.wait_for(lock, length, [this] { return leaving_; });
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
                   region_threads(lent_->settled) + (how_.resident ? 1 : 0));
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
  const auto keeps = lent_->what.config().client.keeps_variates() ||
                     lent_->what.learner()(gpu::device{})->stateful();
  if (!keeps || kept_of_ == lent_->home.run)
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
  await_end(self, left);
}

// Of so many that were told to, and are watched.
void node::await_end(caf::scoped_actor& self, std::size_t left) {
  const auto end = clock::now() + stop_grace;
  while (left > 0 && !hung_)
    self->receive([&](const caf::down_msg&) { --left; },
        caf::after(end - clock::now()) >> [&] { hung_ = true; });
}

// All of them are here, and which of them train is the coordinator's to say.
spawned_regions node::hold_regions(const std::vector<compute_slot>& slots) {
  const auto& run = *lent_;
  region_plan what{
      run.settled, slots, {run.settled.run.seed, run.on.shares()}, 2, 1, {}};
  what.header.name = run.settled.run.name;
  what.header.fingerprint = run.on.fingerprint();
  what.header.seed = run.settled.run.seed;
  what.header.slots = slots.size();
  return spawn_regions(*system_, std::move(what), run.data);
}

// From when it is ready to the end of the session.
farewell node::attend(session& with, const guest& here, ready able,
    line::ears heard, const std::string& as) {
  able.fingerprint = lent_->on.fingerprint();
  able.from = lent_->from;
  able.metrics = watch_->address();
  caf::scoped_actor self{*system_};
  farewell result;
  auto answered =
      ask(self.ptr(), here, caf::infinite, cluster::serve{std::move(able)});
  with.at->listen(watch_->hears(std::move(heard)));
  keep_courier(io_.context(), place_.dialling(), with.number, with.at);
  {
    std::lock_guard lock{guard_};
    here_ = here;
    if (leaving_)
      send_anonymously(here, interrupt{});
  }
  watch_->is(node_watch::link::serving);
  say("{} takes part in {} at {}: {}{}\n", with.told.name,
      lent_->settled.run.name, how_.at, as, lent_->on.text());
  answered.receive([&](farewell& how) { result = std::move(how); },
      [&](const caf::error& why) {
        result = {text(why), false, failed};
      });
  {
    std::lock_guard lock{guard_};
    here_ = guest{};
  }
  watch_->end(!result.over);
  return result;
}

farewell node::serve(session& with) {
  return lent_->settled.is_mesh() ? serve_ranks(with) : serve_clients(with);
}

farewell node::serve_clients(session& with) {
  auto& run = *lent_;
  auto slots = spawn_slots(*system_, run.what, run.settled, run.on);
  const auto probe = run.what.learner()(gpu::device{});
  auto most = training::most_values(*probe);
  spawned_regions regions;
  if (leases_regions(run.settled)) {
    regions = hold_regions(slots);
    most = std::max(most,
        most_kept_by_regions(run.settled, gpu::size(probe->layout()), most));
  }
  auto workers = regions.workers.empty() ? spawn_workers(*system_, run.settled,
                                               run.data, run.home.client)
                                         : regions.workers;
  with.at->expect_tensors(most * sizeof(float));
  run.kept.forget_before(with.told.durable);
  if (const auto kept = run.kept.size(); kept > 0)
    say("{} updates are kept that version {}, where the run goes on, does not "
        "hold\n",
        kept, with.told.durable);
  auto here = system_->spawn<host_impl>(
      host_options{watch_->begin(with.at, slots.size()), workers,
          regions.lanes.empty() ? slots : regions.lanes, run.what.test_data(),
          std::move(run.kept), run.home.client, keeper_});
  ready able;
  for (const auto& each : slots)
    able.slots.push_back(static_cast<std::uint8_t>(each.kind));
  std::string as;
  if (how_.resident) {
    able.samples = run.data.front().size();
    as =
        fmt::format("client {} of {} samples, ", run.home.client, able.samples);
  }
  const auto result = attend(with, here, std::move(able),
      ears_of<seated, score, revoke, carried, state_stored, call_off,
          cluster::release, arrived, refusal, durable, drain, farewell>(
          here, with.at),
      as);
  caf::scoped_actor self{*system_};
  dismiss_all(self, workers, slots);
  for (const auto& one : regions.others)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  ask(self.ptr(), here, caf::infinite, hand_over{})
      .receive([&](cluster::kept& what) { run.kept = std::move(*what.what); },
          [&](const caf::error&) { run.kept = kept_updates{most_kept()}; });
  caf::anon_send_exit(here, caf::exit_reason::user_shutdown);
  return result;
}

// Others reach this node where the coordinator does.
parallel::wired_room_options node::room_of(const session& with) const {
  parallel::wired_room_options how{
      with.own_host, monitoring::endpoint::parse(how_.at).host};
  how.by = parallel::mesh_wire_named(lent_->settled.parallel.wire);
  if (!how_.tls.empty())
    how.shows = [where = how_.tls, name = how_.name] {
      return collective::credentials_in(where, name);
    };
  return how;
}

farewell node::serve_ranks(session& with) {
  auto& run = *lent_;
  const auto count = static_cast<std::size_t>(run.on.slots());
  with.at->expect_tensors(
      gpu::size(models::layout(*run.what.model())) * sizeof(float));
  parallel::spawned_ranks all;
  auto here = system_->spawn<rank_host_impl>(
      rank_host_options{watch_->begin(with.at, count),
          [&, room = std::make_shared<parallel::wired_room>(room_of(with))](
              const parallel::rank_sink& whom) {
            all = parallel::spawn_ranks(
                *system_, run.what, run.settled, run.on, count, room, whom);
            return all.ranks;
          }});
  ready able;
  for (const auto kind : parallel::kinds_of_ranks(run.on, count))
    able.slots.push_back(static_cast<std::uint8_t>(kind));
  const auto result = attend(with, here, std::move(able),
      ears_of<parallel::convene, parallel::muster, parallel::advance,
          parallel::assess, parallel::hand_over, arrived, refusal, drain,
          farewell>(here, with.at),
      "ranks, ");
  caf::scoped_actor self{*system_};
  caf::anon_send_exit(here, caf::exit_reason::user_shutdown);
  for (const auto& one : all.threads)
    watch(self.ptr(), one);
  for (const auto& one : all.ranks)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  await_end(self, all.threads.size());
  return result;
}

int node::run() {
  if (auto url = watch_->url(); !url.empty())
    say("metrics at {}\n", url);
  for (;;) {
    auto with = place_.meet([this](auto length) { return pause(length); });
    if (!with)
      return interrupted;
    const auto& name = with->told.name;
    place_.is_called(name);
    watch_->named(name, how_.at);
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
      say("{} is through: {}\n", place_.name(), how.why);
      if (hung_) {
        monitoring::settle_standard_outlets();
        std::_Exit(how.code);
      }
      return how.code;
    }
    say("the coordinator is gone: {}; dialling again\n", how.why);
    if (!pause(rendezvous::shortest_pause))
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
