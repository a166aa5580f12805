#pragma once

#include "runtime/configuration/configuration.hpp"
#include "runtime/configuration/keys.hpp"

#include <string>
#include <vector>

namespace troupe {

// The rows of `keys()` that are a mesh's, and what tells the two kinds of
// topology apart. `parallel::plan` says what the values come to
// (`runtime/configuration/mesh_choice.hpp`).

/// [parallel] and [optimiser].
std::vector<key> mesh_keys();
/// Of [run].
key steps_key();

/// Whether only a federation makes use of `k`, a key that is none of the above.
bool is_of_federations(const key& k);

/// Why `what` makes no use of `k`, which is of the other kind, said behind it:
/// "is a federation's; a mesh (parallel.workers = 4) has optimiser.lr".
std::string of_the_other_kind(const key& k, const configuration& what);

/// Gives keys of a mesh, and those of [run] that count its steps, the defaults
/// that go with what was chosen, where `given` has no place for them.
void take_mesh_defaults(configuration& to, const origins& given);

} // namespace troupe
