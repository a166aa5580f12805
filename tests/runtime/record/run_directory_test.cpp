#include "runtime/record/run_directory.hpp"

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/record/journal.hpp"
#include "runtime/record/model_file.hpp"
#include "tests/runtime/scratch_directory.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using tests::scratch_directory;

instant at(double s) {
  return instant{from_seconds(s)};
}

facts::run_header start(std::uint64_t incarnation, version_id version = 0) {
  facts::run_header result;
  result.incarnation = incarnation;
  result.version = version;
  return result;
}

facts::published made(version_id version) {
  return {version, version, 5, version * 5, 1.0 / double(version), 0.1};
}

facts::evaluated scored(version_id version) {
  return {version, 10, 0.5 / double(version), 0.1 * double(version), 0.01};
}

/// A run of three versions, of which the second is stored: a line a fact.
class run_directory_test : public testing::Test {
protected:
  run_directory_test() {
    disk_.make_directories(place_.checkpoints());
    checkpoint state;
    state.version = 2;
    state.fact_number = 4;
    state.elapsed = 2.0;
    state.parameters = std::make_shared<gpu::buffer>(2);
    write_checkpoint(disk_, place_.checkpoints(), layout_, state);
    append({{1, at(0), start(0)}, {2, at(1), made(1)}, {3, at(1.5), scored(1)},
        {4, at(2), made(2)}, {5, at(2.5), scored(2)}, {6, at(3), made(3)},
        {7, at(3.5), scored(3)}});
    write(place_.history(), history_header() + to_csv(row(1, 1.0)) +
                                to_csv(row(2, 2.0)) + to_csv(row(3, 3.0)));
  }

  static history_row row(version_id v, double seconds) {
    return {v, seconds, scored(v).loss, scored(v).accuracy, made(v).loss,
        made(v).total_updates};
  }

  void append(const std::vector<fact>& more) {
    journal::encode(more, journal_);
    write(place_.journal(), journal_);
  }

  void write(const std::filesystem::path& path, std::string_view text) {
    disk_.write_atomically(path, text);
  }

  // The journal up to the end of its line `n`.
  std::string lines(int n) const {
    std::size_t end = 0;
    while (n-- > 0)
      end = journal_.find('\n', end) + 1;
    return journal_.substr(0, end);
  }
  std::string lines_behind(int n) const {
    return journal_.substr(lines(n).size());
  }

  past recalled() { return recall(disk_, place_, layout_); }

  std::string refusal() {
    try {
      recalled();
    } catch (const bad_file& e) {
      return e.what();
    }
    return "none";
  }

  scratch_directory here_;
  files disk_;
  run_directory place_{here_ / "run"};
  gpu::layout layout_{{"w", {2}, 0}};
  std::string journal_;
};

TEST_F(run_directory_test, recalls_what_was_left) {
  auto before = recalled();

  EXPECT_EQ(before.state->version, 2u);
  EXPECT_EQ(before.incarnation, 1u);
  EXPECT_EQ(before.last_fact, 7u);
  EXPECT_EQ(before.journal_bytes, journal_.size());
  EXPECT_THAT(before.note, IsEmpty());
  EXPECT_EQ(
      before.history, (std::vector<history_row>{row(1, 1.0), row(2, 2.0)}));
}

// Void facts tell of it, too: whoever comes back is who it was.
TEST_F(run_directory_test, remembers_its_residents) {
  checkpoint state;
  state.version = 2;
  state.fact_number = 4;
  state.elapsed = 2.0;
  state.parameters = std::make_shared<gpu::buffer>(2);
  state.residents = {{10, "a", "k"}};
  write_checkpoint(disk_, place_.checkpoints(), layout_, state);
  append({{8, at(4), facts::client_joined{3, 5}},
      {9, at(4), facts::client_joined{11, 600, "b", ""}},
      {10, at(4), facts::client_joined{10, 600, "a", "k"}}});

  const auto before = recall(disk_, place_, layout_);

  EXPECT_THAT(
      before.residents, testing::ElementsAre(resident_client{10, "a", "k"},
                            resident_client{11, "b", ""}));
}

TEST_F(run_directory_test, has_a_number_that_no_other_run_has) {
  const auto id = run_id(disk_, place_);

  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(run_id(disk_, place_), id);
  disk_.make_directories(here_ / "other");
  EXPECT_NE(run_id(disk_, run_directory{here_ / "other"}), id);
}

TEST_F(run_directory_test, says_that_checkpoints_are_gone) {
  append({{8, at(4), facts::stored{2, "sha", 0.0}}});
  disk_.remove(place_.checkpoints() / checkpoint_name(2));

  auto before = recalled();

  EXPECT_FALSE(before.state);
  EXPECT_THAT(before.note, HasSubstr("holds no checkpoint"));
}

// Of versions 1, 2 and 3 all have a checkpoint; the journal is cut or spoilt.
struct damaged_journal_test : run_directory_test {
  damaged_journal_test() {
    store(1, 2);
    store(3, 6);
  }
  void store(version_id version, std::uint64_t fact) {
    checkpoint state;
    state.version = version;
    state.fact_number = fact;
    state.parameters = std::make_shared<gpu::buffer>(2);
    write_checkpoint(disk_, place_.checkpoints(), layout_, state);
  }
  std::string path(version_id version) const {
    return checkpoint_path(place_.checkpoints(), version).string();
  }
};

TEST_F(damaged_journal_test, names_the_newest_checkpoint_that_it_reaches) {
  for (const auto& [sound, reached] : {std::pair{5, 2}, {3, 1}})
    for (const auto& rest : {std::string{}, "###\n" + lines_behind(sound)}) {
      write(place_.journal(), lines(sound) + rest);

      const auto said = refusal();

      EXPECT_THAT(said, HasSubstr("Remove " + path(3)));
      EXPECT_EQ(said.find(path(2)) != said.npos, reached < 2);
      EXPECT_THAT(said, Not(HasSubstr(path(1))));
      EXPECT_THAT(said,
          HasSubstr(fmt::format("go on from version {}, the newest", reached)));
      EXPECT_EQ(newest_reached(disk_, place_, static_cast<std::size_t>(sound)),
          static_cast<version_id>(reached));
    }
}

TEST_F(damaged_journal_test, says_where_it_reaches_no_checkpoint) {
  write(place_.journal(), "###\n" + journal_);

  EXPECT_THAT(refusal(), HasSubstr("the journal reaches no checkpoint"));
  EXPECT_THAT(refusal(), HasSubstr(path(1)));
}

// Whoever does what it says goes on from there.
TEST_F(damaged_journal_test, goes_on_where_its_advice_is_followed) {
  write(place_.journal(), lines(5));
  refusal();
  disk_.remove(path(3));

  EXPECT_EQ(recalled().state->version, 2u);
}

struct bookmark_test : run_directory_test {
  bookmark_test() {
    mark({lines(3).size(), 1, digest_of(std::vector{row(1, 1.0)})});
    write(place_.incarnation(), "0\n");
  }

  void mark(const bookmark& at, std::uint64_t fact = 4) {
    checkpoint state;
    state.version = 2;
    state.fact_number = fact;
    state.elapsed = 2.0;
    state.parameters = std::make_shared<gpu::buffer>(2);
    state.at = at;
    write_checkpoint(disk_, place_.checkpoints(), layout_, state);
  }
  // A reader of these lines would stop there.
  void spoil_what_came_before() {
    auto text = journal_;
    text.replace(10, 20, 20, '#');
    write(place_.journal(), text);
  }
};

TEST_F(bookmark_test, leaves_unread_what_came_before_the_state) {
  spoil_what_came_before();

  auto before = recalled();

  EXPECT_EQ(before.last_fact, 7u);
  EXPECT_EQ(before.journal_bytes, journal_.size());
  EXPECT_EQ(before.incarnation, 1u);
  EXPECT_EQ(
      before.history, (std::vector<history_row>{row(1, 1.0), row(2, 2.0)}));
  EXPECT_EQ(before.resumed_at, lines(3).size());
  EXPECT_EQ(before.resumed->updates, made(2).total_updates);
}

TEST_F(bookmark_test, makes_a_row_anew_that_came_behind_the_state) {
  spoil_what_came_before();
  write(place_.history(), history_header() + to_csv(row(1, 1.0)));

  EXPECT_EQ(
      recalled().history, (std::vector<history_row>{row(1, 1.0), row(2, 2.0)}));
}

// An interruption stores a version without the score of one before it, which
// may come yet.
TEST_F(bookmark_test, reads_all_where_the_score_of_one_before_it_came_late) {
  journal_.clear();
  append({{1, at(0), start(0)}, {2, at(1), made(1)}, {3, at(2), made(2)},
      {4, at(2.5), made(3)}, {5, at(3), scored(1)}});
  mark({lines(2).size(), 0, digest_of({})}, 3);
  write(place_.history(), history_header() + to_csv(row(1, 1.0)));

  const auto before = recalled();

  EXPECT_EQ(before.history, (std::vector<history_row>{row(1, 1.0)}));
  EXPECT_EQ(before.resumed->version, 2u);
}

TEST_F(bookmark_test, reads_all_where_the_history_is_lost_or_altered) {
  for (const auto& text : {std::string{}, history_header(),
           history_header() + to_csv(row(2, 2.0))}) {
    write(place_.history(), text);

    EXPECT_EQ(recalled().history,
        (std::vector<history_row>{row(1, 1.0), row(2, 2.0)}));
  }
}

TEST_F(bookmark_test, reads_all_where_it_points_to_another_line) {
  for (auto at : {lines(1).size(), lines(3).size() + 1, journal_.size() + 9}) {
    mark({at, 1, digest_of(std::vector{row(1, 1.0)})});

    auto before = recalled();

    EXPECT_EQ(before.last_fact, 7u);
    EXPECT_EQ(before.history.size(), 2u);
  }
}

TEST_F(bookmark_test, reads_all_where_the_incarnation_is_told_nowhere_else) {
  append({{8, at(4), start(5)}});
  disk_.remove(place_.incarnation());

  EXPECT_EQ(recalled().incarnation, 6u);
}

TEST_F(bookmark_test, ends_the_journal_where_its_tail_is_spoilt) {
  write(place_.journal(), journal_ + "###\n");

  auto before = recalled();

  EXPECT_EQ(before.journal_bytes, journal_.size());
  EXPECT_THAT(before.note, HasSubstr("behind byte"));
}

TEST_F(run_directory_test, ends_the_journal_where_it_is_spoilt) {
  std::string zeros(512, '\0');
  auto middle = lines(6);
  middle.replace(lines(5).size() + 3, 20, 20, '\0');
  struct {
    std::string text;
    std::uint64_t last;
    std::size_t bytes;
    const char* said;
  } const cases[]{
      {journal_ + zeros, 7, journal_.size(), "the 512 bytes behind it"},
      {journal_ + zeros + "\n", 7, journal_.size(), "line 8: not a JSON"},
      {journal_ + "{\"fact\":\"le", 7, journal_.size(), "torn"},
      {middle + lines_behind(6), 5, lines(5).size(),
          "whole facts among them: 1"},
      {lines(4) + "###\n" + lines_behind(4), 4, lines(4).size(),
          "whole facts among them: 3"},
      {lines(5) + lines(1), 5, lines(5).size(), "fact 1 follows fact 5"},
  };
  for (const auto& [text, last, bytes, said] : cases) {
    write(place_.journal(), text);

    auto before = recalled();

    EXPECT_EQ(before.last_fact, last) << said;
    EXPECT_EQ(before.journal_bytes, bytes) << said;
    EXPECT_THAT(before.note, HasSubstr(place_.journal().string()));
    EXPECT_THAT(before.note, HasSubstr(said));
    EXPECT_EQ(before.state->version, 2u);
    EXPECT_EQ(before.resumed->version, 2u);
  }
}

TEST_F(run_directory_test, refuses_a_journal_that_does_not_tell_of_its_state) {
  auto remove = "Remove " +
                (place_.checkpoints() / checkpoint_name(2)).string() +
                " to begin anew here: the journal reaches no checkpoint, or "
                "start the run anew in another directory";

  write(place_.journal(), lines(2) + "###\n" + lines_behind(2));
  EXPECT_THAT(refusal(), HasSubstr("line 3: not a JSON object. " + remove));
  write(place_.journal(), lines(2) + "{\"fa");
  EXPECT_THAT(refusal(), HasSubstr("the journal ends at fact 2. " + remove));
  write(place_.journal(), "");
  EXPECT_THAT(refusal(), HasSubstr("the journal ends at fact 0. " + remove));
  disk_.remove(place_.journal());
  EXPECT_THAT(refusal(), HasSubstr("the journal ends at fact 0. " + remove));
}

TEST_F(run_directory_test, begins_anew_where_nothing_was_stored) {
  disk_.remove(place_.checkpoints() / checkpoint_name(2));
  write(place_.journal(), std::string(100, '\0') + "\n" + journal_);

  auto before = recalled();

  EXPECT_FALSE(before.state);
  EXPECT_EQ(before.journal_bytes, 0u);
  EXPECT_EQ(before.last_fact, 0u);
  EXPECT_THAT(before.history, IsEmpty());
  EXPECT_EQ(before.incarnation, 1u) << "what was lost has leases too";
}

TEST_F(run_directory_test, counts_every_life) {
  EXPECT_EQ(recalled().incarnation, 1u);

  begin_incarnation(disk_, place_, recalled());
  EXPECT_EQ(recalled().incarnation, 2u);
  begin_incarnation(disk_, place_, recalled());
  EXPECT_EQ(recalled().incarnation, 3u);

  append({{8, at(0), start(6)}});
  EXPECT_EQ(recalled().incarnation, 7u);
}

TEST_F(run_directory_test, counts_by_its_file_where_the_journal_is_gone) {
  disk_.remove(place_.checkpoints() / checkpoint_name(2));
  disk_.remove(place_.journal());
  EXPECT_EQ(recalled().incarnation, 0u);

  begin_incarnation(disk_, place_, past{});

  EXPECT_EQ(recalled().incarnation, 1u);
}

TEST_F(run_directory_test, refuses_a_count_that_is_none) {
  using namespace std::string_literals;
  for (const auto& text : {""s, "\n"s, "3"s, "3\n\n"s, "-1\n"s, "3\0\n"s,
           "99999999999999999999\n"s}) {
    write(place_.incarnation(), text);

    EXPECT_THAT(refusal(), HasSubstr(place_.incarnation().string()));
    EXPECT_THAT(refusal(), HasSubstr("Remove the file"));
  }
}

TEST_F(run_directory_test, makes_lost_rows_of_the_history_anew) {
  for (const auto& text :
      {std::string{}, history_header(), history_header() + to_csv(row(2, 2.0)),
          history_header() + to_csv(row(1, 1.0)) + std::string(50, '\0'),
          history_header() + to_csv(row(1, 1.0)) +
              to_csv(row(2, 2.0)).substr(0, 18)}) {
    write(place_.history(), text);

    auto rows = recalled().history;

    ASSERT_EQ(rows.size(), 2u) << text;
    rows[0].seconds = rows[1].seconds = 0.0;
    EXPECT_EQ(rows, (std::vector<history_row>{row(1, 0.0), row(2, 0.0)}));
  }
  disk_.remove(place_.history());
  EXPECT_EQ(recalled().history.size(), 2u);
  EXPECT_TRUE(recalled().scored());
}

TEST_F(run_directory_test, believes_the_journal_rather_than_the_history) {
  auto wrong = row(1, 1.0);
  wrong.accuracy = 0.99;
  auto unheard_of = row(3, 3.0);
  unheard_of.version = 1000;
  write(place_.history(), history_header() + to_csv(unheard_of) +
                              to_csv(row(2, 2.0)) + to_csv(wrong));

  EXPECT_EQ(
      recalled().history, (std::vector<history_row>{row(1, 1.0), row(2, 2.0)}));
}

// It is scored again, so that the journal tells it too.
TEST_F(run_directory_test, leaves_out_a_score_that_the_history_alone_has) {
  write(place_.journal(), lines(4));

  auto before = recalled();

  EXPECT_FALSE(before.scored());
  EXPECT_EQ(before.history, (std::vector<history_row>{row(1, 1.0)}));
}

TEST_F(run_directory_test, trusts_no_name_of_a_checkpoint) {
  disk_.rename(place_.checkpoints() / checkpoint_name(2),
      place_.checkpoints() / checkpoint_name(5));

  EXPECT_THAT(refusal(), HasSubstr(checkpoint_name(5)));
  EXPECT_THAT(refusal(), HasSubstr("found that of version 2"));
}

TEST_F(run_directory_test, holds_a_run_where_checkpoints_are) {
  disk_.remove(place_.journal());
  EXPECT_TRUE(place_.holds_run());

  disk_.remove(place_.checkpoints() / checkpoint_name(2));
  EXPECT_FALSE(place_.holds_run());

  disk_.remove(place_.checkpoints());
  EXPECT_FALSE(place_.holds_run());
}

TEST_F(run_directory_test, knows_what_a_run_was_trained_on) {
  EXPECT_FALSE(recalled().from.known());
  auto again = start(1, 2);
  again.from = {"f", "l", "tf", "tl", ""};
  append({{8, at(0), again}});
  EXPECT_EQ(recalled().from.features, "f");

  auto state = *recalled().state;
  state.from = {"of", "the", "state", "it", "self"};
  write_checkpoint(disk_, place_.checkpoints(), layout_, state);

  auto from = recalled().from;
  EXPECT_EQ(from.features, "of");
  EXPECT_EQ(from.labels, "the");
  EXPECT_EQ(from.test_features, "state");
  EXPECT_EQ(from.test_labels, "it");
  EXPECT_EQ(from.initial, "self");
}

TEST_F(run_directory_test, writes_no_digest_that_it_does_not_have) {
  auto file =
      read_model(disk_, place_.checkpoints() / checkpoint_name(2)).metadata;

  EXPECT_FALSE(file.contains("troupe.features_sha256"));
  EXPECT_FALSE(file.contains("troupe.initial_sha256"));
}

} // namespace
} // namespace troupe
