#include "monitoring/progress_screen.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "monitoring/wording.hpp"
#include "tests/monitoring/story.hpp"

namespace troupe::monitoring {

namespace {

using namespace std::chrono_literals;

/// What a person sees who looks at a terminal that got `text`.
std::vector<std::string> seen(std::string_view text) {
  std::vector<std::string> lines{""};
  std::size_t column = 0;
  for (; !text.empty(); text.remove_prefix(1)) {
    auto& line = lines.back();
    if (text.starts_with("\x1b[K")) {
      line.resize(std::min(line.size(), column));
      text.remove_prefix(2);
    } else if (text.front() == '\r') {
      column = 0;
    } else if (text.front() == '\n') {
      lines.emplace_back();
      column = 0;
    } else {
      line.resize(std::max(line.size(), column + 1));
      line[column++] = text.front();
    }
  }
  return lines;
}

class progress_screen_test : public testing::Test {
protected:
  progress_options terminal(std::size_t width = 90) {
    progress_options result;
    result.live = true;
    result.width = [width] { return width; };
    return result;
  }

  void drawings_for(progress_options options) {
    screen_.emplace(out_, std::move(options));
    screen_->show(story_.then(fashion_start()).told());
  }

  std::size_t drawings() const {
    const auto text = out_.str();
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\r'));
  }

  std::ostringstream out_;
  story story_;
  std::optional<progress_screen> screen_;
};

TEST_F(progress_screen_test, writes_plain_lines_where_there_is_no_terminal) {
  drawings_for({});
  screen_->show(story_.then(accepted(1, 1)).after(1s).told());
  screen_->show(story_.then(facts::published{.version = 1, .round = 1}).told());
  screen_->show(story_.then(failed(2, 17)).told());
  screen_->show(story_.then(ended("interrupted", 1)).told());

  EXPECT_EQ(out_.str(),
      "fashion: fedavg, 100 clients, 50 rounds, 199,210 parameters, 2 slots, "
      "seed 7\n"
      "client 17 failed: loss is nan\n"
      "interrupted: version 1/50  0 updates in 00:01  1 failure\n");
}

TEST_F(progress_screen_test, moves_one_line_on_a_terminal) {
  drawings_for(terminal());
  screen_->show(story_
                    .then(facts::published{
                        .version = 1, .round = 1, .updates = 10, .seconds = 1})
                    .told());
  screen_->show(story_
                    .then(facts::published{
                        .version = 2, .round = 2, .updates = 10, .seconds = 1})
                    .told());

  const auto lines = seen(out_.str());

  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1], "fashion  version 2/50  training loss 0.0000  training 0 "
                      " 10.0 updates/s  "
                      "eta 00:48");
}

TEST_F(progress_screen_test, prints_remarks_above_the_live_line) {
  drawings_for(terminal());
  screen_->show(story_.then(failed(2, 17)).told());

  const auto lines = seen(out_.str());

  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1], "client 17 failed: loss is nan");
  EXPECT_EQ(lines[2].rfind("fashion  ", 0), 0u);
}

TEST_F(progress_screen_test, draws_ten_times_a_second_at_most) {
  drawings_for(terminal());
  const auto before = drawings();
  for (int i = 0; i < 1000; ++i)
    screen_->show(story_.after(1ms).then(accepted(1, 1)).told());

  EXPECT_EQ(drawings() - before, 10u);
}

TEST_F(progress_screen_test, draws_at_once_when_a_version_is_out) {
  drawings_for(terminal());
  const auto before = drawings();
  screen_->show(story_.then(facts::published{.version = 1, .round = 1}).told());

  EXPECT_EQ(drawings() - before, 1u);
}

TEST_F(progress_screen_test, leaves_the_live_line_while_nobody_takes_it) {
  bool ready = true;
  auto options = terminal();
  options.ready = [&ready] { return ready; };
  drawings_for(options);
  const auto before = drawings();

  ready = false;
  for (int i = 0; i < 1000; ++i)
    screen_->show(story_.after(1s).then(accepted(1, 1)).told());
  EXPECT_EQ(drawings(), before);
  screen_->show(story_.then(failed(2, 17)).told());
  ready = true;
  screen_->show(story_.then(accepted(3, 1)).told());

  const auto lines = seen(out_.str());
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1], "client 17 failed: loss is nan");
  EXPECT_EQ(lines[2].rfind("fashion  ", 0), 0u);
}

TEST_F(progress_screen_test, erases_the_live_line_at_the_end) {
  drawings_for(terminal());
  screen_->show(story_.then(ended("completed", 50)).told());
  screen_.reset();

  const auto lines = seen(out_.str());

  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1], "completed: version 50/50  0 updates in 00:00");
  EXPECT_EQ(lines[2], "");
}

TEST_F(progress_screen_test, leaves_the_prompt_a_line_of_its_own) {
  drawings_for(terminal());
  screen_.reset();

  EXPECT_EQ(seen(out_.str()).back(), "");
}

TEST_F(progress_screen_test, never_reaches_the_last_column) {
  for (std::size_t width = 20; width <= 200; ++width) {
    out_.str({});
    drawings_for(terminal(width));
    EXPECT_LT(columns(seen(out_.str()).back()), width);
  }
}

TEST_F(progress_screen_test, follows_a_window_that_changes_its_size) {
  auto width = std::size_t{60};
  auto options = terminal();
  options.width = [&width] { return width; };
  drawings_for(options);

  width = 15;
  screen_->show(story_.then(facts::published{.version = 1, .round = 1}).told());

  EXPECT_EQ(seen(out_.str()).back(), "version 1/50");
}

TEST_F(progress_screen_test, says_errors_alone_when_quiet) {
  auto options = terminal();
  options.quiet = true;
  drawings_for(options);
  screen_->show(story_.then(facts::published{.version = 1}).told());
  screen_->show(story_.then(facts::evaluated{.version = 1}).told());
  EXPECT_EQ(out_.str(), "");

  screen_->show(story_.then(failed(2, 17)).told());
  screen_->show(story_.then(ended("failed", 1, "all failed")).told());

  EXPECT_EQ(out_.str(), "client 17 failed: loss is nan\n"
                        "failed at version 1/50: all failed  1 failure\n");
}

} // namespace

} // namespace troupe::monitoring
