#pragma once

#include "runtime/cli/command.hpp"

namespace troupe::cli {

/// `troupe topology --pipeline POLICY`: a step on given times, as text and as a
/// picture.
int show_pipeline(const arguments& given, console& to);

} // namespace troupe::cli
