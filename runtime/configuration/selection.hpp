#pragma once

#include "protocols/federated/chooser.hpp"
#include "runtime/configuration/rules.hpp"

#include <cstdint>
#include <string>
#include <vector>

// How a configuration says whom a round of fedavg draws: `select`, `tiers` and
// the keys that belong to them.

namespace troupe {

std::vector<rule_key> selection_keys();

federated::chooser chooser_of(const fedavg& how);

/// Whether what is drawn depends on how long clients took.
bool draws_by_times(const fedavg& how) noexcept;

/// ", drawn by size"; empty where each client is as likely.
std::string drawn_by(const fedavg& how);

/// Of a round that leases so many of so many clients.
void check_selection(const fedavg& how, std::uint64_t leased,
    std::uint64_t clients, const rule_row::findings& found);

} // namespace troupe
