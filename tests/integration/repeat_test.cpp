// Two runs of one seed leave the same directory, but for times: what is
// measured in seconds, what depends on how quick the disk is (which versions
// have a checkpoint, and that they do), and in the journal the order in which
// things arrived.
#include <algorithm>
#include <cstring>
#include <type_traits>
#include <variant>

#include <gtest/gtest.h>

#include "runtime/record/journal.hpp"
#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

bool is_a_time(const std::string& field) {
  return field.ends_with("seconds");
}

nlohmann::json summary_without_times(const record& left) {
  auto all = left.summary();
  for (auto at = all.begin(); at != all.end();)
    at = is_a_time(at.key()) ? all.erase(at) : std::next(at);
  return all;
}

std::vector<history_row> history_without_times(const record& left) {
  auto rows = left.history();
  for (auto& row : rows)
    row.seconds = 0.0;
  return rows;
}

// A line a fact, ordered by what it says.
std::vector<std::string> facts_without_times(const record& left) {
  std::vector<std::string> lines;
  for (auto f : left.standing()) {
    if (std::holds_alternative<facts::stored>(f.what))
      continue;
    f.number = 1;
    f.at = {};
    std::visit(
        [](auto& what) {
          if constexpr (requires { what.seconds; })
            what.seconds = 0.0;
        },
        f.what);
    journal::encode(std::vector{f}, lines.emplace_back());
  }
  std::ranges::sort(lines);
  return lines;
}

// A checkpoint names the facts that led to it by a number and a place, and the
// scores that were in by then.
nlohmann::json checkpoint_without_times(
    const record& left, version_id version) {
  auto bytes = content(left.checkpoint(version));
  std::uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof size);
  auto header = nlohmann::json::parse(bytes.substr(sizeof size, size));
  for (auto field : {"troupe.elapsed", "troupe.fact_number", "troupe.seal",
           "troupe.journal_bytes", "troupe.scored", "troupe.history_sha256"})
    header.at("__metadata__").erase(field);
  return header;
}

void expect_same_but_for_times(const record& one, const record& other) {
  const auto bytes = one.files(), again = other.files();
  for (auto name : {"config.toml", "model.safetensors"})
    EXPECT_EQ(bytes.at(name), again.at(name)) << name;
  EXPECT_EQ(summary_without_times(one), summary_without_times(other));
  EXPECT_EQ(history_without_times(one), history_without_times(other));
  EXPECT_EQ(facts_without_times(one), facts_without_times(other));
  EXPECT_EQ(one.checkpoints().back(), other.checkpoints().back());
  for (auto version : one.checkpoints()) {
    if (!std::filesystem::exists(other.checkpoint(version)))
      continue;
    EXPECT_EQ(tensor_bytes(one.checkpoint(version)),
        tensor_bytes(other.checkpoint(version)));
    EXPECT_EQ(checkpoint_without_times(one, version),
        checkpoint_without_times(other, version));
  }
  std::vector<std::string> names, others;
  for (const auto& [name, content] : bytes)
    names.push_back(name.substr(0, name.find('/')));
  for (const auto& [name, content] : again)
    others.push_back(name.substr(0, name.find('/')));
  names.erase(std::ranges::unique(names).begin(), names.end());
  others.erase(std::ranges::unique(others).begin(), others.end());
  EXPECT_EQ(names, others);
}

words on_slots(const std::string& count) {
  return {"--set", "compute.slots=" + count};
}

// Synthetic clients are of different sizes, so the weights of losses differ.
TEST(repeat_test, two_runs_of_one_seed_differ_in_times_alone) {
  study both{quick_fedavg(12)};
  for (auto slots : {"1", "2"}) {
    auto name = std::string{"on "} + slots;
    expect_code(run(both.start(name, on_slots(slots))), 0);
    for (auto again : {"b", "c"}) {
      expect_code(run(both.start(again, on_slots(slots))), 0);
      expect_same_but_for_times(both.of(name), both.of(again));
      std::filesystem::remove_all(both / again);
    }
  }
}

TEST(repeat_test, the_number_of_slots_changes_no_figure) {
  study both{quick_fedavg(12)};
  for (auto slots : {"1", "2"}) {
    expect_code(run(both.start(slots, on_slots(slots))), 0);
  }

  EXPECT_EQ(
      summary_without_times(both.of("1")), summary_without_times(both.of("2")));
  EXPECT_EQ(
      history_without_times(both.of("1")), history_without_times(both.of("2")));
  EXPECT_EQ(content(both.of("1") / "model.safetensors"),
      content(both.of("2") / "model.safetensors"));
}

} // namespace

} // namespace troupe::tests
