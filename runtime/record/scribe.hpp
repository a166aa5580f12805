#pragma once

#include <string>

#include "protocols/storage.hpp"
#include "protocols/verbs.hpp"
#include "runtime/record/chronicle.hpp"

namespace troupe {

/// The voice of a run's chronicle: what was acknowledged is durable. Blocks on
/// the disk, so spawn it detached.
class scribe_state {
public:
  static inline const char* name = "troupe.scribe";

  scribe_state(
      scribe::pointer self, chronicle_options options, author report_to);
  scribe::behavior_type make_behavior();

private:
  template <class Work>
  void attempt(Work&& work);
  void make_durable(const store& what);
  caf::result<void> finish();

  scribe::pointer self_;
  author report_to_;
  chronicle chronicle_;
  std::string failure_; ///< why nothing is written any more
};
using scribe_impl = scribe::stateful_impl<scribe_state>;

} // namespace troupe
