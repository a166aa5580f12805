#include "monitoring/progress_line.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "monitoring/wording.hpp"

namespace troupe::monitoring {

namespace {

// A version that is scored so much later stands beside today's count.
constexpr std::size_t most_unscored = 1024;

std::string outcome_text(const std::string& outcome) {
  return outcome == "target_reached" ? "reached the target" : outcome;
}

} // namespace

void progress_line::hear(const fact& f, std::vector<remark>& out) {
  now_ = f.at;
  std::visit([&](const auto& what) { on(what, out); }, f.what);
}

void progress_line::on(const facts::run_started& what, remarks& out) {
  const auto f = *what;
  const auto at = now_;
  *this = progress_line{};
  now_ = started_ = round_began_ = at;
  run_ = f;
  running_ = true;
  version_ = f.version;
  rounds_done_ = f.version;
  updates_ = f.updates;
  updates_in_[f.version] = f.updates;
  if (f.best_version > 0)
    best_ = {f.best_version, f.best_accuracy};
  ledger_.reset(f.clients);
  auto text = introduction();
  if (f.version > 0 || f.incarnation > 0)
    text += fmt::format(
        ", taken up from {} {}", version_word(), grouped(f.version));
  out.push_back({std::move(text)});
}

std::string progress_line::introduction() const {
  const auto& f = run_;
  const auto to_do = counted(f.rounds, f.unit);
  const auto size = counted(f.parameters, "parameter");
  if (f.of_mesh())
    return fmt::format("{}: {}, {}, {} of {}, {}, seed {}", one_line(f.name),
        f.rule, counted(f.slots, "rank"), to_do, counted(f.batch, "sample"),
        size, f.seed);
  return fmt::format("{}: {}, {}, {}, {}, {}, seed {}", one_line(f.name),
      f.rule, counted(f.clients, "client"), to_do, size,
      counted(f.slots, "slot"), f.seed);
}

void progress_line::on(const facts::round_started& f, remarks&) {
  cohort_ = f.cohort;
  cohort_done_ = 0;
}

void progress_line::on(const facts::leased& f, remarks&) {
  ledger_.begin(f.client, f.lease);
}

void progress_line::on(const facts::accepted& f, remarks&) {
  ledger_.end(f.client, f.lease);
  ++cohort_done_;
  ++accepted_;
}

void progress_line::on(const facts::dropped& f, remarks&) {
  ledger_.end(f.client, f.lease);
}

void progress_line::on(const facts::requeued& f, remarks&) {
  ledger_.end(f.client, f.lease);
}

void progress_line::on(const facts::revoked& f, remarks&) {
  ledger_.end(f.client, f.lease);
}

void progress_line::on(const facts::client_failed& f, remarks& out) {
  ledger_.end(f.client, f.lease);
  ++cohort_done_;
  if (failures_.worth_saying())
    out.push_back({fmt::format("client {} failed: {}{}", f.client,
                       one_line(f.why), failures_.remainder()),
        true});
}

void progress_line::on(const facts::round_skipped& f, remarks& out) {
  close_round(f.round);
  if (skipped_.worth_saying())
    out.push_back({fmt::format("round {} skipped: {} accepted, {} needed{}",
                       grouped(f.round), counted(f.accepted, "update"),
                       grouped(f.needed), skipped_.remainder()),
        true});
}

void progress_line::on(const facts::published& f, remarks&) {
  if (!run_.of_mesh())
    close_round(std::max(f.round, f.version));
  version_ = f.version;
  updates_ = f.total_updates;
  updates_in_[f.version] = f.total_updates;
  if (updates_in_.size() > most_unscored)
    updates_in_.erase(updates_in_.begin());
  training_loss_ = f.loss;
  if (!run_.of_mesh())
    pace_.add(f.updates, f.seconds);
}

// A wish that could not be met has settings no more.
void progress_line::on(const facts::rule_changed& f, remarks& out) {
  const auto other = std::exchange(run_.rule, f.rule) != f.rule;
  cohort_ = 0;
  out.push_back({fmt::format("{}  {} {} ({}: {})", version_of_all(f.version),
      f.rule, other ? "takes over" : "goes on", f.why,
      f.settings.empty() ? "nothing changed" : f.settings)});
}

void progress_line::on(const facts::evaluated& f, remarks& out) {
  last_ = f;
  if (!best_ || !(best_->accuracy >= f.accuracy))
    best_ = {f.version, f.accuracy};
  auto text = fmt::format("{}  accuracy {}  loss {}", version_of_all(f.version),
      figure(f.accuracy), figure(f.loss));
  const auto updates = take_updates_in(f.version);
  if (!run_.of_mesh())
    text += "  " + counted(updates, "update");
  if (auto s = speed())
    text += "  " + rate_of_work(*s);
  if (auto left = seconds_left())
    text += fmt::format("  eta {}", clock(*left));
  out.push_back({std::move(text)});
}

void progress_line::on(const facts::run_ended& f, remarks& out) {
  running_ = false;
  const bool failed = f.outcome == "failed";
  auto text = outcome_text(f.outcome) + (failed ? " at " : ": ") +
              version_of_all(f.version);
  if (!f.why.empty())
    text += ": " + one_line(f.why);
  if (!failed)
    text += result();
  if (failures_.count() > 0)
    text += "  " + counted(failures_.count(), "failure");
  out.push_back({std::move(text), failed});
}

std::string progress_line::result() const {
  std::string text;
  if (last_)
    text += "  accuracy " + figure(last_->accuracy) + "  loss " +
            figure(last_->loss);
  if (best_ && !(last_ && best_->version == last_->version))
    text += fmt::format("  best {} at {} {}", figure(best_->accuracy),
        version_word(), grouped(best_->version));
  return text + fmt::format("  {} in {}", counted(updates_, update_word()),
                    clock(seconds(now_ - started_)));
}

void progress_line::close_round(std::uint64_t round) {
  rounds_done_ = std::max(rounds_done_, round);
  round_began_ = now_;
  cohort_done_ = 0;
}

std::string progress_line::version_of_all(version_id version) const {
  return fmt::format(
      "{} {}/{}", version_word(), grouped(version), grouped(run_.rounds));
}

std::string_view progress_line::version_word() const noexcept {
  return run_.of_mesh() ? "step" : "version";
}

std::string_view progress_line::update_word() const noexcept {
  return run_.of_mesh() ? "sample" : "update";
}

// Evaluations come in the order of versions.
std::uint64_t progress_line::take_updates_in(version_id version) {
  const auto found = updates_in_.find(version);
  const auto updates = found == updates_in_.end() ? updates_ : found->second;
  updates_in_.erase(updates_in_.begin(), updates_in_.lower_bound(version));
  return updates;
}

std::optional<double> progress_line::speed() const {
  if (pace_.known())
    return pace_.updates_a_second();
  const auto elapsed = seconds(now_ - started_);
  if (accepted_ == 0 || !(elapsed > 0.0))
    return std::nullopt;
  return static_cast<double>(accepted_) / elapsed;
}

} // namespace troupe::monitoring
