// Limits of the system: a run that has no room says so, in one line, and ends.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/integration/study.hpp"

namespace troupe::tests {

namespace {

// Nobody's, so that none of its processes counts but the test's.
constexpr auto user = "54321";

class limits_test : public testing::Test {
protected:
  // Ends by itself; answers whether it had room.
  bool has_room(words limit, words options, const std::string& name) {
    std::filesystem::remove_all(study_ / "a");
    auto what = study_.start("a", std::move(options));
    what.words.insert(what.words.begin(), limit.begin(), limit.end());
    auto said = run(what);
    if (said.code == 0)
      return true;
    expect_code(said, 1);
    EXPECT_TRUE(holds(said.err, name)) << said.err;
    EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1)
        << said.err;
    EXPECT_FALSE(std::filesystem::exists(study_ / "a"));
    return false;
  }

  // One of a user without rights and with at most so many threads.
  bool has_room_in(int threads, const words& options) {
    words limit{"setpriv", "--reuid", user, "--regid", user, "--clear-groups",
        "prlimit", fmt::format("--nproc={}", threads)};
    return has_room(
        limit, options, fmt::format("of this user is {} (ulimit -u)", threads));
  }

  // Whether it can be tried at all, as somebody who has no special rights.
  bool can_be_another() {
    if (getuid() != 0 || !installed("setpriv") || !installed("prlimit"))
      return false;
    std::filesystem::permissions(study_ / ".", std::filesystem::perms::all);
    auto what = troupe({"version"});
    words limit{"setpriv", "--reuid", user, "--regid", user, "--clear-groups"};
    what.words.insert(what.words.begin(), limit.begin(), limit.end());
    return run(what).code == 0;
  }

  study study_{quick_fedavg(2)};
};

TEST_F(limits_test, names_the_limit_on_threads) {
  if (!can_be_another())
    GTEST_SKIP() << "needs root, setpriv and prlimit, and a build directory "
                    "that others can read, to be an ordinary user";

  for (const auto& options :
      {words{"--quiet"}, words{"--quiet", "--metrics", "127.0.0.1:0"}}) {
    EXPECT_FALSE(has_room_in(4, options));
    for (auto threads = 5; threads < 16; ++threads)
      has_room_in(threads, options);
    EXPECT_TRUE(has_room_in(40, options));
  }
}

TEST_F(limits_test, names_a_file_that_the_limit_on_their_size_cuts_short) {
  auto what = study_.start("a", {"--quiet"});
  words limit{"sh", "-c", "ulimit -f 2; exec \"$@\"", "sh"};
  what.words.insert(what.words.begin(), limit.begin(), limit.end());

  auto said = run(what);

  expect_code(said, 1);
  EXPECT_TRUE(holds(said.err, "File too large")) << said.err;
}

TEST_F(limits_test, names_the_limit_on_address_space) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer takes terabytes of address space itself";
#else
  auto with = [&](long kib) {
    return has_room(
        {"sh", "-c", fmt::format("ulimit -v {}; exec \"$@\"", kib), "sh"},
        {"--quiet"}, fmt::format("{} KiB (ulimit -v)", kib));
  };

  EXPECT_FALSE(with(150'000));
  for (auto other : {words{"version"}, words{"check", study_.config()}}) {
    auto what = troupe(other);
    words limit{"sh", "-c", "ulimit -v 150000; exec \"$@\"", "sh"};
    what.words.insert(what.words.begin(), limit.begin(), limit.end());
    auto said = run(what);
    expect_code(said, 1);
    EXPECT_TRUE(holds(said.err, "150000 KiB (ulimit -v)")) << said.err;
  }
  for (auto kib = 200'000; kib < 1'000'000; kib += 100'000)
    with(kib);
  EXPECT_TRUE(with(8'000'000));
#endif
}

} // namespace

} // namespace troupe::tests
