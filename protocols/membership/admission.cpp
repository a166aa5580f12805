#include "protocols/membership/admission.hpp"

#include <algorithm>

namespace troupe::membership {
namespace {

std::string quoted(const std::string& text) {
  return '"' + text + '"';
}

std::string called(const candidate& who) {
  return who.name.empty() ? "a node without a name"
                          : "node " + quoted(who.name);
}

// Calls back with each kind of device's; true if all answers are.
template <class Holds>
bool each_kind(std::string_view fingerprint, Holds holds) {
  constexpr std::string_view bar = " | ";
  for (;;) {
    const auto end = std::min(fingerprint.find(bar), fingerprint.size());
    if (!holds(fingerprint.substr(0, end)))
      return false;
    if (end == fingerprint.size())
      return true;
    fingerprint.remove_prefix(end + bar.size());
  }
}

refusal other_bits(const std::string& whose, const std::string& theirs,
    const std::string& ours) {
  return {reason::other_fingerprint,
      whose + " computes as " + quoted(theirs) + ", this run as " +
          quoted(ours) +
          ", so that their bits may differ: choose compute.instructions that "
          "both have, or let it in by --any-fingerprint, and no bits are "
          "promised"};
}

bool can_be_lowered(const candidate& who, const options& here) {
  return std::ranges::find(who.lowerable, here.fingerprint) !=
         who.lowerable.end();
}

std::string shown_key(const std::string& key) {
  return key.empty() ? "no key" : "key " + key;
}

} // namespace

std::optional<refusal> misfit(const candidate& who, const options& here) {
  if (who.version != here.version)
    return refusal{reason::other_version,
        called(who) + " speaks version " + quoted(who.version) +
            " of the wire protocol, this run " + quoted(here.version) +
            ": install the same release on both"};
  if (who.configuration != here.configuration)
    return refusal{reason::other_configuration,
        called(who) + " was started with configuration " +
            quoted(who.configuration) + ", this run with " +
            quoted(here.configuration) + ": give both the same"};
  if (!here.build.empty() && who.build != here.build)
    return refusal{reason::other_build,
        called(who) + " runs Troupe " + quoted(who.build) + ", this run " +
            quoted(here.build) + ": install the same release on both"};
  if (who.fingerprint != here.fingerprint && !here.any_fingerprint &&
      !can_be_lowered(who, here))
    return other_bits(called(who), who.fingerprint, here.fingerprint);
  return std::nullopt;
}

bool computes_alike(std::string_view theirs, std::string_view ours) {
  return each_kind(theirs, [ours](std::string_view one) {
    return !each_kind(
        ours, [one](std::string_view other) { return one != other; });
  });
}

std::optional<refusal> mismatch(
    const std::string& name, const ability& what, const options& here) {
  if (here.any_fingerprint || here.devices.empty() ||
      computes_alike(what.fingerprint, here.devices))
    return std::nullopt;
  return other_bits("node " + quoted(name), what.fingerprint, here.devices);
}

std::optional<refusal> lowering(const candidate& who, const options& here) {
  if (who.fingerprint == here.fingerprint || !can_be_lowered(who, here))
    return std::nullopt;
  return refusal{reason::to_be_lowered,
      called(who) + " computes as " + quoted(who.fingerprint) +
          ", and can as this run does: it is to come back as " +
          quoted(here.fingerprint)};
}

std::optional<refusal> imposture(const candidate& who, const member& known) {
  if (who.key != known.key)
    return refusal{reason::identity_taken,
        called(who) + " came with " + shown_key(who.key) +
            ", but the name belongs to " + shown_key(known.key)};
  if (who.session <= known.session)
    return refusal{reason::stale_session,
        "session " + std::to_string(who.session) + " of " + called(who) +
            " is not after its session " + std::to_string(known.session)};
  return std::nullopt;
}

refusal no_room(const candidate& who, std::size_t most) {
  return {reason::full, called(who) + " would be number " +
                            std::to_string(most + 1) + " in a run of at most " +
                            std::to_string(most)};
}

refusal too_late(const candidate& who) {
  return {reason::closed, called(who) + " came when the run had closed"};
}

refusal not_joining(session_id session) {
  return {reason::stale_session,
      "session " + std::to_string(session) + " is over, or was ready before"};
}

refusal used_session(const candidate& who, const std::string& whose) {
  return {reason::stale_session,
      "session " + std::to_string(who.session) + ", on which " + called(who) +
          " asks to be let in, " +
          (whose.empty() ? "is over" : "is that of node " + quoted(whose))};
}

} // namespace troupe::membership
