#pragma once

#include "gpu/aggregation/server_step.hpp"
#include "runtime/configuration/configuration.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

// What a topology's server may do with the mean of the updates; what each of
// them is, `gpu/aggregation/server_step.hpp` says.

/// Adds the mean, times a rate.
struct average {
  double lr = 1.0;
  operator gpu::server_options() const;
};
struct fedavgm {
  double lr = 1.0;
  double momentum = 0.9;
  bool nesterov = false;
  operator gpu::server_options() const;
};
struct fedadagrad {
  double lr = 0.01;
  double momentum = 0.9;
  double epsilon = 1e-3;
  operator gpu::server_options() const;
};
struct fedadam {
  double lr = 0.01;
  double momentum = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-3;
  operator gpu::server_options() const;
};
struct fedyogi {
  double lr = 0.01;
  double momentum = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-3;
  operator gpu::server_options() const;
};

/// As federation.server has them; the default comes first.
const std::vector<std::string_view>& server_names();

/// Writes it down; keys that it does not go by return to their defaults.
void choose_server(configuration& to, const gpu::server_options& how);

/// As `from` has it.
gpu::server_options server_of(const configuration& from);

/// Blocks of as many values that the server keeps beside the parameters.
std::size_t blocks_kept(const configuration& what);

/// Whether the server that `what` names goes by a key, like "server_beta2".
bool server_goes_by(const configuration& what, std::string_view key);
/// What a configuration has to set so that it does.
std::string servers_that_go_by(std::string_view key);

/// Gives the server's keys that `given` has no place for its own defaults.
void take_server_defaults(configuration& to, const origins& given);

} // namespace troupe
