#pragma once

#include "runtime/cli/arguments.hpp"
#include "runtime/cluster/listening.hpp"
#include "runtime/cluster/node.hpp"

#include <string>
#include <vector>

namespace troupe::cli {

/// Options with which a run is opened to nodes, and what they ask for.
/// Throws `usage_error`.
const std::vector<option>& listening_options();
cluster::listening listening(const arguments& given);

/// HOST:PORT to serve metrics at; empty: nowhere. Throws `usage_error`.
std::string metrics(const arguments& given);

/// Options of a node that joins, but for the coordinator's address.
const std::vector<option>& joining_options();
join_options joining(const arguments& given, const std::string& at);

} // namespace troupe::cli
