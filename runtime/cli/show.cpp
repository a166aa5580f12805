#include "gpu/device.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/cli/load.hpp"
#include "runtime/drawing.hpp"

#include <caf/config.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ostream>

namespace troupe::cli {

namespace {

std::uint64_t slots(const configuration& what) {
  return what.compute.slots ? what.compute.slots : gpu::devices().front().slots;
}

nlohmann::ordered_json as_json(const gpu::device_info& each) {
  return {{"device", gpu::to_string(each.where)}, {"name", each.name},
      {"slots", each.slots}, {"memory_bytes", each.memory},
      {"blas", each.blas}};
}

std::string as_text(const gpu::device_info& each) {
  constexpr double gib = 1024.0 * 1024.0 * 1024.0;
  return fmt::format("{:<8} {}\n{:8} {} slot{}, {:.1f} GiB, {}\n",
      gpu::to_string(each.where), each.name, "", each.slots,
      each.slots == 1 ? "" : "s", static_cast<double>(each.memory) / gib,
      each.blas);
}

} // namespace

int show_topology(const arguments& given, console& to) {
  auto read = load_configuration(given.operands().front(), settings(given), to);
  if (!read)
    return misused;
  auto drawn = draw(read->value, slots(read->value));
  to.out << (given.has("dot") ? to_dot(drawn) : to_tree(drawn));
  return done;
}

int show_devices(const arguments& given, console& to) {
  auto list = nlohmann::ordered_json::array();
  std::string text;
  for (const auto& each : gpu::devices()) {
    list.push_back(as_json(each));
    text += as_text(each);
  }
  to.out << (given.has("json") ? list.dump(2) + "\n" : text);
  return done;
}

int show_version(const arguments&, console& to) {
  to.out << fmt::format("troupe      {} ({})\nCAF         {}.{}.{}\n"
                        "BLAS        {}\nfingerprint {}\n",
      TROUPE_VERSION, TROUPE_BUILD_TYPE, CAF_MAJOR_VERSION, CAF_MINOR_VERSION,
      CAF_PATCH_VERSION, gpu::devices().front().blas,
      gpu::numeric_fingerprint());
  return done;
}

} // namespace troupe::cli
