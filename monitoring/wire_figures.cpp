#include "monitoring/wire_figures.hpp"

#include <array>
#include <cstddef>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/histogram.h>

#include "monitoring/figure_register.hpp"
#include "monitoring/pulse_figures.hpp"

namespace troupe::monitoring {

namespace {

using prometheus::Counter;
using prometheus::Histogram;

constexpr std::array all_wires{wire::memory, wire::tcp, wire::tls, wire::ucx};
constexpr std::array outcomes{"completed", "failed", "cancelled"};
constexpr std::array refusals{
    "handshake", "preamble", "hello", "name", "session", "crowded"};

template <class Enum>
std::size_t index(Enum x) {
  return static_cast<std::size_t>(x);
}

/// A counter for each value of one label.
template <std::size_t N>
std::array<Counter*, N> counters_by(figure_register& to,
    const std::string& name, const std::string& help, const std::string& label,
    const std::array<const char*, N>& values, const std::string& more = {},
    const std::string& more_value = {}) {
  std::array<Counter*, N> result{};
  for (std::size_t i = 0; i < N; ++i) {
    figure_register::labels with{{label, values[i]}};
    if (!more.empty())
      with.emplace(more, more_value);
    result[i] = &to.counter(name, help, with);
  }
  return result;
}

constexpr std::array wire_names{to_string(all_wires[0]),
    to_string(all_wires[1]), to_string(all_wires[2]), to_string(all_wires[3])};

using by_wire = std::array<Counter*, wires>;

by_wire bytes_of(figure_register& to, direction which) {
  return counters_by(to, "wire_bytes_total",
      "Bytes between this process and others, before TLS.", "wire", wire_names,
      "direction", to_string(which));
}

Counter& beats_of(figure_register& to, direction which) {
  return to.counter("heartbeats_total",
      "Beats, said where there was nothing else to say.",
      {{"direction", to_string(which)}});
}

} // namespace

struct wire_figures::counters {
  figure_register figures;
  std::array<by_wire, 2> bytes{
      bytes_of(figures, direction::in), bytes_of(figures, direction::out)};
  std::array<Counter*, 2> beats{
      &beats_of(figures, direction::in), &beats_of(figures, direction::out)};
  Counter& started = figures.counter(
      "transfers_started_total", "Tensors of other processes, asked for.");
  std::array<Counter*, 3> ended = counters_by(figures, "transfers_total",
      "Tensors that were asked for, by what became of it.", "outcome",
      outcomes);
  Counter& retried = figures.counter("transfers_retried_total",
      "Transfers whose channel broke, to be taken up over another.");
  by_wire brought = counters_by(figures, "transfer_bytes_total",
      "Bytes of completed transfers.", "wire", wire_names);
  std::array<Histogram*, wires> took{};
  by_wire opened = counters_by(figures, "channels_opened_total",
      "Channels for tensors, again or at first.", "wire", wire_names);
  std::array<Counter*, refusals.size()> refused =
      counters_by(figures, "connections_refused_total",
          "Connections that came to no session.", "reason", refusals);
  std::shared_ptr<pulse_figures> pulses = std::make_shared<pulse_figures>();

  explicit counters(double silence_limit) {
    for (auto over : all_wires)
      took[index(over)] = &figures.histogram_of_seconds("transfer_seconds",
          "Time from when a tensor was asked for until it was here.",
          {{"wire", to_string(over)}});
    if (silence_limit > 0.0)
      figures
          .gauge("silence_limit_seconds",
              "A peer that is not heard for so long is lost.")
          .set(silence_limit);
  }
};

wire_figures::wire_figures(double silence_limit)
    : counters_(std::make_unique<counters>(silence_limit)) {}

wire_figures::~wire_figures() = default;

void wire_figures::moved(
    wire over, direction which, std::uint64_t bytes) noexcept {
  counters_->bytes[index(which)][index(over)]->Increment(number(bytes));
}

void wire_figures::beat(direction which) noexcept {
  counters_->beats[index(which)]->Increment();
}

void wire_figures::transfer_started() noexcept {
  counters_->started.Increment();
}

void wire_figures::transfer_completed(
    wire over, std::uint64_t bytes, double seconds) noexcept {
  transfer_ended(outcome::completed);
  counters_->brought[index(over)]->Increment(number(bytes));
  counters_->took[index(over)]->Observe(seconds);
}

void wire_figures::transfer_ended(outcome how) noexcept {
  counters_->ended[index(how)]->Increment();
}

void wire_figures::transfers_retried(std::uint64_t count) noexcept {
  counters_->retried.Increment(number(count));
}

void wire_figures::channel_opened(wire over) noexcept {
  counters_->opened[index(over)]->Increment();
}

void wire_figures::refused(refusal why) noexcept {
  counters_->refused[index(why)]->Increment();
}

std::shared_ptr<void> wire_figures::watch(
    std::string peer, std::shared_ptr<const pulse> of) {
  return counters_->pulses->watch(std::move(peer), std::move(of));
}

collectables wire_figures::all() const {
  return {counters_->figures.all(), counters_->pulses};
}

} // namespace troupe::monitoring
