#pragma once

namespace troupe {

/// Of Troupe, as nodes and people are told: "0.1.0".
const char* release() noexcept;

} // namespace troupe
