#pragma once

namespace troupe {

/// Makes every message of Troupe known to CAF. Call it before the first
/// `caf::actor_system`; further calls do nothing.
void register_messages();

} // namespace troupe
