#pragma once

#include <string>
#include <string_view>
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

/// Any of them by name, and more: rounds with a "deadline", with "partial" work
/// at one, with "backups", drawn by "oort", of "tiers", of clients that train
/// by "scaffold"; and "switched", from rounds to both others and back.
std::string quick(std::string_view rule, std::uint64_t versions);

/// Options for a run that ends only when it is made to. Nobody can tell how far
/// it comes before a signal or a fault reaches it, so tests set a goal behind
/// where it was, with `rounds`, and compare with a run that had it from the
/// start.
words endless(words more = {});
words rounds(std::uint64_t count, words more = {});

/// Kills the run `name` five times, a few versions on each time, and takes it
/// up each time but the last. Answers with the version that it came to.
std::uint64_t kill_five_times(
    const study& of, const std::string& name, const words& options);

/// With a fault at the n-th file operation, as TROUPE_FILE_FAULT has it; empty:
/// with none.
command with_fault(command what, const std::string& fault);

/// Fails the test unless the process ended with `code`; tells what it said.
void expect_code(const finished& what, int code);

/// Whether `text` has `part` somewhere.
bool holds(const std::string& text, const std::string& part);

} // namespace troupe::tests
