#pragma once

#include <string>
#include <vector>

#include "tests/integration/record.hpp"
#include "tests/runtime/scratch_directory.hpp"
#include "tests/support/process.hpp"

namespace troupe::tests {

using words = std::vector<std::string>;

/// `troupe` of this build, with these arguments.
command troupe(words arguments);

/// One configuration in a directory of its own, and the runs made of it. Each
/// run has a name; its directory is called so.
class study {
public:
  explicit study(const std::string& configuration);

  std::filesystem::path operator/(const std::string& name) const {
    return place_ / name;
  }
  std::string config() const { return place_ / "study.toml"; }
  record of(const std::string& run) const { return record{place_ / run}; }

  /// `troupe run` into the directory `run`.
  command start(const std::string& run, words options = {}) const;
  /// `troupe run --resume` of the run `run`, as its own config.toml has it.
  command resume(const std::string& run, words options = {}) const;

private:
  scratch_directory place_;
};

/// Ten clients with synthetic data of ten classes, softmax regression; a round
/// takes milliseconds.
std::string quick_fedavg(std::uint64_t rounds);
std::string quick_fedbuff(std::uint64_t versions);
std::string quick_fedasync(std::uint64_t versions);

/// Of [federation]: from rounds to both asynchronous rules, and back.
inline constexpr const char* there_and_back =
    R"(switch = ["version 4: rule=fedbuff buffer=3 concurrency=6",
    "version 9: buffer=2", "stragglers 0.1: rule=fedasync concurrency=5",
    "version 17: rule=fedavg"]
)";

/// Options for a run that ends only when it is made to. Nobody can tell how far
/// it comes before a signal or a fault reaches it, so tests set a goal behind
/// where it was, with `rounds`, and compare with a run that had it from the
/// start.
words endless(words more = {});
words rounds(std::uint64_t count, words more = {});

/// With a fault at the n-th file operation, as TROUPE_FILE_FAULT has it; empty:
/// with none.
command with_fault(command what, const std::string& fault);

/// Fails the test unless the process ended with `code`; tells what it said.
void expect_code(const finished& what, int code);

/// Whether `text` has `part` somewhere.
bool holds(const std::string& text, const std::string& part);

} // namespace troupe::tests
