#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocols/facts.hpp"
#include "protocols/federated/rule.hpp"
#include "protocols/fields.hpp"
#include "protocols/ids.hpp"
#include "protocols/interfaces.hpp"

namespace troupe {

/// To the aggregator: behind the next version, go by these settings of the
/// rule, "federation.key=value" each. Answered at once; the run does not stop.
struct change_rule {
  std::vector<std::string> settings;
};
struct changing_rule {
  bool granted = false;
  std::string said; ///< what comes of it, or why nothing does
};

namespace federated {

/// A rule that is ready to take over, and what people call it.
struct successor {
  federated::rule rule;
  std::string name;          ///< "fedbuff"
  std::string settings;      ///< all that it goes by, for people
  std::string configuration; ///< effective, as TOML
};

/// Makes one by settings on top of what the run goes by `now`, as TOML; empty:
/// of what it began with. `planned`: they come from the configuration's own
/// list, of which they are the first. Throws what says why that cannot be.
using make_successor = std::function<successor(const std::string& now,
    const std::vector<std::string>& settings, bool planned)>;

/// One that the configuration foresees (`federation.switch`).
struct planned_switch {
  std::string when;        ///< in words: "version 12", "stragglers 0.5"
  version_id version = 0;  ///< behind that one; 0: by stragglers
  double stragglers = 0.0; ///< behind a version that waited more for them
  std::vector<std::string> settings;
};

/// When another rule takes over. A wish from outside is met behind the next
/// version; what the configuration foresees in the order of its list, behind a
/// version or one whose updates were held up by their slowest: by the part of
/// its time that the median one did not need.
///
/// Holds nothing that a restart would lose: of a version's updates alone, and
/// wishes that whoever asked sees in the run's facts once they are met.
class succession {
public:
  succession() = default;
  explicit succession(std::vector<planned_switch> plan)
      : plan_(std::move(plan)) {}

  /// From outside; several until the next version come together.
  void ask(const std::vector<std::string>& settings);
  const std::vector<std::string>& asked() const noexcept { return asked_; }
  /// An update was accepted that took so long.
  void accepted(duration took) {
    if (!plan_.empty() && plan_.front().version == 0) // else nobody asks
      times_.push_back(took);
  }
  /// What was accepted since the last version is void.
  void discard() noexcept { times_.clear(); }

  struct due {
    std::vector<std::string> settings;
    std::string why; ///< in words
    bool planned = false;
  };
  /// This version has been made; what is to change behind it.
  std::optional<due> behind(version_id version);

  /// Of updates that took so long: 0, none waited for another; below 1.
  static double stragglers(std::vector<duration> times);

private:
  std::vector<planned_switch> plan_; ///< the first one is next
  std::vector<std::string> asked_;
  std::vector<duration> times_; ///< of the version that is collected
};

/// What a run goes by, where its owner keeps it.
struct incumbent {
  federated::rule& rule;
  std::string& name;
  std::string& configuration; ///< as TOML; empty: that it began with
};

/// Has the rule change that is due behind this version, for these clients with
/// so many samples: `out` has what it gives up. Where that cannot be, the rule
/// stays; the fact says why.
facts::rule_changed change_rule(const incumbent& what,
    const make_successor& make, const succession::due& due, version_id behind,
    const std::map<client_id, std::uint64_t>& there, instant now,
    decisions& out);

} // namespace federated

template <class Inspector>
bool inspect(Inspector& f, change_rule& x) {
  return f.object(x).fields(f.field("settings", x.settings));
}
template <class Inspector>
bool inspect(Inspector& f, changing_rule& x) {
  return f.object(x).fields(
      f.field("granted", x.granted), f.field("said", x.said));
}

} // namespace troupe
