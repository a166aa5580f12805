#pragma once

#include "gpu/device.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe {

// How a configuration calls devices: `cpu`, `cuda:0`, and `cuda` for every GPU
// that there is.

/// The one device called `name`; nothing for `cuda` and what is no name.
std::optional<gpu::device> named_device(std::string_view name);

/// Whether one of two device names is, or includes, the other.
bool overlap(std::string_view one, std::string_view other) noexcept;

/// Why `name` names no device, said behind it; empty if it does.
std::string no_device(std::string_view name);
/// The same where `auto` will do.
std::string no_device_or_auto(std::string_view name);

} // namespace troupe
