// What people see: a live line on a terminal, plain lines elsewhere.
#include <algorithm>
#include <csignal>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/integration/study.hpp"
#include "tests/support/screen.hpp"

namespace troupe::tests {

namespace {

class terminal_test : public testing::Test {
protected:
  static command on_terminal(command what, unsigned short columns) {
    what.terminal = window{columns, 24};
    what.environment["TERM"] = "xterm";
    return what;
  }

  // Each thing that the live line was, in turn.
  static std::vector<std::string> frames(const std::string& bytes) {
    std::vector<std::string> result;
    for (std::size_t at = 0; at < bytes.size();) {
      auto end = std::min(bytes.find('\r', at), bytes.size());
      result.push_back(bytes.substr(at, end - at));
      at = end + 1;
    }
    return result;
  }

  study study_{quick_fedavg(30)};
};

TEST_F(terminal_test, shows_a_live_line_with_all_that_matters) {
  auto said = run(on_terminal(study_.start("a"), 132));

  expect_code(said, 0);
  auto all = frames(said.out);
  auto full = std::count_if(all.begin(), all.end(), [](const auto& frame) {
    return holds(frame, "version ") && holds(frame, "/30") &&
           holds(frame, "accuracy 0.") && holds(frame, "clients ") &&
           holds(frame, " updates/s") && holds(frame, "eta ");
  });
  EXPECT_GT(full, 0) << said.out;
}

TEST_F(terminal_test, leaves_a_clean_screen) {
  auto said = run(on_terminal(study_.start("a"), 100));

  expect_code(said, 0);
  auto lines = seen(said.out, 100);
  EXPECT_EQ(lines.back(), "") << said.out;
  std::size_t scored = 0;
  for (const auto& line : lines) {
    scored += line.starts_with("version ") ? 1 : 0;
    EXPECT_FALSE(holds(line, "eta ") && holds(line, "clients ")) << line;
    EXPECT_FALSE(holds(line, "\x1b")) << line;
  }
  EXPECT_EQ(scored, 15u) << said.out;
  auto ended = std::find_if(lines.begin(), lines.end(), [](const auto& line) {
    return line.starts_with("completed: version 30/30");
  });
  EXPECT_NE(ended, lines.end()) << said.out;
}

TEST_F(terminal_test, never_wraps_its_live_line) {
  auto said = run(on_terminal(study_.start("a"), 38));

  expect_code(said, 0);
  for (const auto& frame : frames(said.out))
    if (holds(frame, "\x1b[K") && !holds(frame, "\n"))
      EXPECT_LT(frame.find("\x1b[K"), 38u) << frame;
}

TEST_F(terminal_test, ends_on_the_key_for_it) {
  process it{
      on_terminal(study_.start("a", {"--set", "run.rounds=100000"}), 100)};
  ASSERT_TRUE(it.says("version 4/100,000")) << it.out();

  it.type("\x03");

  EXPECT_EQ(it.wait().code, 130) << it.out();
  EXPECT_TRUE(holds(it.out(), "interrupted")) << it.out();
}

// By a shell, which closes or redirects what the command gets.
command redirected(command what, const std::string& how) {
  what.words.insert(what.words.begin(),
      {"bash", "-o", "pipefail", "-c", "\"$@\" " + how, "sh"});
  return what;
}

// Nobody reads in the tests that follow. A file tells how far a run has come,
// and a shell waits for it, so that the test itself reads nothing meanwhile.
std::string wait_for(const std::filesystem::path& file) {
  return "n=0; until test -e '" + file.string() +
         "' || test $((n += 1)) -gt 3000; do sleep 0.05; done; ";
}

bool comes(const std::filesystem::path& file) {
  run({{"sh", "-c", wait_for(file)}});
  return std::filesystem::exists(file);
}

const words many_lines{"--set", "run.rounds=1000", "--set",
    "run.evaluate_every=1", "--set", "client.epochs=1"};

std::size_t scores_in(const std::vector<std::string>& lines) {
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(), [](const auto& line) {
        return line.starts_with("version ") && holds(line, " updates/s");
      }));
}

TEST_F(terminal_test, goes_on_while_its_terminal_is_stopped) {
  process it{on_terminal(study_.start("a", many_lines), 100)};
  ASSERT_TRUE(it.says("version 4/1,000")) << it.out();
  it.type("\x13"); // Ctrl-S

  EXPECT_TRUE(comes(study_ / "a" / "summary.json")) << it.out();

  EXPECT_EQ(it.wait(std::chrono::seconds{30}).code, 0);
  EXPECT_FALSE(holds(it.out(), "results in ")) << it.out();
}

TEST_F(terminal_test, shows_what_it_kept_when_its_terminal_goes_on) {
  process it{on_terminal(study_.start("a", many_lines), 160)};
  ASSERT_TRUE(it.says("version 4/1,000")) << it.out();
  it.type("\x13");
  ASSERT_TRUE(comes(study_ / "a" / "summary.json")) << it.out();

  it.type("\x11"); // Ctrl-Q

  EXPECT_EQ(it.wait().code, 0);
  const auto lines = seen(it.out(), 160);
  EXPECT_EQ(scores_in(lines), 1000u);
  ASSERT_GE(lines.size(), 3u);
  EXPECT_TRUE(lines[lines.size() - 3].starts_with("completed: version 1,000"))
      << lines[lines.size() - 3];
  EXPECT_TRUE(lines[lines.size() - 2].starts_with("results in "))
      << lines[lines.size() - 2];
}

TEST_F(terminal_test, ends_before_anybody_reads_its_terminal) {
  auto what = on_terminal(study_.start("a", many_lines), 100);
  what.words.insert(what.words.begin(),
      {"sh", "-c", "\"$@\"; echo $? >'" + (study_ / "code").string() + "'",
          "sh"});
  process it{what};

  EXPECT_TRUE(comes(study_ / "code"));

  EXPECT_EQ(content(study_ / "code"), "0\n");
  EXPECT_TRUE(study_.of("a").has("summary.json"));
}

TEST_F(terminal_test, loses_no_line_to_a_reader_who_comes_late) {
  auto late = "| { " + wait_for(study_ / "a" / "summary.json") + "cat; }";

  auto said = run(redirected(study_.start("a", many_lines), late));

  expect_code(said, 0);
  std::vector<std::string> lines;
  std::istringstream text{said.out};
  for (std::string line; std::getline(text, line);)
    lines.push_back(line);
  EXPECT_EQ(scores_in(lines), 1000u);
  EXPECT_TRUE(lines.back().starts_with("results in ")) << lines.back();
}

TEST_F(terminal_test, is_interrupted_while_its_terminal_is_stopped) {
  process it{on_terminal(study_.start("a", endless()), 100)};
  ASSERT_TRUE(it.says("version 4/1,000,000")) << it.out();
  it.type("\x13");

  it.signal(SIGTERM);

  EXPECT_EQ(it.wait(std::chrono::seconds{60}).code, 130);
  EXPECT_FALSE(study_.of("a").checkpoints().empty());
}

TEST_F(terminal_test, writes_plain_lines_into_a_pipe) {
  auto said = run(study_.start("a"));

  expect_code(said, 0);
  EXPECT_FALSE(holds(said.text(), "\x1b")) << said.out;
  EXPECT_FALSE(holds(said.text(), "\r")) << said.out;
  EXPECT_TRUE(holds(said.out, "version 2/30  accuracy ")) << said.out;
  EXPECT_TRUE(holds(said.out, "completed: version 30/30")) << said.out;
  EXPECT_TRUE(holds(said.out, study_ / "a")) << said.out;
  EXPECT_EQ(said.err, "");
}

TEST_F(terminal_test, writes_plain_lines_where_the_cursor_cannot_move) {
  auto what = on_terminal(study_.start("a"), 100);
  what.environment["TERM"] = "dumb";

  auto said = run(what);

  expect_code(said, 0);
  EXPECT_FALSE(holds(said.out, "\x1b")) << said.out;
}

TEST_F(terminal_test, needs_nobody_who_looks_on) {
  expect_code(run(study_.start("whole")), 0);
  for (auto how : {"2>&-", "2>/dev/full", ">/dev/full", ">&-", "<&- >&- 2>&-",
           "| head -n 1"}) {
    std::filesystem::remove_all(study_ / "a");

    expect_code(run(redirected(study_.start("a"), how)), 0);

    auto left = study_.of("a");
    ASSERT_TRUE(left.has("summary.json")) << how;
    EXPECT_EQ(left.model_sha256(), study_.of("whole").model_sha256()) << how;
    EXPECT_TRUE(content(left / "config.toml").starts_with("[run]")) << how;
  }
}

TEST_F(terminal_test, fails_when_nobody_hears_an_answer) {
  for (auto how : {">&-", ">/dev/full"}) {
    expect_code(run(redirected(troupe({"version"}), how)), 1);
    expect_code(run(redirected(troupe({"check", study_.config()}), how)), 1);
    expect_code(run(redirected(troupe({"run", "--help"}), how)), 1);
  }
}

TEST_F(terminal_test, says_nothing_when_it_is_to_be_quiet) {
  auto said = run(study_.start("a", {"--quiet"}));
  auto shown = run(on_terminal(study_.start("b", {"--quiet"}), 100));

  expect_code(said, 0);
  EXPECT_EQ(said.out, "");
  EXPECT_EQ(said.err, "");
  EXPECT_EQ(shown.out, "");
}

} // namespace

} // namespace troupe::tests
