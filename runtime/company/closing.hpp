#pragma once

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include "runtime/company/interruption.hpp"

// How companies end.

namespace troupe {

/// A reaction holds an actor, which must not outlast the system.
struct forgetful {
  interruption& signals;
  ~forgetful() { signals.react({}); }
};

template <class Handle>
void dismiss(const Handle& actor) {
  if (actor)
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

} // namespace troupe
