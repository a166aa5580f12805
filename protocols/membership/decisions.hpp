#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::membership {

using node_id = std::uint32_t;    ///< an identity's, for ever; 0 is nobody's
using epoch_id = std::uint64_t;   ///< of one composition of the cluster
using session_id = std::uint64_t; ///< a connection's, numbered from 1

/// Who asks to be let in, by the first thing it says on its connection.
struct candidate {
  std::string name{}; ///< empty: it is to be given one
  std::string key{};  ///< of its certificate; empty in the clear
  session_id session = 0;
  std::string version{};       ///< of the wire protocol
  std::string build{};         ///< the release that it runs
  std::string configuration{}; ///< its hash
  std::string fingerprint{};   ///< numeric, of its CPU
  bool resident = false;       ///< brings its own data
  std::uint32_t slots = 0;
  std::vector<std::string> lowerable{}; ///< fingerprints that it can take on
};

/// What a node can do, once it knows the run.
struct ability {
  std::uint32_t slots = 0;
  std::string fingerprint{}; ///< numeric, of the devices that it lends
};

enum class reason : std::uint8_t {
  other_version,
  other_configuration,
  other_fingerprint,
  identity_taken, ///< the name belongs to another key
  full,
  closed,
  stale_session, ///< it was used before, or is older than the identity's last
  other_data,    ///< than the run's, under the same name
  other_build,
  to_be_lowered, ///< it computes other bits, and can compute the run's
};

/// "other_version" and so on.
const char* to_string(reason why) noexcept;

struct refusal {
  reason why = reason::closed;
  std::string text{}; ///< a sentence that names both values
};

/// The answer to a candidate.
struct verdict {
  std::optional<refusal> refused; ///< none: it is in
  node_id id = 0;
  epoch_id epoch = 0; ///< that its messages are to carry
  std::string name{};
  std::optional<session_id> superseded; ///< an older one of it, to be closed
  std::string lower_to{}; ///< it may come back with this fingerprint

  bool admitted() const noexcept { return !refused; }
};

/// Something that happened to the membership, under an epoch of its own.
struct change {
  enum class kind : std::uint8_t {
    joined,
    readied,
    draining,
    left,
    lost,
    rejoined,
    superseded, ///< the older session has ended; `rejoined` is next
  };
  kind what = kind::joined;
  epoch_id epoch = 0;
  node_id id = 0;
  std::string name{};
  session_id session = 0; ///< that it happened to
  std::string why{};      ///< it was lost
  std::string mixed{};    ///< readied: its fingerprint, if it is another one
};

/// "joined" and so on.
const char* to_string(change::kind what) noexcept;

} // namespace troupe::membership
