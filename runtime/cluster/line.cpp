#include "runtime/cluster/line.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "gpu/aggregation/ordered_sum.hpp"
#include "runtime/cluster/counted_channel.hpp"
#include "runtime/cluster/courier_errc.hpp"
#include "runtime/cluster/neighbours.hpp"
#include "runtime/cluster/socket_channel.hpp"

#include <boost/asio/post.hpp>

namespace troupe::cluster {
namespace {

using outcome = monitoring::wire_figures::outcome;
using shared_figures = std::shared_ptr<monitoring::wire_figures>;

// A chunk over the slowest of lines takes its time.
constexpr std::chrono::seconds shortest{15};
// So long others wait for the room of a tensor that is on its way.
constexpr std::chrono::seconds courtesy{5};
// Values that are measured in one go: a millisecond's work.
constexpr std::size_t a_piece = std::size_t{1} << 20;

// Its room is held for as long as its values are.
gpu::shared_buffer kept_in(
    transfer_budget::shared_room room, gpu::shared_buffer block) {
  if (!room || !block)
    return block;
  const auto* values = block.get();
  return {values, [room = std::move(room), block = std::move(block)](
                      const gpu::buffer*) mutable {
            block.reset(); // before others are let in
            room.reset();
          }};
}

/// A tensor that was asked for, as it is counted.
struct transfer {
  explicit transfer(shared_figures by, std::uint64_t size)
      : figures(std::move(by)), bytes(size) {
    if (figures)
      figures->transfer_started();
  }

  void end(std::error_code how, monitoring::wire over) const {
    if (!figures)
      return;
    if (how)
      figures->transfer_ended(how == courier_errc::cancelled
                                  ? outcome::cancelled
                                  : outcome::failed);
    else
      figures->transfer_completed(over, bytes,
          std::chrono::duration<double>(clock::now() - began).count());
  }

  shared_figures figures;
  std::uint64_t bytes;
  clock::time_point began = clock::now();
};

} // namespace

line::line(
    std::shared_ptr<connection> over, std::uint64_t most_bytes, double max_norm)
    : connection_(std::move(over)),
      most_bytes_(most_bytes),
      max_norm_(max_norm),
      courier_(lends_, post_to(connection_->over().get_executor())),
      watch_(connection_->over().get_executor()) {}

void line::open() {
  connection_->hear({.said = [self = shared_from_this()](
                                 frame&& what) { self->hear(std::move(what)); },
      .ended = [self = shared_from_this()](const std::string& why,
                   bool in_order) { self->end(why, in_order); }});
  since_ = clock::now();
  watch();
}

// Beats may come through where tensors do not.
void line::watch() {
  watch_.expires_after(std::chrono::seconds{1});
  watch_.async_wait([weak = weak_from_this()](network_error error) {
    const auto self = weak.lock();
    if (error || !self || self->over_)
      return;
    const auto now = clock::now();
    self->hurry(now);
    const auto most =
        std::max<clock::duration>(4 * self->connection_->silence(), shortest);
    const auto moved = self->courier_.moved();
    if (self->fetches_ == 0 || moved != std::exchange(self->moved_, moved))
      self->since_ = now;
    else if (now - self->since_ > most)
      return self->connection_->fail(
          fmt::format("its tensors stood still for {:g} s",
              std::chrono::duration<double>(most).count()));
    self->watch();
  });
}

void line::listen(ears whom) {
  asio::post(connection_->over().get_executor(),
      [self = shared_from_this(), whom = std::move(whom)]() mutable {
        self->ears_ = std::move(whom);
        for (auto& each : std::exchange(self->early_, {}))
          self->ears_.said(std::move(each));
        if (self->over_)
          std::exchange(self->ears_, {}).over(parted{self->how_});
      });
}

void line::hear(frame&& what) {
  if (ears_.said)
    ears_.said(std::move(what));
  else
    early_.push_back(std::move(what));
}

void line::attach(stream over, memory_channel::side which,
    std::function<void(const std::string&)> broken) {
  open_channel(std::move(over), which,
      [weak = weak_from_this(), broken = std::move(broken)](
          std::unique_ptr<channel> best, std::error_code error) {
        const auto self = weak.lock();
        if (!self || self->over_)
          return;
        if (error && broken)
          broken(error.message());
        if (!error)
          self->take(std::move(best), broken);
      });
}

void line::take(std::unique_ptr<channel> best,
    std::function<void(const std::string&)> broken) {
  const auto& figures = connection_->figures();
  wire_ = best->over();
  if (figures) {
    figures->channel_opened(wire_);
    best = std::make_unique<counted_channel>(std::move(best), figures);
  }
  courier_.attach(
      std::move(best), [weak = weak_from_this(), broken = std::move(broken)](
                           const std::system_error& how) {
        if (const auto self = weak.lock())
          if (const auto& counts = self->connection_->figures())
            counts->transfers_retried(self->fetches_);
        if (broken)
          broken(how.what());
      });
}

void line::call(const std::string& name) {
  asio::post(
      connection_->over().get_executor(), [self = shared_from_this(), name] {
        const auto& figures = self->connection_->figures();
        if (figures && !self->over_)
          self->watched_ = figures->watch(name, self->connection_->pulse());
      });
}

tensor line::lend(gpu::shared_buffer what) {
  return lends_->lend(std::move(what));
}

void line::fetch_together(const std::vector<tensor>& what) {
  if (!budget_) {
    for (const auto& each : what)
      fetch(each, nullptr);
    return;
  }
  const std::uint64_t most = most_bytes_;
  std::uint64_t bytes = 0;
  for (const auto& each : what)
    bytes += std::min(each.count, most / sizeof(float)) * sizeof(float);
  const auto begin = [weak = weak_from_this(), what](const shared_room& in) {
    const auto self = weak.lock();
    if (!self)
      return;
    self->coming_.push_back({clock::now(), in});
    for (const auto& each : what)
      self->fetch(each, in);
  };
  budget_->ask(bytes,
      [begin, weak = weak_from_this(), on = connection_->over().get_executor()](
          const shared_room& in) {
        if (!weak.expired())
          asio::post(on, [begin, in] { begin(in); });
      });
}

void line::fetch(const tensor& what, shared_room in) {
  ++fetches_;
  courier_.fetch(what, most_bytes_,
      [self = weak_from_this(), id = what.id, in = std::move(in),
          counted =
              transfer{connection_->figures(), what.count * sizeof(float)}](
          gpu::shared_buffer block, float largest, std::error_code error) {
        auto here = self.lock();
        if (here)
          --here->fetches_;
        counted.end(error, here ? here->wire_ : monitoring::wire::tcp);
        if (!here)
          return;
        const bool came = block != nullptr;
        fetched got{id, tensor{kept_in(in, std::move(block))}, largest,
            error ? error.message() : std::string{}};
        if (came && here->max_norm_ > 0.0)
          here->measure(std::move(got));
        else
          here->bring(std::move(got));
      });
}

// A piece at a time, between what else comes and goes on this thread.
void line::measure(fetched&& what) {
  struct measuring {
    fetched what;
    gpu::ordered::running_squares squares{};
    std::size_t at = 0;
  };
  struct step {
    std::shared_ptr<line> self;
    std::shared_ptr<measuring> of;
    void operator()() const {
      const auto rest = of->what.here.here->span().subspan(of->at);
      const auto next = rest.first(std::min(rest.size(), a_piece));
      of->squares.add(next);
      of->at += next.size();
      if (next.size() < rest.size())
        return asio::post(self->connection_->over().get_executor(), *this);
      of->what.too_large = !(std::sqrt(of->squares.sum()) <= self->max_norm_);
      self->bring(std::move(of->what));
    }
  };
  step{shared_from_this(),
      std::make_shared<measuring>(measuring{std::move(what)})}();
}

void line::bring(fetched&& what) {
  if (ears_.brought)
    ears_.brought(std::move(what));
}

// A slow peer takes its time, and others their turn meanwhile.
void line::hurry(clock::time_point now) {
  std::erase_if(coming_, [now](const coming& each) {
    const auto in = each.in.lock();
    const bool late = now - each.since > courtesy;
    if (in && late)
      in->give_way();
    return !in || late;
  });
}

void line::end(const std::string& why, bool in_order) {
  over_ = true;
  over_.notify_all();
  watch_.cancel();
  watched_.reset();
  how_ = {why, in_order, connection_->pulse()->silence()};
  courier_.detach();
  auto last = std::exchange(ears_, {});
  if (last.over)
    last.over(parted{how_});
}

} // namespace troupe::cluster
