#include "monitoring/outlet.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace troupe::monitoring {

namespace {

using namespace std::chrono_literals;

constexpr auto at_once = 50ms; // to give up a reader who does not come

/// A pipe whose reader decides when to read.
class outlet_test : public testing::Test {
protected:
  outlet_test() { EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0); }
  ~outlet_test() override {
    close_reader();
    close(ends_[1]);
  }

  void close_reader() {
    if (ends_[0] >= 0)
      close(std::exchange(ends_[0], -1));
  }

  std::string read_some() {
    char buffer[4096];
    const auto n = read(ends_[0], buffer, sizeof buffer);
    return {buffer, static_cast<std::size_t>(std::max<ssize_t>(n, 0))};
  }

  /// Everything up to the text `last`.
  std::string read_up_to(const std::string& last) {
    std::string text;
    while (!text.ends_with(last)) {
      auto more = read_some();
      if (more.empty())
        break;
      text += more;
    }
    return text;
  }

  static std::string line(int n) { return fmt::format("line {:0>90}\n", n); }

  int ends_[2]{-1, -1};
};

TEST_F(outlet_test, writes_everything_in_order) {
  outlet to{ends_[1]};
  std::string all;
  for (int n = 0; n < 500; ++n) {
    to.write(line(n));
    all += line(n);
  }

  EXPECT_TRUE(to.settle());
  EXPECT_TRUE(to.idle());
  EXPECT_EQ(read_up_to(line(499)), all);
}

TEST_F(outlet_test, waits_for_no_reader_and_keeps_the_last_lines) {
  constexpr int lines = 50'000; // 5 MB, of which a fifth is kept
  outlet to{ends_[1]};
  const auto start = std::chrono::steady_clock::now();
  for (int n = 0; n < lines; ++n)
    to.write(line(n));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_FALSE(to.idle());

  const auto text = read_up_to(line(lines - 1));

  EXPECT_TRUE(text.ends_with(line(lines - 1)));
  const std::string note = " left out: nobody read in time)\n";
  long told = std::count(text.begin(), text.end(), '\n');
  long left_out = 0;
  for (auto at = text.find(note); at != std::string::npos;
       at = text.find(note, at + 1)) {
    auto number = text.substr(text.rfind('(', at) + 1, 9);
    std::erase(number, ',');
    left_out += std::stol(number);
    --told;
  }
  EXPECT_GT(left_out, 0);
  EXPECT_EQ(told + left_out, lines);
  EXPECT_LT(told * 96, 2 * static_cast<long>(outlet::most_kept));
}

TEST_F(outlet_test, gives_up_a_reader_who_stands_still) {
  outlet to{ends_[1]};
  std::string text(3 * outlet::most_kept, 'x');
  to.write(text + '\n');

  EXPECT_FALSE(to.settle(at_once));
  EXPECT_FALSE(to.idle());

  EXPECT_EQ(read_up_to("\n").size(), text.size() + 1);
  EXPECT_TRUE(to.settle());
}

TEST_F(outlet_test, waits_for_a_reader_who_is_slow) {
  outlet to{ends_[1]};
  std::string text(3 * outlet::most_kept, 'x');
  to.write(text + '\n');
  auto all = std::async(std::launch::async, [&] { return read_up_to("\n"); });

  EXPECT_TRUE(to.settle());
  EXPECT_EQ(all.get().size(), text.size() + 1);
}

TEST_F(outlet_test, leaves_a_paused_reader_all_that_a_pipe_can_hold) {
  if (fcntl(ends_[1], F_SETPIPE_SZ, 1 << 17) < 0)
    GTEST_SKIP() << "this user's pipes may not grow";
  outlet to{ends_[1]};
  std::string all;
  for (int n = 0; n < 5'000; ++n) {
    to.write(line(n));
    all += line(n);
  }

  EXPECT_TRUE(to.settle(at_once * 20));
  EXPECT_EQ(read_up_to(line(4'999)), all);
}

TEST_F(outlet_test, does_not_mind_a_reader_who_has_gone) {
  outlet to{ends_[1]};
  close_reader();

  to.write("a\n");
  to.write("b\n");

  EXPECT_TRUE(to.settle());
}

TEST_F(outlet_test, writes_where_others_chose_not_to_block) {
  fcntl(ends_[1], F_SETFL, O_NONBLOCK);
  outlet to{ends_[1]};
  std::string text(2 * outlet::most_kept, 'x');
  to.write(text + '\n');
  auto all = std::async(std::launch::async, [&] { return read_up_to("\n"); });

  EXPECT_TRUE(to.settle());
  EXPECT_EQ(all.get().size(), text.size() + 1);
}

TEST_F(outlet_test, can_be_left_while_nobody_reads) {
  auto to = std::make_unique<outlet>(ends_[1]);
  std::string text(outlet::most_kept, 'x');
  to->write(text + '\n');

  to.reset();

  EXPECT_EQ(read_up_to("\n").size(), text.size() + 1);
}

TEST_F(outlet_test, takes_what_a_stream_has_when_it_is_flushed) {
  outlet to{ends_[1]};
  outlet_stream out{to};
  out << "version " << 3;
  EXPECT_TRUE(to.idle());

  out << '\n' << std::flush;
  out << "next" << std::endl;

  EXPECT_EQ(read_up_to("next\n"), "version 3\nnext\n");
}

} // namespace

} // namespace troupe::monitoring
