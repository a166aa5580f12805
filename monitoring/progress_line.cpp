#include "monitoring/progress_line.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "monitoring/wording.hpp"

namespace troupe::monitoring {

namespace {

constexpr std::string_view gap = "  ";

// A bar that grew and shrank with every figure beside it would be restless.
constexpr std::size_t bar_step = 6;
constexpr std::size_t narrowest_bar = 12;
constexpr std::size_t widest_bar = 42;

/// A piece of the live line. Of those that do not fit, the one that matters
/// least goes first.
struct piece {
  std::string text;
  int matters;
};

std::size_t columns_of(const std::vector<piece>& pieces) {
  std::size_t sum = 0;
  for (const auto& p : pieces)
    sum += columns(p.text) + gap.size();
  return sum == 0 ? 0 : sum - gap.size();
}

void drop_until_it_fits(std::vector<piece>& pieces, std::size_t width) {
  while (pieces.size() > 1 && columns_of(pieces) > width)
    pieces.erase(std::min_element(pieces.begin(), pieces.end(),
        [](const piece& a, const piece& b) { return a.matters < b.matters; }));
}

std::string joined(const std::vector<piece>& pieces) {
  std::string result;
  for (const auto& p : pieces) {
    if (!result.empty())
      result += gap;
    result += p.text;
  }
  return result;
}

// A version that is scored so much later stands beside today's count.
constexpr std::size_t most_unscored = 1024;

std::string outcome_text(const std::string& outcome) {
  return outcome == "target_reached" ? "reached the target" : outcome;
}

std::string bar(double part, std::size_t width) {
  const auto cells = width - 2;
  const auto full = std::min(
      cells, static_cast<std::size_t>(part * static_cast<double>(cells)));
  std::string inside(full, '=');
  if (full < cells)
    inside += '>';
  inside.resize(cells, ' ');
  return "[" + inside + "]";
}

} // namespace

bool progress_line::occasions::worth_saying() {
  ++count;
  if (count <= 10)
    return true;
  if (count < next_round)
    return false;
  next_round *= 10;
  return true;
}

std::string progress_line::occasions::remainder() const {
  if (count < 10)
    return {};
  return fmt::format(" ({} so far, the next is told at {})", grouped(count),
      grouped(next_round));
}

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
  auto text = fmt::format("{}: {}, {}, {}, {}, {}, seed {}", one_line(f.name),
      f.rule, counted(f.clients, "client"), counted(f.rounds, f.unit),
      counted(f.parameters, "parameter"), counted(f.slots, "slot"), f.seed);
  if (f.version > 0 || f.incarnation > 0)
    text += fmt::format(", taken up from version {}", grouped(f.version));
  out.push_back({std::move(text)});
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
  close_round(std::max(f.round, f.version));
  version_ = f.version;
  updates_ = f.total_updates;
  updates_in_[f.version] = f.total_updates;
  if (updates_in_.size() > most_unscored)
    updates_in_.erase(updates_in_.begin());
  training_loss_ = f.loss;
  pace_.add(f.updates, f.seconds);
}

void progress_line::on(const facts::evaluated& f, remarks& out) {
  last_ = f;
  if (!best_ || !(best_->accuracy >= f.accuracy))
    best_ = {f.version, f.accuracy};
  auto text = fmt::format("{}  accuracy {}  loss {}  {}",
      version_of_all(f.version), figure(f.accuracy), figure(f.loss),
      counted(take_updates_in(f.version), "update"));
  if (auto s = speed())
    text += fmt::format("  {} updates/s", rate(*s));
  if (auto left = seconds_left())
    text += fmt::format("  eta {}", clock(*left));
  out.push_back({std::move(text)});
}

void progress_line::on(const facts::slot_lost& f, remarks& out) {
  ++slots_lost_;
  auto why = one_line(f.why);
  if (why.empty()) {
    ledger_.end(f.client, f.lease);
    why = fmt::format(
        "client {} did not return after its stop token was set", f.client);
  }
  out.push_back(
      {fmt::format("slot {} lost: {}; {}", f.slot, why, slots_left()), true});
}

void progress_line::on(const facts::slot_returned& f, remarks& out) {
  slots_lost_ -= std::min<std::uint64_t>(slots_lost_, 1);
  out.push_back({fmt::format("slot {} is back; {}", f.slot, slots_left())});
}

void progress_line::on(const facts::client_joined& f, remarks& out) {
  ++run_.clients;
  if (!f.identity.empty())
    out.push_back({fmt::format("client {} has joined: {}, with {}", f.client,
        one_line(f.identity), counted(f.samples, "sample"))});
}

void progress_line::on(const facts::client_left& f, remarks& out) {
  run_.clients -= std::min<std::uint64_t>(run_.clients, 1);
  if (!f.why.empty())
    out.push_back(
        {fmt::format("client {} has left: {}", f.client, one_line(f.why))});
}

void progress_line::on(const facts::slot_joined& f, remarks& out) {
  ++run_.slots;
  out.push_back({fmt::format("slot {} has joined; {}", f.slot, slots_left())});
}

void progress_line::on(const facts::slot_left& f, remarks& out) {
  run_.slots -= std::min<std::uint64_t>(run_.slots, 1);
  out.push_back({fmt::format("slot {} has left; {}", f.slot, slots_left())});
}

void progress_line::on(const facts::waiting& f, remarks& out) {
  out.push_back({fmt::format(
      "waiting for {}: {} of {} are there", f.needs, f.have, f.wanted)});
}

void progress_line::on(const facts::node_joined& f, remarks& out) {
  out.push_back({fmt::format("node {} has joined{}{}, with {} slot{}", f.name,
      f.address.empty() ? "" : " from ", f.address, f.slots,
      f.slots == 1 ? "" : "s")});
}

void progress_line::on(const facts::node_left& f, remarks& out) {
  out.push_back(
      {fmt::format("node {} {}{}{}", f.name, f.lost ? "is lost" : "has left",
          f.why.empty() ? "" : ": ", one_line(f.why))});
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
  if (failures_.count > 0)
    text += "  " + counted(failures_.count, "failure");
  out.push_back({std::move(text), failed});
}

std::string progress_line::result() const {
  std::string text;
  if (last_)
    text += "  accuracy " + figure(last_->accuracy) + "  loss " +
            figure(last_->loss);
  if (best_ && !(last_ && best_->version == last_->version))
    text += fmt::format("  best {} at version {}", figure(best_->accuracy),
        grouped(best_->version));
  return text + fmt::format("  {} in {}", counted(updates_, "update"),
                    clock(seconds(now_ - started_)));
}

std::string progress_line::slots_left() const {
  const auto left = run_.slots - std::min(run_.slots, slots_lost_);
  return fmt::format("{} of {} left", left, counted(run_.slots, "slot"));
}

void progress_line::close_round(std::uint64_t round) {
  rounds_done_ = std::max(rounds_done_, round);
  round_began_ = now_;
  cohort_done_ = 0;
}

std::string progress_line::version_of_all(version_id version) const {
  return fmt::format("version {}/{}", grouped(version), grouped(run_.rounds));
}

// Evaluations come in the order of versions.
std::uint64_t progress_line::take_updates_in(version_id version) {
  const auto found = updates_in_.find(version);
  const auto updates = found == updates_in_.end() ? updates_ : found->second;
  updates_in_.erase(updates_in_.begin(), updates_in_.lower_bound(version));
  return updates;
}

std::string progress_line::clients() const {
  if (cohort_ == 0)
    return fmt::format("training {}", ledger_.outstanding());
  const auto of_all = fmt::to_string(cohort_);
  return fmt::format("clients {:>{}}/{}", std::min(cohort_done_, cohort_),
      of_all.size(), of_all);
}

std::string progress_line::losses() const {
  if (last_)
    return "loss " + figure(last_->loss);
  return "training loss " + figure(training_loss_);
}

std::optional<double> progress_line::speed() const {
  if (pace_.known())
    return pace_.updates_a_second();
  const auto elapsed = seconds(now_ - started_);
  if (accepted_ == 0 || !(elapsed > 0.0))
    return std::nullopt;
  return static_cast<double>(accepted_) / elapsed;
}

std::optional<double> progress_line::seconds_left() const {
  const auto round = pace_.seconds_a_round();
  if (!round || rounds_done_ >= run_.rounds)
    return std::nullopt;
  const auto rounds = static_cast<double>(run_.rounds - rounds_done_);
  return std::max(0.0, rounds * *round - seconds(now_ - round_began_));
}

double progress_line::part_done() const {
  if (run_.rounds == 0)
    return 0.0;
  auto done = static_cast<double>(rounds_done_);
  if (cohort_ > 0)
    done += static_cast<double>(std::min(cohort_done_, cohort_)) /
            static_cast<double>(cohort_);
  return std::min(1.0, done / static_cast<double>(run_.rounds));
}

std::string progress_line::live(std::size_t width) const {
  // With its name and bar nobody takes it for the evaluation, maybe of an older
  // version, that is written over it: a rate goes before them.
  std::vector<piece> pieces{
      {one_line(run_.name), 3}, {version_of_all(version_), 7}};
  if (last_)
    pieces.push_back({"accuracy " + figure(last_->accuracy), 6});
  if (pace_.known() || last_)
    pieces.push_back({losses(), 1});
  pieces.push_back({clients(), 4});
  if (auto s = speed())
    pieces.push_back({fmt::format("{} updates/s", rate(*s)), 2});
  if (auto left = seconds_left())
    pieces.push_back({fmt::format("eta {}", clock(*left)), 5});
  drop_until_it_fits(pieces, width);
  const auto used = columns_of(pieces) + gap.size();
  if (pieces.front().matters == 3 && width >= used + narrowest_bar) {
    const auto most = std::min(width - used, widest_bar);
    pieces.insert(
        pieces.begin() + 1, {bar(part_done(), most - most % bar_step), 0});
  }
  return clipped(joined(pieces), width);
}

} // namespace troupe::monitoring
