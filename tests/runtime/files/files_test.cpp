#include "runtime/files/files.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/scratch_directory.hpp"

namespace {

using namespace troupe;
using testing::ElementsAre;
using testing::HasSubstr;
using tests::scratch_directory;

class files_test : public testing::Test {
protected:
  static files faulty(std::string_view fault) {
    return files{parse_file_fault(fault)};
  }

  // What `work` throws.
  template <class Work>
  static std::string complaint(Work&& work) {
    try {
      work();
    } catch (const file_error& error) {
      return error.what();
    }
    return "none";
  }

  std::string content(const std::string& name) {
    return plain.read_all(here / name);
  }

  scratch_directory here;
  files plain;
};

// Processes that are killed at an operation.
using files_death_test = files_test;

TEST_F(files_test, reads_what_it_wrote) {
  plain.write_atomically(here / "a", "first");
  plain.write_atomically(here / "a", "second");

  EXPECT_EQ(content("a"), "second");
  EXPECT_THAT(plain.list(here.path()), ElementsAre("a"));
}

TEST_F(files_test, writes_a_secret_for_its_owner_alone) {
  plain.write_atomically(here / "a", "shared");
  plain.write_atomically(here / "a.tmp", "left by a crash, for all to read");

  plain.write_atomically(here / "a", "secret", file_access::secret);

  EXPECT_EQ(content("a"), "secret");
  EXPECT_EQ(std::filesystem::status(here / "a").permissions(),
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_THAT(plain.list(here.path()), ElementsAre("a"));
}

TEST_F(files_test, joins_the_parts_that_it_writes) {
  auto bytes = [](std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
  };
  auto parts = {bytes("head"), bytes(""), bytes("body")};

  plain.write_atomically(here / "a", parts);

  EXPECT_EQ(content("a"), "headbody");
}

TEST_F(files_test, reads_files_of_any_size) {
  for (auto size : {0, 1, 65536, 1'000'003}) {
    auto text = std::string(static_cast<std::size_t>(size), 'x');
    plain.write_atomically(here / "a", text);

    EXPECT_EQ(content("a"), text);
  }
}

TEST_F(files_test, reads_files_that_do_not_tell_their_size) {
  EXPECT_THAT(plain.read_all("/proc/self/status"), HasSubstr("Pid:"));
}

TEST_F(files_test, appends_where_the_file_ends) {
  {
    auto file = plain.append(here / "a");
    file.write("one\n");
    file.sync();
  }

  auto file = plain.append(here / "a");
  EXPECT_EQ(file.size(), 4u);
  file.write("two\n");

  EXPECT_EQ(file.size(), 8u);
  EXPECT_EQ(content("a"), "one\ntwo\n");
}

TEST_F(files_test, cuts_a_torn_end_off) {
  auto file = plain.append(here / "a");
  file.write("whole\ntor");

  file.truncate(6);
  file.write("next\n");

  EXPECT_EQ(content("a"), "whole\nnext\n");
}

TEST_F(files_test, reads_in_pieces) {
  plain.write_atomically(here / "a", "abcdef");
  auto file = plain.open(here / "a");
  std::array<std::byte, 4> piece{};

  EXPECT_EQ(file.size(), 6u);
  EXPECT_EQ(file.read(piece), 4u);
  EXPECT_EQ(file.read(piece), 2u);
  EXPECT_EQ(file.read(piece), 0u);
  EXPECT_EQ(file.offset(), 6u);
}

TEST_F(files_test, makes_renames_lists_and_removes) {
  plain.make_directories(here / "x/y");
  plain.make_directories(here / "x/y");
  plain.write_atomically(here / "x/b", "b");
  plain.rename(here / "x/b", here / "x/a");
  plain.sync_directory(here / "x");

  EXPECT_THAT(plain.list(here / "x"), ElementsAre("a", "y"));
  EXPECT_TRUE(files::exists(here / "x/a"));
  EXPECT_TRUE(plain.remove(here / "x/a"));
  EXPECT_FALSE(plain.remove(here / "x/a"));
  EXPECT_FALSE(files::exists(here / "x/a"));
}

TEST_F(files_test, locks_a_directory_for_one_at_a_time) {
  auto held = plain.lock(here.path());
  ASSERT_TRUE(held);

  EXPECT_FALSE(plain.lock(here.path()));
  EXPECT_EQ(files::holder(here.path()), getpid());

  held.reset();
  EXPECT_EQ(files::holder(here.path()), 0);
  EXPECT_TRUE(plain.lock(here.path()));
}

TEST_F(files_test, locks_no_directory_that_is_not_there) {
  EXPECT_THAT(complaint([&] { plain.lock(here / "none"); }),
      HasSubstr("none: cannot open: No such file"));
  auto broken = faulty("fail@1:lock=EIO");
  EXPECT_THAT(complaint([&] { broken.lock(here.path()); }),
      HasSubstr(": cannot lock: Input/output error"));
}

TEST_F(files_test, counts_every_operation) {
  plain.write_atomically(here / "a", "content");
  plain.read_all(here / "a");

  EXPECT_EQ(plain.count(file_operation::open), 2u);
  EXPECT_EQ(plain.count(file_operation::write), 1u);
  EXPECT_EQ(plain.count(file_operation::sync), 2u); // file and directory
  EXPECT_EQ(plain.count(file_operation::rename), 1u);
  EXPECT_EQ(plain.count(file_operation::read), 1u);
  EXPECT_EQ(plain.count(), 7u);
}

TEST_F(files_test, counts_operations_of_many_threads) {
  {
    std::vector<std::jthread> threads;
    for (auto name : {"a", "b", "c", "d"})
      threads.emplace_back([this, name] {
        for (int i = 0; i < 25; ++i)
          plain.write_atomically(here / name, "x");
      });
  }

  EXPECT_EQ(plain.count(file_operation::write), 100u);
  EXPECT_EQ(plain.count(), 500u);
}

TEST_F(files_test, says_what_is_missing) {
  auto path = here / "absent";

  EXPECT_EQ(complaint([&] { plain.read_all(path); }),
      path.string() +
          ": cannot open: No such file or directory; check the path");
}

TEST_F(files_test, says_that_a_directory_is_no_file) {
  EXPECT_THAT(complaint([&] { plain.read_all(here.path()); }),
      HasSubstr("cannot open: Is a directory"));
}

TEST_F(files_test, says_that_a_file_is_no_directory) {
  plain.write_atomically(here / "a", "");

  EXPECT_THAT(complaint([&] { plain.make_directories(here / "a"); }),
      HasSubstr("a: cannot make the directory: "));
  EXPECT_THAT(complaint([&] { plain.make_directories(here / "a/b"); }),
      HasSubstr("a/b: cannot make the directory: Not a directory"));
}

TEST_F(files_test, says_how_to_go_on_when_the_disk_is_full) {
  auto full = faulty("fail@1:write=ENOSPC");

  EXPECT_THAT(complaint([&] { full.append(here / "a").write("12345678"); }),
      HasSubstr("a: cannot write: No space left on device; free some space and "
                "run again with --resume"));
  EXPECT_EQ(content("a"), "1234"); // as far as the space went
}

TEST_F(files_test, tells_path_operation_and_reason_to_programs) {
  try {
    faulty("fail@1=EACCES").list(here.path());
    FAIL() << "nothing was thrown";
  } catch (const file_error& error) {
    EXPECT_EQ(error.path(), here.path());
    EXPECT_EQ(error.operation(), file_operation::list);
    EXPECT_EQ(error.reason(), std::errc::permission_denied);
  }
}

TEST_F(files_test, keeps_the_old_content_whichever_step_fails) {
  plain.write_atomically(here / "a", "old");
  for (int step = 1; step <= 5; ++step) {
    auto failing = faulty("fail@" + std::to_string(step) + "=EIO");

    EXPECT_THROW(failing.write_atomically(here / "a", "new"), file_error);

    EXPECT_EQ(content("a"), step < 5 ? "old" : "new") << step;
    EXPECT_THAT(plain.list(here.path()), ElementsAre("a"));
  }
}

TEST_F(files_test, fails_once_or_from_then_on) {
  auto once = faulty("fail@2=EIO");
  auto always = faulty("fail@2+=EIO");

  auto pattern = [this](files& these) {
    std::string result;
    for (int i = 0; i < 4; ++i)
      result +=
          complaint([&] { these.list(here.path()); }) == "none" ? '.' : 'x';
    return result;
  };

  EXPECT_EQ(pattern(once), ".x..");
  EXPECT_EQ(pattern(always), ".xxx");
}

TEST_F(files_test, asks_a_hook_of_the_program) {
  std::vector<std::string> asked;
  auto watched = files{[&](auto what, const auto& path, auto, auto) {
    asked.push_back(to_string(what) + (" " + path.filename().string()));
    return file_fault{};
  }};

  watched.write_atomically(here / "a", "x");

  EXPECT_THAT(
      asked, ElementsAre("open a.tmp", "write a.tmp", "sync a.tmp", "rename a",
                 "sync " + here.path().filename().string()));
}

TEST_F(files_test, refuses_faults_that_it_does_not_know) {
  for (auto text :
      {"", "kill", "kill@", "kill@0", "kill@x", "kill@1:writ", "kill@1=EIO",
          "kill@1:write:", "fail@1", "fail@1=EWHAT", "fail@1:=EIO", "crash@1",
          "power@1=EIO", "kill@99999999999999999999"})
    EXPECT_THROW(parse_file_fault(text), std::invalid_argument) << text;
}

TEST_F(files_death_test, is_killed_at_the_nth_operation) {
  plain.write_atomically(here / "a", "old");
  for (int step = 1; step <= 5; ++step) {
    EXPECT_EXIT(faulty("kill@" + std::to_string(step))
                    .write_atomically(here / "a", "new"),
        testing::KilledBySignal(SIGKILL), "");

    EXPECT_EQ(content("a"), step < 5 ? "old" : "new") << step;
  }
}

TEST_F(files_death_test, is_killed_with_half_a_write_done) {
  EXPECT_EXIT(
      {
        auto failing = faulty("kill@2:write");
        auto file = failing.append(here / "b");
        file.write("abcd");
        file.write("efgh");
      },
      testing::KilledBySignal(SIGKILL), "");

  EXPECT_EQ(content("b"), "abcdef");
}

// What a disk holds, by path below it, once its power has failed at `when`
// while `work` was being done.
class power_test : public files_test {
protected:
  template <class Work>
  void fail_at(const std::string& when, Work&& work) {
    EXPECT_EXIT(
        {
          auto failing = faulty("power@" + when);
          work(failing);
        },
        testing::KilledBySignal(SIGKILL), "")
        << when;
  }

  // Stands for the moment at which the power fails: the first `list`.
  static void now(files& disk, const std::filesystem::path& anywhere) {
    disk.list(anywhere);
  }
};

TEST_F(power_test, takes_what_was_not_synced) {
  fail_at("1:list", [this](files& disk) {
    auto file = disk.append(here / "a");
    file.write("kept\n");
    file.sync();
    disk.sync_directory(here.path());
    file.write("lost\n");
    disk.append(here / "b").write("lost");
    now(disk, here.path());
  });

  EXPECT_EQ(content("a"), "kept\n");
  EXPECT_THAT(plain.list(here.path()), ElementsAre("a"));
}

TEST_F(power_test, brings_back_what_was_cut_or_removed) {
  plain.write_atomically(here / "a", "whole");
  plain.write_atomically(here / "b", "there");

  fail_at("1:list", [this](files& disk) {
    auto file = disk.append(here / "a");
    file.truncate(2);
    disk.remove(here / "b");
    disk.append(here / "b").write("another");
    now(disk, here.path());
  });

  EXPECT_EQ(content("a"), "whole");
  EXPECT_EQ(content("b"), "there");
}

TEST_F(power_test, leaves_the_old_content_or_the_new) {
  for (int step = 1; step <= 6; ++step) {
    plain.write_atomically(here / "a", "old");

    fail_at(std::to_string(step), [this](files& disk) {
      disk.write_atomically(here / "a", "new");
      now(disk, here.path());
    });

    EXPECT_EQ(content("a"), step < 6 ? "old" : "new") << step;
    EXPECT_THAT(plain.list(here.path()), ElementsAre("a"));
  }
}

TEST_F(power_test, leaves_the_directories_that_were_made) {
  fail_at("1:list", [this](files& disk) {
    disk.make_directories(here / "x/y");
    disk.write_atomically(here / "x/y/a", "kept");
    now(disk, here.path());
  });

  ASSERT_TRUE(files::exists(here / "x/y/a"));
  EXPECT_EQ(content("x/y/a"), "kept");
}

TEST_F(power_test, leaves_the_name_of_a_file_that_was_synced) {
  fail_at("1:list", [this](files& disk) {
    auto file = disk.append(here / "a");
    file.write("kept");
    file.sync();
    now(disk, here.path());
  });

  ASSERT_TRUE(files::exists(here / "a"));
  EXPECT_EQ(content("a"), "kept");
}

// Its name may be one that another process gave it and died.
TEST_F(power_test, leaves_the_name_of_a_file_that_was_there) {
  fail_at("1:list", [this](files& disk) {
    disk.append(here / "a").write("not synced, ");
    auto file = disk.append(here / "a");
    file.write("kept");
    file.sync();
    now(disk, here.path());
  });

  ASSERT_TRUE(files::exists(here / "a"));
  EXPECT_EQ(content("a"), "not synced, kept");
}

TEST_F(files_test, makes_directories_below_one_that_it_may_not_read) {
  std::filesystem::create_directory(here / "blind");
  auto unreadable = faulty("fail@1:sync=EACCES");

  unreadable.make_directories(here / "blind/x");

  EXPECT_TRUE(files::exists(here / "blind/x"));
}

// The environment is read once in a process, so the one that dies is a fresh
// one; it runs this test too, with its parent's path.
TEST(process_files_death_test, listens_to_the_environment) {
  constexpr auto path = "TROUPE_TEST_PATH";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  std::optional<scratch_directory> here;
  if (std::getenv(path) == nullptr)
    ::setenv(path, (here.emplace() / "a").c_str(), 1);

  EXPECT_EXIT(
      {
        ::setenv("TROUPE_FILE_FAULT", "kill@1:rename", 1);
        files::system().write_atomically(std::getenv(path), "x");
      },
      testing::KilledBySignal(SIGKILL), "");

  EXPECT_TRUE(files::exists(std::getenv(path) + std::string{".tmp"}));
  EXPECT_FALSE(files::exists(std::getenv(path)));
  ::unsetenv(path);
}

TEST(bad_file_test, names_file_place_and_expectation) {
  auto error = bad_file{"m.safetensors", 8, "JSON"};

  EXPECT_STREQ(error.what(), "m.safetensors: byte 8: expected JSON");
  EXPECT_EQ(error.offset(), 8u);
}

} // namespace
