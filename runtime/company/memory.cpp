#include "runtime/company/memory.hpp"
#include "gpu/models/model.hpp"
#include "runtime/configuration/levels.hpp"
#include "runtime/configuration/mesh_choice.hpp"
#include "runtime/configuration/rules.hpp"
#include "runtime/configuration/servers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <variant>

#include <malloc.h>

namespace troupe {

namespace {

constexpr double gib = 1024.0 * 1024.0 * 1024.0;

// Of data::synthetic: 50 and the mean of a lognormal(4, 2) samples a client, of
// 60 floats and a label each.
constexpr double synthetic_client = (50.0 + 403.4) * (60.0 * 4.0 + 1.0);

double mlp_parameters(const std::vector<std::size_t>& layers) {
  double result = 0.0;
  for (std::size_t i = 1; i < layers.size(); ++i)
    result += (static_cast<double>(layers[i - 1]) + 1.0) *
              static_cast<double>(layers[i]);
  return result;
}

double room_of(const machine& here) {
  auto bytes = here.devices.front().memory; // 0: it is not known
  return bytes > 0 ? static_cast<double>(bytes)
                   : std::numeric_limits<double>::infinity();
}

std::string too_much(double bytes, double here) {
  return fmt::format(
      "takes about {:.0f} GiB of memory; this machine has {:.0f} GiB",
      bytes / gib, here / gib);
}

} // namespace

void free_messages_quickly() noexcept {
#ifdef M_MXFAST
  mallopt(M_MXFAST, 160); // the most that it takes
#endif
}

// Earlier versions that leases may start from in virtual order, which keeps
// them for whoever trains again; of a rule of rounds none.
double bases_kept(const configuration& what) {
  const auto& options = what.federation.options;
  const auto* rule = find_rule(what.federation.rule);
  if (what.run.order != "virtual" || !rule || !rule->find("max_staleness"))
    return 0.0;
  const auto number = [&](const char* key) {
    return static_cast<double>(std::get<std::uint64_t>(options.at(key)));
  };
  return std::min(number("max_staleness") + 1.0, number("concurrency"));
}

// Bytes of what clients keep.
double states_kept(double parameters, const configuration& what) {
  return what.client.keeps_variates()
             ? static_cast<double>(what.federation.clients) * parameters *
                   static_cast<double>(sizeof(float))
             : 0.0;
}

// Without the data, as far as that can be told; 0: it cannot.
double parameters_of(const configuration::model_keys& what) {
  if (what.kind == "mlp")
    return mlp_parameters(what.layers);
  if (what.kind == "cnn")
    return static_cast<double>(gpu::size(models::layout(models::cnn())));
  if (what.kind == "lenet5")
    return static_cast<double>(gpu::size(models::layout(models::lenet5())));
  return 0.0;
}

// Every region at work has two versions and sums of its own, hands in how far
// they lead, and keeps what its server does twice, of which one is packed; an
// edge has its sums, and hands in a copy.
double for_regions(double parameters, const configuration& what) {
  auto result = 0.0;
  auto wide = 1.0;
  for (const auto& each : levels_of(what).all) {
    wide *= static_cast<double>(each.count);
    const auto kept = static_cast<double>(blocks_kept(each.how));
    result += wide * parameters * (each.sums ? 16.0 : 20.0 + 16.0 * kept);
  }
  return result;
}

// Two versions, with what the server keeps, and the accumulator; a slot's copy,
// gradient or momentum, and the update it leaves; one more update a slot on its
// way to the accumulator. With control variates every client's, another sum,
// and a slot's correction and what it leaves. A GPU has its slots and the
// accumulator in a memory of its own.
double parameter_memory(
    double parameters, const device_choice& on, const configuration& what) {
  if (what.is_mesh())
    return mesh_memory(parameters, what);
  auto slots = 0.0;
  for (const auto& one : on.devices)
    if (one.where.kind == gpu::device_kind::cpu)
      slots += static_cast<double>(one.slots);
  auto floats = parameters * static_cast<double>(sizeof(float));
  auto blocks = 1.0 + static_cast<double>(blocks_kept(what));
  const auto varies = what.client.keeps_variates();
  const auto sums = on.on_gpu() ? 0.0 : varies ? 2.0 : 1.0;
  return (2 * blocks + bases_kept(what)) * floats +
         states_kept(parameters, what) + sums * 8 * parameters +
         slots * (varies ? 6 : 4) * floats + for_regions(parameters, what);
}

double made_data(const configuration& what) {
  return what.data.set == "synthetic"
             ? static_cast<double>(what.federation.clients) * synthetic_client
             : 0.0;
}

std::vector<std::string> data_beyond_memory(
    const configuration& what, const origins& where, const machine& here) {
  auto room = room_of(here);
  auto clients = what.federation.clients;
  auto bytes = made_data(what);
  if (bytes <= room)
    return {};
  return {fmt::format("{} = {}: their synthetic data {}",
      place(where, "federation.clients"), clients, too_much(bytes, room))};
}

std::vector<std::string> run_beyond_memory(
    const configuration& what, const origins& where, const machine& here) {
  auto room = room_of(here);
  auto chosen = choose_devices(what, here, where);
  auto parameters = parameters_of(what.model);
  if (parameters == 0.0 || !chosen.problems.empty())
    return {};
  auto bytes = parameter_memory(parameters, chosen, what);
  if (bytes <= room)
    return {};
  if (auto kept = states_kept(parameters, what); 2 * kept > bytes)
    return {fmt::format("{} = {}: by client.method = \"{}\" each keeps {:.0f} "
                        "values, and the run {}",
        place(where, "federation.clients"), what.federation.clients,
        what.client.method, parameters, too_much(bytes, room))};
  return {fmt::format("{}: a model of {:.0f} parameters on {} {}",
      place(where, what.model.kind == "mlp" ? "model.layers" : "model.kind"),
      parameters, chosen.text(), too_much(bytes, room))};
}

} // namespace troupe
