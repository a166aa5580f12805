#include "monitoring/mesh_figures.hpp"

#include <prometheus/counter.h>

namespace troupe::monitoring {

mesh_figures::mesh_figures(figure_register& to)
    : step_(to.gauge("mesh_step", "Steps that the ranks of a mesh have made.")),
      wanted_(to.gauge("mesh_ranks_wanted",
          "Ranks that a mesh is to have; 0: the run is no mesh.")),
      present_(to.gauge("mesh_ranks", "Ranks that make steps together now.")),
      epoch_(to.gauge("mesh_epoch",
          "Number of the composition that makes steps now, from 1 on in each "
          "process.")),
      compositions_(to.tally("mesh_compositions_total",
          "Times that ranks came together to make steps.")),
      lost_(to.tally("mesh_ranks_lost_total",
          "Ranks that took part and are gone, or could not go on.")),
      bytes_(to.tally("mesh_sent_bytes_total", "Bytes sent between ranks.")),
      recovery_seconds_(to.seconds("mesh_recovery_seconds",
          "Time from the loss of a rank until the others have made steps "
          "again.")),
      stepping_seconds_(&to.counter("mesh_step_seconds_total",
          "Time that steps took, by the slowest rank.")),
      computing_seconds_(&to.counter("mesh_computing_seconds_total",
          "Of that, the time that a rank computed, on average; the rest it "
          "waited for others.")) {}

void mesh_figures::hear(const facts::run_started& what) {
  of_mesh_ = what->of_mesh();
  lost_at_.reset();
  wanted_.set(of_mesh_ ? number(what->slots) : 0.0);
  if (of_mesh_)
    step_.set(number(what->version));
}

// A process counts its compositions from a multiple of 2^32.
void mesh_figures::hear(const facts::mesh_formed& f) {
  step_.set(number(f.step));
  present_.set(number(f.ranks));
  epoch_.set(number(f.epoch & 0xFFFFFFFFU));
  compositions_.add();
}

void mesh_figures::hear(const facts::rank_lost&, instant at) {
  lost_.add();
  if (!lost_at_)
    lost_at_ = at;
}

void mesh_figures::hear(const facts::waiting& f) {
  if (of_mesh_)
    present_.set(number(f.have));
}

void mesh_figures::hear(const facts::stepped& f, instant at) {
  step_.set(number(f.last));
  bytes_.add(f.bytes);
  if (f.seconds > 0.0)
    stepping_seconds_->Increment(f.seconds);
  if (f.computing > 0.0)
    computing_seconds_->Increment(f.computing);
  if (f.ranks == 0)
    return;
  if (lost_at_)
    recovery_seconds_.add(seconds(at - *lost_at_));
  lost_at_.reset();
}

void mesh_figures::hear(const facts::run_ended&) {
  if (of_mesh_)
    present_.set(0.0);
}

void mesh_figures::flush() {
  for (auto* count : {&compositions_, &lost_, &bytes_})
    count->flush();
  recovery_seconds_.flush();
}

} // namespace troupe::monitoring
