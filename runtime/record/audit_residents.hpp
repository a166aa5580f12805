#pragma once

#include <string>

#include "runtime/record/checkpoint.hpp"
#include "runtime/record/story.hpp"

namespace troupe {

/// Whether somebody took part as one.
bool has_residents(const story& told);

/// Who did: each identity is one client, behind all placed ones, and has one
/// key. Throws `contradiction`.
std::string look_at_residents(const story& told, std::uint64_t placed);

/// That the states which a checkpoint knows by their names alone are those that
/// the last update of each client left, and that it knows the residents that
/// the journal has. Throws `contradiction`.
void look_at_names(
    const checkpoint& state, const std::string& file, const story& told);

} // namespace troupe
