// The journal reader takes any bytes: it reads them or names what is wrong, and
// what it read it writes again so that it reads the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/record/journal.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t n) {
  using namespace troupe;
  std::string_view text{reinterpret_cast<const char*>(data), n};
  std::vector<fact> facts;
  try {
    auto found =
        journal::scan(text, [&](const fact& f) { facts.push_back(f); });
    if (found.sound_bytes + found.torn_bytes != n)
      std::abort();
  } catch (const journal::bad_line&) {
    return 0;
  }
  std::string once;
  journal::encode(facts, once);
  std::vector<fact> again;
  journal::scan(once, [&](const fact& f) { again.push_back(f); });
  std::string twice;
  journal::encode(again, twice);
  if (once != twice || facts.size() != again.size())
    std::abort();
  return 0;
}
