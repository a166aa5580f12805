#pragma once

#include "runtime/drawing.hpp"

namespace troupe {

/// Who takes part in a mesh, and what its ranks give each other: the last is no
/// message, but tensors of a group.
drawing draw_mesh(const configuration& what, const device_choice& on);

} // namespace troupe
