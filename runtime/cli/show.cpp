#include "runtime/cli/command.hpp"
#include "runtime/cli/load.hpp"
#include "runtime/configuration/device_choice.hpp"
#include "runtime/drawing.hpp"
#include "runtime/release.hpp"

#include <caf/config.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ostream>

namespace troupe::cli {

namespace {

nlohmann::ordered_json as_json(const gpu::device_info& each) {
  nlohmann::ordered_json result{{"device", gpu::to_string(each.where)},
      {"name", each.name}, {"slots", each.slots}, {"memory_bytes", each.memory},
      {"blas", gpu::blas(each.where)}};
  if (!each.capability.empty()) {
    result["dnn"] = gpu::dnn(each.where);
    result["capability"] = each.capability;
  }
  return result;
}

std::string as_text(const gpu::device_info& each) {
  constexpr double gib = 1024.0 * 1024.0 * 1024.0;
  auto text = fmt::format("{:<8} {}\n{:8} {} slot{}, {:.1f} GiB, {}",
      gpu::to_string(each.where), each.name, "", each.slots,
      each.slots == 1 ? "" : "s", static_cast<double>(each.memory) / gib,
      gpu::blas(each.where));
  if (!each.capability.empty())
    text += fmt::format(
        ", {}, compute capability {}", gpu::dnn(each.where), each.capability);
  return text + '\n';
}

} // namespace

int show_topology(const arguments& given, console& to) {
  auto read = load_configuration(given.operands().front(), settings(given), to);
  if (!read)
    return misused;
  auto chosen = choose_devices(read->value, this_machine(), read->where);
  for (const auto& each : chosen.problems)
    to.err << each << "\n";
  if (!chosen.problems.empty())
    return misused;
  auto drawn = draw(read->value, chosen);
  to.out << (given.has("dot") ? to_dot(drawn) : to_tree(drawn));
  return done;
}

int show_devices(const arguments& given, console& to) {
  auto list = nlohmann::ordered_json::array();
  std::string text;
  for (const auto& each : this_machine().devices) {
    list.push_back(as_json(each));
    text += as_text(each);
  }
  const auto& why = this_machine().why_no_gpu;
  if (!why.empty() && given.has("json"))
    to.err << "no GPU: " << why << "\n";
  if (!why.empty())
    text += fmt::format("{:<8} {}\n", "no GPU", why);
  to.out << (given.has("json") ? list.dump(2) + "\n" : text);
  return done;
}

int show_version(const arguments&, console& to) {
  to.out << fmt::format("troupe      {} ({})\nCAF         {}.{}.{}\n"
                        "BLAS        {}\n",
      release(), TROUPE_BUILD_TYPE, CAF_MAJOR_VERSION, CAF_MINOR_VERSION,
      CAF_PATCH_VERSION, gpu::blas());
  for (const auto& each : this_machine().devices)
    to.out << "fingerprint " << gpu::numeric_fingerprint(each.where) << "\n";
  return done;
}

} // namespace troupe::cli
