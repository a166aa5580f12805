#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/byte_buffer.hpp>

#include "gpu/buffer.hpp"
#include "protocols/blocks.hpp"
#include "protocols/fields.hpp"
#include "protocols/ids.hpp"
#include "protocols/interfaces.hpp"
#include "protocols/resident_client.hpp"
#include "protocols/state_table.hpp"
#include "protocols/tensor.hpp"

namespace troupe {

/// Aggregator to scribe: make this version durable, and every fact up to
/// `fact_number` with it. At most one is under way.
struct store {
  version_id version = 0;
  tensor parameters;
  named_blocks blocks;   ///< beside them
  caf::byte_buffer rule; ///< the rule's state at publication, by inspect
  std::uint64_t fact_number = 0; ///< the last fact that led to the state
  std::uint64_t updates = 0;     ///< accepted in all versions so far
  bool will_be_scored = false;   ///< keep the file until the score is known
  state_table states{};          ///< that clients keep
  std::vector<resident_client> residents{}; ///< that have ever taken part
  bool promises_bits = true;                ///< of one numeric fingerprint
  /// Effective, as TOML, where it is another one than the run began with.
  std::string configuration{};
};

/// Scribe to aggregator: it survives any crash from here on.
struct stored {
  version_id version = 0;
  std::string sha256; ///< of the parameters' bytes
  double seconds = 0.0;
};

/// To the scribe, at the end: write and sync everything, answer when done.
struct seal {
  template <class Inspector>
  friend bool inspect(Inspector& f, seal& x) {
    return f.object(x).fields();
  }
};

/// Scribe to aggregator: the run's directory cannot be written any more.
struct storage_failed {
  std::string why;
};

template <class Inspector>
bool inspect(Inspector& f, store& x) {
  return f.object(x).fields(f.field("version", x.version),
      f.field("parameters", x.parameters), f.field("blocks", x.blocks),
      f.field("rule", x.rule), f.field("fact_number", x.fact_number),
      f.field("updates", x.updates),
      f.field("will_be_scored", x.will_be_scored), f.field("states", x.states),
      f.field("residents", x.residents),
      f.field("promises_bits", x.promises_bits),
      f.field("configuration", x.configuration));
}
template <class Inspector>
bool inspect(Inspector& f, stored& x) {
  return f.object(x).fields(f.field("version", x.version),
      f.field("sha256", x.sha256), exactly(f, "seconds", x.seconds));
}
template <class Inspector>
bool inspect(Inspector& f, storage_failed& x) {
  return f.object(x).fields(f.field("why", x.why));
}

} // namespace troupe
