#pragma once

#include "protocols/federated/succession.hpp"
#include "runtime/configuration/configuration.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Rules that take over while a run goes on: the key federation.switch, whose
/// words are "WHEN: KEY=VALUE..." with the keys of [federation] that rules go
/// by, and for WHEN "version 12" (behind that one) or "stragglers 0.5" (behind
/// one that waited more than that part of its time for the slowest).

/// What foresees others, in its order. Of a sound configuration.
std::vector<federated::planned_switch> switches_of(const configuration& what);

/// Why `word` is none, said behind it: "has no KEY=VALUE". Empty if it is one.
std::string misnomer_of_switch(std::string_view word);

/// Tells `found` of what cannot be done in the order of its list.
void check_switches(const configuration& what,
    const std::function<void(std::string_view key, std::string why)>& found);

/// Whether a seed repeats what the rules of the list do, and when each begins;
/// the order of arrival being nobody's but the machine's.
bool switches_repeat_by_seed(const configuration& what);

/// `now`, gone over to another rule by settings, "federation.key=value" each:
/// keys of a rule that is another one than `now` has are what `first`, the
/// configuration that the run began with, or else the rule itself, says.
reading gone_over(const configuration& first, const configuration& now,
    std::span<const std::string> settings);

/// Its rule and the keys that it goes by, but for those at the rule's own
/// defaults: "federation.rule=fedbuff federation.buffer=5".
std::string said_to_rule(const configuration& what);

/// `first` as it goes on from a state with this effective configuration: by its
/// rule, and with the switches that are still to come. Empty: as it is.
configuration in_force(const configuration& first, const std::string& state);

/// Makes the rules that a run of `first` may go over to. Empty where its rule
/// is the program's own.
federated::make_successor successors_of(const configuration& first);

} // namespace troupe
