#include "runtime/record/scribe.hpp"

#include <exception>
#include <utility>

#include "protocols/errc.hpp"

namespace troupe {

scribe_state::scribe_state(
    scribe::pointer self, chronicle_options options, author report_to)
    : self_(self),
      report_to_(std::move(report_to)),
      chronicle_(std::move(options)) {}

scribe::behavior_type scribe_state::make_behavior() {
  return {
      [this](const fact_batch& batch) {
        attempt([&] { chronicle_.write(*batch.facts); });
      },
      [this](const store& what) { attempt([&] { make_durable(what); }); },
      [this](seal) { return finish(); },
  };
}

// The disk's first refusal ends the run's writing: nothing may follow a gap.
// It is told by a message, for the run has begun when the first comes.
template <class Work>
void scribe_state::attempt(Work&& work) {
  if (!failure_.empty())
    return;
  try {
    work();
  } catch (const std::exception& e) {
    failure_ = e.what();
    send(self_, report_to_, storage_failed{failure_});
  }
}

void scribe_state::make_durable(const store& what) {
  const auto start = clock_now(self_);
  auto sha256 = chronicle_.make_durable(what);
  send(self_, report_to_,
      stored{
          what.version, std::move(sha256), seconds(clock_now(self_) - start)});
  chronicle_.prune();
}

caf::result<void> scribe_state::finish() {
  attempt([this] { chronicle_.finish(); });
  if (!failure_.empty())
    return caf::make_error(errc::storage_failed, failure_);
  return {};
}

} // namespace troupe
