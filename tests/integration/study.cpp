#include "tests/integration/study.hpp"

#include <csignal>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace troupe::tests {

command troupe(words arguments) {
  arguments.insert(arguments.begin(), TROUPE_TOOL);
  return {std::move(arguments)};
}

study::study(const std::string& configuration) {
  write(config(), configuration);
}

command study::start(const std::string& run, words options) const {
  options.insert(options.begin(), {"run", config(), "--out", place_ / run});
  return troupe(std::move(options));
}

command study::resume(const std::string& run, words options) const {
  options.insert(options.begin(), {"run", "--resume", "--out", place_ / run});
  return troupe(std::move(options));
}

std::string quick_fedavg(std::uint64_t rounds) {
  return fmt::format(R"([run]
name = "quick"
rounds = {}
evaluate_every = 2
[data]
set = "synthetic"
[model]
kind = "softmax"
[federation]
rule = "fedavg"
clients = 10
fraction = 0.5
[client]
epochs = 10
lr = 0.05
[compute]
device = "cpu"
slots = 2
)",
      rounds);
}

std::string quick_fedbuff(std::uint64_t versions) {
  return fmt::format(R"([run]
name = "quick"
rounds = {}
evaluate_every = 4
[data]
set = "synthetic"
[model]
kind = "softmax"
[federation]
rule = "fedbuff"
clients = 10
buffer = 3
concurrency = 6
max_staleness = 5
[client]
epochs = 10
lr = 0.05
[compute]
device = "cpu"
slots = 2
)",
      versions);
}

std::string quick(std::string_view rule, std::uint64_t versions) {
  static const std::map<std::string_view, std::string> of_rounds{{"fedavg", ""},
      {"deadline", "over_select = 1.4\ndeadline_median = 1.0\n"},
      {"partial", "deadline = 0.7\npartial = 0.9\n"},
      {"backups", "backups = 2\n"},
      {"oort", "over_select = 1.4\nselect = \"oort\"\n"},
      {"tiers", "tiers = 2\ntier_interval = 3\n"}, {"scaffold", ""},
      {"switched", R"(switch = [
  "version 4: rule=fedbuff buffer=3 concurrency=6", "version 9: buffer=2",
  "stragglers 0.1: rule=fedasync concurrency=5", "version 17: rule=fedavg"]
)"}};
  if (rule == "fedasync")
    return quick_fedasync(versions);
  if (rule == "fedbuff")
    return quick_fedbuff(versions);
  auto result = quick_fedavg(versions);
  result.insert(result.find("fraction"), of_rounds.at(rule));
  if (rule == "scaffold")
    result.insert(result.find("epochs"), "method = \"scaffold\"\n");
  return result;
}

std::string quick_fedasync(std::uint64_t versions) {
  return fmt::format(R"([run]
name = "quick"
rounds = {}
evaluate_every = 4
[data]
set = "synthetic"
[model]
kind = "softmax"
[federation]
rule = "fedasync"
clients = 10
concurrency = 6
max_staleness = 5
[client]
epochs = 10
lr = 0.05
[compute]
device = "cpu"
slots = 2
)",
      versions);
}

words endless(words more) {
  return rounds(1'000'000, std::move(more));
}

words rounds(std::uint64_t count, words more) {
  more.insert(more.end(), {"--set", fmt::format("run.rounds={}", count)});
  return more;
}

std::uint64_t kill_five_times(
    const study& of, const std::string& name, const words& options) {
  std::uint64_t reached = 0;
  for (int kill = 0; kill < 5; ++kill) {
    process one{kill == 0 ? of.start(name, endless(options)) : of.resume(name)};
    EXPECT_TRUE(one.until([&] {
      return of.of(name).last_published() > reached + 4;
    })) << one.err();
    one.signal(SIGKILL);
    one.wait();
    reached = of.of(name).last_published();
  }
  return reached;
}

command with_fault(command what, const std::string& fault) {
  if (!fault.empty())
    what.environment["TROUPE_FILE_FAULT"] = fault;
  return what;
}

void expect_code(const finished& what, int code) {
  EXPECT_EQ(what.code, code) << "signal " << what.signal << "\nstdout:\n"
                             << what.out << "stderr:\n"
                             << what.err;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace troupe::tests
