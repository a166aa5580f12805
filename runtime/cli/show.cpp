#include "runtime/cli/command.hpp"
#include "runtime/cli/load.hpp"
#include "runtime/cli/numbers.hpp"
#include "runtime/cli/pipeline.hpp"
#include "runtime/configuration/device_choice.hpp"
#include "runtime/drawing.hpp"
#include "runtime/files/files.hpp"
#include "runtime/release.hpp"
#include "runtime/schedule_drawing.hpp"

#include <caf/config.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>
#include <filesystem>
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

double price(const arguments& given, std::string_view name, double otherwise) {
  if (!given.has(name))
    return otherwise;
  const auto text = given.value(name);
  auto value = 0.0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc{} || read.ptr != end || !(value > 0.0) ||
      value > 1e9)
    throw usage_error{
        fmt::format("--{} {} is not a number above 0", name, text)};
  return value;
}

collective::task task_of(const arguments& given) {
  const auto how = collective::algorithm_named(given.value("schedule"));
  const auto kind =
      collective::operation_named(given.value("operation", "all_reduce"));
  if (!how) {
    std::string names;
    for (std::uint8_t i = 0; i < collective::algorithms; ++i)
      names += fmt::format("{}{}", i == 0 ? "" : ", ",
          collective::to_string(static_cast<collective::algorithm>(i)));
    throw usage_error{fmt::format(
        "--schedule {} is not one of {}", given.value("schedule"), names)};
  }
  if (!kind || kind == collective::operation_kind::transfer)
    throw usage_error{
        fmt::format("--operation {} is not one of all_reduce, "
                    "reduce, broadcast, all_gather, "
                    "reduce_scatter, all_to_all, gather, scatter, "
                    "barrier",
            given.value("operation"))};
  if (!collective::defined(*kind, *how))
    throw usage_error{fmt::format("{} is not defined by {}",
        collective::to_string(*kind), collective::to_string(*how))};
  const auto ranks =
      static_cast<std::uint32_t>(whole_number(given, "ranks", 4, 1, 256));
  const auto count =
      *kind == collective::operation_kind::barrier
          ? 0
          : whole_number(given, "count", 12 * ranks, 0, 1'000'000'000);
  return {*kind, *how, ranks, count,
      static_cast<std::uint32_t>(whole_number(given, "root", 0, 0, ranks - 1)),
      whole_number(given, "pieces", 1, 1, 256)};
}

int show_schedule(const arguments& given, console& to) {
  if (!given.operands().empty())
    throw usage_error{"--schedule shows an algorithm, not a CONFIG.toml"};
  const auto what = task_of(given);
  to.out << schedule_text(
      what, price(given, "alpha", 5.0) / 1e6, price(given, "beta", 5.0) * 1e9);
  if (!given.has("svg"))
    return done;
  const std::filesystem::path file{given.value("svg")};
  if (file.empty())
    throw usage_error{"--svg needs the name of a file"};
  files::system().write_atomically(file, schedule_drawing(what));
  to.out << "\ndrawn in " << file.string() << "\n";
  return done;
}

} // namespace

int show_topology(const arguments& given, console& to) {
  const bool schedule = given.has("schedule");
  const bool pipeline = given.has("pipeline");
  if (schedule && pipeline)
    throw usage_error{"--schedule and --pipeline are shown one at a time"};
  for (auto name : {"operation", "count", "root", "pieces", "alpha", "beta"})
    if (given.has(name) && !schedule)
      throw usage_error{fmt::format("--{} goes with --schedule", name)};
  for (auto name : {"chunks", "micro-batches", "steps", "forward", "backward",
           "weight", "transfer"})
    if (given.has(name) && !pipeline)
      throw usage_error{fmt::format("--{} goes with --pipeline", name)};
  for (auto name : {"ranks", "svg"})
    if (given.has(name) && !schedule && !pipeline)
      throw usage_error{
          fmt::format("--{} goes with --schedule or --pipeline", name)};
  if (schedule)
    return show_schedule(given, to);
  if (pipeline)
    return show_pipeline(given, to);
  if (given.operands().empty())
    throw usage_error{"topology needs CONFIG.toml, --schedule or --pipeline"};
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
