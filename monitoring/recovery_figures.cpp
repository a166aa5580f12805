#include "monitoring/recovery_figures.hpp"

namespace troupe::monitoring {

recovery_figures::recovery_figures(figure_register& to)
    : resume_(to.gauge("resume_seconds",
          "Time from the start of a process that took a run up to its first "
          "new version.")),
      leases_(to.seconds("recovery_seconds",
          "Time from when leases were taken back, as those of a lost node, "
          "until the last of them was handed out again.")) {}

void recovery_figures::hear(const facts::run_started& what, instant at) {
  open_.reset();
  taken_up_.reset();
  if (what->incarnation > 0)
    taken_up_ = at;
}

void recovery_figures::hear(const facts::requeued& f, instant at) {
  open_.requeued(f.client, at);
}

void recovery_figures::hear(const facts::leased& f, instant at) {
  add(open_.leased(f.client, at));
}

void recovery_figures::hear(const facts::published&, instant at) {
  if (taken_up_)
    resume_.set(before_ + seconds(at - *taken_up_));
  taken_up_.reset();
}

void recovery_figures::hear(const facts::round_started&, instant) {
  add(open_.round_over());
}

void recovery_figures::hear(const facts::client_left& f, instant) {
  add(open_.gone(f.client));
}

void recovery_figures::hear(const facts::run_ended&, instant) {
  open_.reset();
}

void recovery_figures::add(const std::optional<duration>& took) {
  if (took)
    leases_.add(seconds(*took));
}

} // namespace troupe::monitoring
