#pragma once

#include "protocols/membership/membership.hpp"

namespace troupe::membership {

/// Loads what `from` saves into `into`. False: it is not taken.
bool copy_saved(const membership& from, membership& into);

} // namespace troupe::membership
