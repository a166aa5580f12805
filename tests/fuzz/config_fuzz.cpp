// The configuration reader takes any text, with any settings behind it (after
// zero bytes): it reads them, or says in whole lines what is wrong. What it
// read it prints so that it reads the same.

#include "runtime/configuration/configuration.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

void expect(bool what) {
  if (!what)
    std::abort();
}

bool is_one_line(const std::string& problem) {
  auto breaks = problem.find_first_of(std::string_view{"\n\r\0", 3});
  return !problem.empty() && problem.size() < 1000 &&
         breaks == std::string::npos;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t n) {
  using namespace troupe;
  std::vector<std::string> parts{{}};
  for (auto byte : std::string_view{reinterpret_cast<const char*>(data), n})
    if (byte == '\0')
      parts.emplace_back();
    else
      parts.back() += byte;
  auto text = parts.front();
  parts.erase(parts.begin());

  auto read = parse_configuration(text, "fuzz.toml", parts);

  for (const auto& problem : read.problems)
    expect(is_one_line(problem));
  if (!read)
    return 0;
  auto again = parse_configuration(to_toml(read.value), "printed.toml");
  expect(again.problems.empty());
  expect(again.value == read.value);
  expect(differences(read.value, again.value).empty());
  return 0;
}
