#include "runtime/record/chronicle.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "monitoring/history_plot.hpp"
#include "runtime/record/checkpoint.hpp"
#include "runtime/record/checkpoint_parts.hpp"
#include "runtime/record/journal.hpp"
#include "runtime/record/run_directory.hpp"

namespace troupe {

chronicle::chronicle(chronicle_options options)
    : options_(std::move(options)), now_(options_.elapsed) {
  if (const auto* row = best_of(options_.history))
    best_ = *row;
  if (const auto& last = options_.resumed)
    published_[last->version] = {*last, options_.resumed_at};
}

void chronicle::open() {
  if (journal_)
    return;
  auto& disk = *options_.disk;
  const run_directory place{options_.directory};
  journal_.emplace(disk.append(place.journal()));
  // What was cut off must not come back behind what is written now.
  if (journal_->size() > options_.journal_bytes) {
    journal_->truncate(options_.journal_bytes);
    journal_->sync();
  }
  write_history();
  disk.make_directories(place.checkpoints());
  // A crash may leave one behind, of a version that is never stored again.
  for (const auto& file : disk.list(place.checkpoints()))
    if (file.ends_with(".tmp"))
      disk.remove(place.checkpoints() / file);
  remove_orphans(disk, place.checkpoints());
  for (auto version : stored_versions(disk, place.checkpoints()))
    kept_.insert(version);
}

void chronicle::write_history() {
  const auto path = run_directory{options_.directory}.history();
  std::string csv = history_header(options_.clock);
  for (const auto& row : options_.history)
    csv += to_csv(row);
  options_.disk->write_atomically(path, csv);
  history_.emplace(options_.disk->append(path));
}

void chronicle::write(std::span<const fact> all) {
  open();
  line_.clear();
  for (std::size_t first = 0, i = 0; i <= all.size(); ++i)
    if (i == all.size() ||
        std::holds_alternative<facts::published>(all[i].what)) {
      journal::encode(all.subspan(first, i - first), line_);
      first = i;
      if (i < all.size())
        begin_line(std::get<facts::published>(all[i].what));
    }
  journal_->write(line_);
  for (const auto& f : all)
    note(f);
}

// A resumption reads on from there.
void chronicle::begin_line(const facts::published& what) {
  published_[what.version].line_at = journal_->size() + line_.size();
  while (published_.size() > 64)
    published_.erase(published_.begin());
}

// The history has a row for each scored version.
void chronicle::note(const fact& what) {
  if (auto* x = std::get_if<facts::published>(&what.what)) {
    now_ = options_.elapsed + seconds(what.at.time_since_epoch());
    published_[x->version].row = {
        x->version, now_, 0, 0, x->loss, x->total_updates, x->clock};
    return;
  }
  if (auto* rule = std::get_if<facts::rule_changed>(&what.what))
    options_.rule_name = rule->rule;
  else if (auto* start = std::get_if<facts::run_started>(&what.what))
    options_.rule_name = (*start)->rule;
  else if (auto* formed = std::get_if<facts::mesh_formed>(&what.what))
    go_back(formed->step);
  auto* x = std::get_if<facts::evaluated>(&what.what);
  if (!x)
    return;
  // A run taken up at its end is scored again, to the same figures.
  auto known = std::any_of(options_.history.begin(), options_.history.end(),
      [x](const auto& row) { return row.version == x->version; });
  unscored_.erase(x->version);
  if (known)
    return;
  auto row = published_[x->version].row;
  row.version = x->version;
  row.loss = x->loss;
  row.accuracy = x->accuracy;
  options_.history.push_back(row);
  history_->write(to_csv(row));
  if (!best_ || row.accuracy > best_->accuracy)
    best_ = row;
  prune();
}

// Ranks that lost their state make the versions behind it again.
void chronicle::go_back(version_id last) {
  published_.erase(published_.upper_bound(last), published_.end());
  unscored_.erase(unscored_.upper_bound(last), unscored_.end());
  if (std::erase_if(options_.history,
          [last](const auto& row) { return row.version > last; }) == 0)
    return;
  best_.reset();
  if (const auto* row = best_of(options_.history))
    best_ = *row;
  write_history();
}

std::string chronicle::make_durable(const store& what) {
  open();
  journal_->sync();
  checkpoint state{what.version, what.parameters, what.blocks, what.rule,
      options_.rule_name, what.fact_number, what.updates, now_,
      what.configuration.empty() ? options_.configuration : what.configuration,
      options_.fingerprint, what.promises_bits, options_.from,
      bookmark_of(what.version), what.states, what.residents};
  auto sha256 = write_checkpoint(*options_.disk,
      run_directory{options_.directory}.checkpoints(), options_.layout, state,
      options_.shards);
  kept_.insert(what.version);
  if (what.will_be_scored)
    unscored_.insert(what.version);
  return sha256;
}

bookmark chronicle::bookmark_of(version_id version) const {
  const auto found = published_.find(version);
  if (found == published_.end())
    return {};
  const auto& rows = options_.history;
  const auto end = std::find_if(rows.begin(), rows.end(),
      [version](const auto& row) { return row.version > version; });
  const std::span scored{rows.begin(), end};
  return {found->second.line_at, scored.size(), digest_of(scored)};
}

// Keeps the last few, the best one, and those that may turn out the best.
void chronicle::prune() {
  auto surplus = kept_.size() - std::min<std::size_t>(kept_.size(),
                                    std::max(options_.keep, std::uint64_t{1}));
  auto old = kept_.begin();
  for (; surplus > 0; --surplus) {
    bool wanted = unscored_.contains(*old) || (best_ && best_->version == *old);
    if (wanted) {
      ++old;
      continue;
    }
    remove_checkpoint(
        *options_.disk, run_directory{options_.directory}.checkpoints(), *old);
    old = kept_.erase(old);
  }
}

void chronicle::finish() {
  open();
  journal_->sync();
  history_->sync();
  options_.disk->write_atomically(run_directory{options_.directory}.plot(),
      monitoring::history_plot(options_.name, options_.history, options_.unit));
}

} // namespace troupe
