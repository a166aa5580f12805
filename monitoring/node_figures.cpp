#include "monitoring/node_figures.hpp"

#include <array>
#include <cstddef>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include "monitoring/figure_register.hpp"

namespace troupe::monitoring {

namespace {

constexpr std::array states{"dialling", "joining", "serving"};

prometheus::Counter& sessions(figure_register& to, const char* how) {
  return to.counter("node_sessions_total",
      "Sessions with a coordinator, begun and over.", {{"how", how}});
}

prometheus::Counter& dials(figure_register& to, const char* outcome) {
  return to.counter("node_dials_total",
      "Times that the coordinator was dialled.", {{"outcome", outcome}});
}

prometheus::Counter& updates(figure_register& to, const char* outcome) {
  return to.counter("node_updates_total",
      "Leases that were worked at here, by what came of it.",
      {{"outcome", outcome}});
}

late_gauge slots_of(figure_register& to, const char* state) {
  return to.gauge(
      "node_slots", "Slots of this node by state.", {{"state", state}});
}

} // namespace

struct node_figures::figures {
  figure_register all;
  late_gauge::family& info =
      all.gauges("node_info", "Which node this is; always 1.");
  prometheus::Gauge* current_info = nullptr;
  late_gauge::family& link =
      all.gauges("node_link", "1 for how this node and the coordinator stand.");
  std::array<late_gauge, 3> links{late_gauge{link, {{"state", states[0]}}},
      late_gauge{link, {{"state", states[1]}}},
      late_gauge{link, {{"state", states[2]}}}};
  prometheus::Counter& answered = dials(all, "answered");
  prometheus::Counter& unanswered = dials(all, "unanswered");
  prometheus::Counter& begun = sessions(all, "begun");
  prometheus::Counter& ended = sessions(all, "ended");
  prometheus::Counter& lost = sessions(all, "lost");
  late_gauge busy = slots_of(all, "busy");
  late_gauge idle = slots_of(all, "idle");
  prometheus::Counter& trained = updates(all, "trained");
  prometheus::Counter& failed = updates(all, "failed");
  prometheus::Counter& samples = all.counter("node_samples_total",
      "Samples processed for updates that were trained here.");
  prometheus::Histogram& seconds = all.histogram_of_seconds(
      "node_training_seconds", "Wall time of a training here.");
};

node_figures::node_figures() : figures_(std::make_unique<figures>()) {
  is(link::dialling);
}

node_figures::~node_figures() = default;

void node_figures::named(
    const std::string& name, const std::string& coordinator) {
  std::lock_guard lock{guard_};
  auto& f = *figures_;
  if (f.current_info)
    f.info.Remove(f.current_info);
  f.current_info =
      &f.info.Add({{"name", name}, {"coordinator", coordinator}}, 1.0);
}

void node_figures::is(link state) {
  std::lock_guard lock{guard_};
  for (std::size_t i = 0; i < figures_->links.size(); ++i)
    figures_->links[i].set(i == static_cast<std::size_t>(state) ? 1.0 : 0.0);
}

void node_figures::dialled(bool answered) noexcept {
  (answered ? figures_->answered : figures_->unanswered).Increment();
}

void node_figures::session_begun() noexcept {
  figures_->begun.Increment();
}

void node_figures::session_over(bool lost) noexcept {
  (lost ? figures_->lost : figures_->ended).Increment();
}

void node_figures::slots(std::uint64_t busy, std::uint64_t all) {
  std::lock_guard lock{guard_};
  figures_->busy.set(number(busy));
  figures_->idle.set(number(all - busy));
}

void node_figures::trained(std::uint64_t samples, double seconds) noexcept {
  figures_->trained.Increment();
  figures_->samples.Increment(number(samples));
  figures_->seconds.Observe(seconds);
}

void node_figures::failed() noexcept {
  figures_->failed.Increment();
}

std::shared_ptr<prometheus::Collectable> node_figures::collectable() const {
  return figures_->all.all();
}

} // namespace troupe::monitoring
