#include "runtime/configuration/servers.hpp"

#include "runtime/configuration/keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>

namespace troupe {

namespace {

using gpu::server_options;
using gpu::server_rule;
using namespace std::string_view_literals;

struct server_row {
  std::string_view name;
  server_options usual;
  std::vector<std::string_view> keys; ///< beside server_lr
};

const std::array<server_row, 5>& rows() {
  static const std::array<server_row, 5> all{{
      {"average", average{}, {}},
      {"fedavgm", fedavgm{}, {"server_momentum", "server_nesterov"}},
      {"fedadagrad", fedadagrad{}, {"server_momentum", "server_epsilon"}},
      {"fedadam", fedadam{},
          {"server_momentum", "server_beta2", "server_epsilon"}},
      {"fedyogi", fedyogi{},
          {"server_momentum", "server_beta2", "server_epsilon"}},
  }};
  return all;
}

// The first for a word that is none, which is a problem by itself.
const server_row& row_of(const configuration& what) {
  auto found =
      std::ranges::find(rows(), what.federation.server, &server_row::name);
  return found == rows().end() ? rows().front() : *found;
}

bool goes_by(const server_row& row, std::string_view key) {
  return std::ranges::find(row.keys, key) != row.keys.end();
}

} // namespace

average::operator server_options() const {
  return {.rule = server_rule::average, .lr = lr};
}

fedavgm::operator server_options() const {
  return {.rule = server_rule::fed_avgm,
      .lr = lr,
      .momentum = momentum,
      .nesterov = nesterov};
}

fedadagrad::operator server_options() const {
  return {.rule = server_rule::fed_adagrad,
      .lr = lr,
      .momentum = momentum,
      .epsilon = epsilon};
}

fedadam::operator server_options() const {
  return {.rule = server_rule::fed_adam,
      .lr = lr,
      .momentum = momentum,
      .beta2 = beta2,
      .epsilon = epsilon};
}

fedyogi::operator server_options() const {
  return {.rule = server_rule::fed_yogi,
      .lr = lr,
      .momentum = momentum,
      .beta2 = beta2,
      .epsilon = epsilon};
}

const std::vector<std::string_view>& server_names() {
  static const auto all = [] {
    std::vector<std::string_view> names;
    for (const auto& row : rows())
      names.push_back(row.name);
    return names;
  }();
  return all;
}

void choose_server(configuration& to, const server_options& how) {
  auto row = std::ranges::find(
      rows(), how.rule, [](const auto& each) { return each.usual.rule; });
  assert(row != rows().end() && "every rule of a server has a row");
  const configuration::federation_keys usual;
  auto& keys = to.federation;
  keys.server = row->name;
  keys.server_lr = how.lr;
  auto keep = [&](std::string_view key, auto& into, auto given, auto fresh) {
    into = goes_by(*row, key) ? given : fresh;
  };
  keep("server_momentum", keys.server_momentum, how.momentum,
      usual.server_momentum);
  keep("server_nesterov", keys.server_nesterov, how.nesterov,
      usual.server_nesterov);
  keep("server_beta2", keys.server_beta2, how.beta2, usual.server_beta2);
  keep(
      "server_epsilon", keys.server_epsilon, how.epsilon, usual.server_epsilon);
}

// What its clients' method asks of it.
gpu::variate_use variate_of(const training::recipe& how) {
  if (how.method == "scaffold")
    return gpu::variate_use::corrects;
  return how.method == "feddyn" ? gpu::variate_use::leads
                                : gpu::variate_use::none;
}

server_options server_of(const configuration& from) {
  const auto& keys = from.federation;
  return {.rule = row_of(from).usual.rule,
      .lr = keys.server_lr,
      .momentum = keys.server_momentum,
      .nesterov = keys.server_nesterov,
      .beta2 = keys.server_beta2,
      .epsilon = keys.server_epsilon,
      .variate = variate_of(from.client)};
}

std::size_t blocks_kept(const configuration& what) {
  return gpu::state_names(server_of(what)).size();
}

bool server_goes_by(const configuration& what, std::string_view key) {
  return goes_by(row_of(what), key);
}

std::string servers_that_go_by(std::string_view key) {
  std::vector<std::string> quoted;
  for (const auto& row : rows())
    if (goes_by(row, key))
      quoted.push_back(toml_string(row.name));
  return fmt::format(
      "federation.server = {}", either({quoted.begin(), quoted.end()}));
}

void take_server_defaults(configuration& to, const origins& given) {
  if (!given.contains("federation.server_lr"))
    to.federation.server_lr = row_of(to).usual.lr;
}

} // namespace troupe
