#include "runtime/cli/pipeline.hpp"

#include "runtime/cli/numbers.hpp"
#include "runtime/files/files.hpp"
#include "runtime/pipeline_drawing.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <ostream>

namespace troupe::cli {
namespace {

std::uint32_t few(const arguments& given, std::string_view name,
    std::uint32_t otherwise, std::uint32_t most) {
  return static_cast<std::uint32_t>(
      whole_number(given, name, otherwise, 1, most));
}

pipeline::plan plan_of(const arguments& given) {
  const auto how = pipeline::policy_named(given.value("pipeline"));
  if (!how) {
    std::string names;
    for (std::uint8_t i = 0; i < pipeline::policies; ++i)
      names += fmt::format("{}{}", i == 0 ? "" : ", ",
          pipeline::to_string(static_cast<pipeline::policy>(i)));
    throw usage_error{fmt::format(
        "--pipeline {} is not one of {}", given.value("pipeline"), names)};
  }
  const auto chunks = how == pipeline::policy::interleaved ? 2 : 1;
  const pipeline::plan of{*how, few(given, "ranks", 4, 64),
      few(given, "chunks", chunks, 26), few(given, "micro-batches", 8, 256),
      few(given, "steps", 1, 16)};
  if (const auto wrong = fault_of(of); !wrong.empty())
    throw usage_error{fmt::format("--pipeline: {}", wrong)};
  return of;
}

pipeline::costs costs_of(const arguments& given) {
  const auto cost = [&](std::string_view name, std::uint64_t otherwise) {
    return whole_number(given, name, otherwise, 0, 1000);
  };
  return {cost("forward", 1), cost("backward", 1), cost("weight", 1), 0,
      cost("transfer", 0)};
}

} // namespace

int show_pipeline(const arguments& given, console& to) {
  if (!given.operands().empty())
    throw usage_error{"--pipeline shows a policy, not a CONFIG.toml"};
  const auto of = plan_of(given);
  const auto at = costs_of(given);
  to.out << pipeline_text(of, at);
  if (!given.has("svg"))
    return done;
  const std::filesystem::path file{given.value("svg")};
  if (file.empty())
    throw usage_error{"--svg needs the name of a file"};
  files::system().write_atomically(file, pipeline_drawing(of, at));
  to.out << "\ndrawn in " << file.string() << "\n";
  return done;
}

} // namespace troupe::cli
