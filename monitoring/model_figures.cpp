#include "monitoring/model_figures.hpp"

#include <string>

namespace troupe::monitoring {

model_figures::model_figures(figure_register& to)
    : info_(to.gauges("run_info", "What is being run; always 1.")),
      active_(to.gauge("run_active", "Whether a run is going on.")),
      planned_(to.gauge("rounds_planned", "Rounds, versions or steps, to do in "
                                          "all.")),
      parameters_(to.gauge("model_parameters", "Parameters of the model.")),
      version_(
          to.gauge("model_version", "Last published version of the model.")),
      updates_(to.gauge("model_updates", "Updates in all versions so far.")),
      stored_version_(
          to.gauge("stored_version", "Last version that survives a crash.")),
      accuracy_(
          to.gauge("accuracy", "Accuracy at the last evaluation, 0 to 1.")),
      best_accuracy_(to.gauge(
          "best_accuracy", "Best accuracy of any evaluation, 0 to 1.")),
      loss_(to.gauge("loss", "Loss at the last evaluation.")),
      evaluated_version_(
          to.gauge("evaluated_version", "Version of the last evaluation.")),
      training_loss_(to.gauge("training_loss",
          "Mean training loss of the last version's updates, or a mesh's last "
          "steps.")),
      rounds_started_(to.tally("rounds_started_total", "Rounds begun.")),
      rounds_skipped_(
          to.tally("rounds_skipped_total", "Rounds that changed nothing.")),
      rule_changes_(to.tally("rule_changes_total",
          "Times that another rule, or the same by other keys, took over.")),
      round_seconds_(
          to.seconds("round_seconds", "Time from one version to the next.")),
      evaluation_seconds_(to.seconds("evaluation_seconds",
          "Time from an evaluation's request to its result.")),
      store_seconds_(
          to.seconds("store_seconds", "Time to make a version durable.")) {
  active_.set(0.0);
}

void model_figures::tell_of_run() {
  if (current_info_)
    info_.Remove(current_info_);
  current_info_ =
      &info_.Add({{"name", run_.name}, {"rule", run_.rule},
                     {"fingerprint", run_.fingerprint},
                     {"seed", std::to_string(run_.seed)},
                     {"incarnation", std::to_string(run_.incarnation)}},
          1.0);
}

void model_figures::hear(const facts::rule_changed& f) {
  run_.rule = f.rule;
  rule_changes_.add();
  tell_of_run();
}

void model_figures::hear(const facts::run_started& what) {
  const auto& f = run_ = *what;
  tell_of_run();
  active_.set(1.0);
  planned_.set(number(f.rounds));
  parameters_.set(number(f.parameters));
  version_.set(number(f.version));
  updates_.set(number(f.updates));
  stored_version_.set(number(f.version)); // or it could not be taken up
  if (f.best_version > 0)
    best_accuracy_.set(best_ = f.best_accuracy);
}

void model_figures::hear(const facts::voided& f) {
  version_.set(number(f.version));
}

void model_figures::hear(const facts::round_started&) {
  rounds_started_.add();
}

void model_figures::hear(const facts::round_skipped&) {
  rounds_skipped_.add();
}

void model_figures::hear(const facts::published& f) {
  version_.set(number(f.version));
  updates_.set(number(f.total_updates));
  training_loss_.set(f.loss);
  round_seconds_.add(f.seconds);
}

void model_figures::hear(const facts::stepped& f) {
  if (f.ranks > 0)
    training_loss_.set(f.loss);
}

void model_figures::hear(const facts::evaluated& f) {
  take_up(f);
  evaluation_seconds_.add(f.seconds);
  if (f.accuracy > best_)
    best_accuracy_.set(best_ = f.accuracy);
}

void model_figures::hear(const facts::stored& f) {
  stored_version_.set(number(f.version));
  store_seconds_.add(f.seconds);
}

void model_figures::hear(const facts::run_ended&) {
  active_.set(0.0);
}

void model_figures::take_up(const facts::evaluated& last) {
  accuracy_.set(last.accuracy);
  loss_.set(last.loss);
  evaluated_version_.set(number(last.version));
}

void model_figures::flush() {
  for (auto* count : {&rounds_started_, &rounds_skipped_, &rule_changes_})
    count->flush();
  for (auto* values : {&round_seconds_, &evaluation_seconds_, &store_seconds_})
    values->flush();
}

} // namespace troupe::monitoring
