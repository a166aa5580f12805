#include "protocols/membership/admission.hpp"

namespace troupe::membership {
namespace {

std::string quoted(const std::string& text) {
  return '"' + text + '"';
}

std::string called(const candidate& who) {
  return who.name.empty() ? "a node without a name"
                          : "node " + quoted(who.name);
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
  if (who.fingerprint != here.fingerprint && !here.any_fingerprint)
    return refusal{reason::other_fingerprint,
        called(who) + " computes as " + quoted(who.fingerprint) +
            ", this run as " + quoted(here.fingerprint) +
            ": their bits may differ; any_fingerprint lets it in"};
  return std::nullopt;
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

refusal used_session(const candidate& who, const std::string& whose) {
  return {reason::stale_session,
      "session " + std::to_string(who.session) + ", on which " + called(who) +
          " asks to be let in, " +
          (whose.empty() ? "is over" : "is that of node " + quoted(whose))};
}

} // namespace troupe::membership
