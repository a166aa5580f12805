#include "tests/support/process.hpp"

#include "protocols/collective/algorithm.hpp"
#include "tests/runtime/scratch_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace troupe::tests {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using collective::operation_kind;
using testing::HasSubstr;
using testing::Not;

/// Ranks that are processes of their own.
class company_of_ranks {
public:
  company_of_ranks(std::uint32_t ranks, const std::string& wire,
      const std::string& operation, std::size_t count, std::size_t times) {
    std::string address = "127.0.0.1:0";
    for (std::uint32_t r = 0; r < ranks; ++r) {
      all_.push_back(std::make_unique<process>(command{
          {TROUPE_RANKS, address, std::to_string(r), std::to_string(ranks),
              wire, operation, std::to_string(count), std::to_string(times)}}));
      if (r > 0 || !all_[0]->says("\n"))
        continue;
      const auto& said = all_[0]->out();
      address = said.substr(3, said.find('\n') - 3);
    }
  }
  process& operator[](std::size_t r) { return *all_[r]; }
  std::size_t size() const { return all_.size(); }

private:
  std::vector<std::unique_ptr<process>> all_;
};

std::set<std::string> names_in_memory() {
  std::set<std::string> result;
  for (const auto& each : std::filesystem::directory_iterator{"/dev/shm"})
    if (auto name = each.path().filename().string();
        name.starts_with("troupe-ranks"))
      result.insert(std::move(name));
  return result;
}

class ranks_test : public testing::TestWithParam<std::string> {
protected:
  // As ranks.cpp has it.
  std::string wire() const {
    if (GetParam() != "tls")
      return GetParam();
    const auto certificates = (scratch_ / "certs").string();
    run({{TROUPE_TOOL, "certs", "init", certificates}});
    return "tls:" + certificates;
  }

private:
  scratch_directory scratch_;
};

INSTANTIATE_TEST_SUITE_P(over, ranks_test,
    testing::Values("memory", "tcp", "tls"),
    [](const auto& x) { return x.param; });

TEST_P(ranks_test, do_every_operation_as_processes) {
  const auto over = wire();
  for (std::uint8_t k = 0; k < collective::operation_kinds; ++k) {
    const std::string operation = to_string(static_cast<operation_kind>(k));
    company_of_ranks all{3, over, operation, 10'007, 24};

    for (std::size_t r = 0; r < all.size(); ++r) {
      const auto end = all[r].wait();
      EXPECT_EQ(end.code, 0) << operation << ": " << all[r].out();
    }
  }
}

// In each operation, by each of its ways: the survivors know who it was, soon.
TEST_P(ranks_test, name_who_was_killed_within_a_second) {
  const auto over = wire();
  for (std::uint8_t k = 0; k < collective::operation_kinds; ++k) {
    const std::string operation = to_string(static_cast<operation_kind>(k));
    company_of_ranks all{4, over, operation, 50'021, 0};
    for (std::size_t r = 0; r < all.size(); ++r)
      ASSERT_TRUE(all[r].says("begun")) << operation << ": " << all[r].out();

    const auto killed = clock::now();
    all[2].signal(SIGKILL);

    for (std::size_t r : {0, 1, 3}) {
      EXPECT_EQ(all[r].wait().code, 1);
      EXPECT_THAT(all[r].out(),
          HasSubstr("failed: rank 2 is lost to rank " + std::to_string(r)))
          << operation;
      EXPECT_THAT(all[r].out(), HasSubstr("; in " + operation));
    }
    EXPECT_LT(clock::now() - killed, 1s) << operation;
  }
}

TEST_P(ranks_test, leave_no_memory_behind) {
  company_of_ranks all{2, wire(), "all_reduce", 1'000, 0};
  for (std::size_t r = 0; r < all.size(); ++r)
    ASSERT_TRUE(all[r].says("begun"));
  all[0].signal(SIGKILL);
  all[1].wait();

  EXPECT_THAT(names_in_memory(), testing::IsEmpty());
}

// Two of three, so that they go on meeting until they are killed, each time a
// little later.
TEST(ranks_that_meet_test, leave_nothing_when_killed_at_any_moment) {
  for (int turn = 0; turn < 12; ++turn) {
    const auto rank = [](const std::string& at, int r) {
      return std::make_unique<process>(command{{TROUPE_RANKS, at,
          std::to_string(r), "3", "memory", "barrier", "0", "1"}});
    };
    const auto first = rank("127.0.0.1:0", 0);
    ASSERT_TRUE(first->says("\n"));
    const auto address = first->out().substr(3, first->out().find('\n') - 3);
    const auto second = rank(address, 1);
    const auto third = turn % 3 == 2 ? rank(address, 2) : nullptr;
    std::this_thread::sleep_for(std::chrono::milliseconds{15 * turn});
    (turn % 2 == 0 ? first : second)->signal(SIGKILL);
    (turn % 2 == 0 ? second : first)->signal(SIGKILL);
    first->wait();
    second->wait();
    if (third) {
      third->signal(SIGKILL);
      third->wait();
    }

    ASSERT_THAT(names_in_memory(), testing::IsEmpty()) << turn;
  }
}

TEST(ranks_that_do_not_fit_test, are_told_so) {
  const auto rank = [](const std::string& at, int r, int of) {
    return run({{TROUPE_RANKS, at, std::to_string(r), std::to_string(of), "tcp",
        "barrier", "0", "1"}});
  };
  process first{
      {{TROUPE_RANKS, "127.0.0.1:0", "0", "2", "tcp", "barrier", "0", "1"}}};
  ASSERT_TRUE(first.says("\n"));
  const auto address = first.out().substr(3, first.out().find('\n') - 3);

  EXPECT_THAT(rank(address, 1, 3).out,
      HasSubstr("rank 1 says that there are 3 ranks, rank 0 that there are 2"));
  EXPECT_THAT(rank(address, 0, 2).out,
      HasSubstr("cannot listen at " + address + ": Address already in use"));
  EXPECT_THAT(rank(address, 2, 2).out,
      HasSubstr("rank 2 of 2: a group has 1 to 64 ranks, numbered from 0"));
  EXPECT_THAT(rank("nowhere", 1, 2).out, HasSubstr("is no HOST:PORT"));
  EXPECT_EQ(rank(address, 1, 2).code, 0);
  EXPECT_EQ(first.wait().code, 0);
}

TEST(collective_commands_test, time_operations_and_try_every_wire) {
  for (const std::string wire : {"process", "memory", "tcp", "tls"}) {
    const auto said = run({{TROUPE_TOOL, "bench", "all_reduce", "--size",
        "4,64K", "--ranks", "3", "--wire", wire, "--turns", "2"}});
    EXPECT_EQ(said.code, 0) << said.text();
    EXPECT_THAT(said.out, HasSubstr("3 ranks over " + wire));
    EXPECT_THAT(said.out, HasSubstr("\n 64K "));
  }
  const auto matrix = run({{TROUPE_TOOL, "backends"}});
  EXPECT_EQ(matrix.code, 0) << matrix.text();
  EXPECT_THAT(matrix.out, Not(HasSubstr("failed")));
}

TEST(collective_commands_test, name_what_is_wrong) {
  const auto said = [](std::vector<std::string> words) {
    words.insert(words.begin(), TROUPE_TOOL);
    return run({words}).err;
  };

  EXPECT_THAT(said({"bench", "allreduce"}),
      HasSubstr("allreduce is not one of all_reduce"));
  EXPECT_THAT(said({"bench", "all_reduce", "--size", "4x"}),
      HasSubstr("\"4x\" is not a number of bytes"));
  EXPECT_THAT(said({"bench", "all_gather", "--size", "4", "--ranks", "3"}),
      HasSubstr("4 bytes are not whole floats for each of 3 ranks"));
  EXPECT_THAT(said({"bench", "all_reduce", "--wire", "mpi"}),
      HasSubstr("--wire mpi is not one of process, memory, tcp, tls"));
  EXPECT_THAT(said({"topology", "--schedule", "rings"}),
      HasSubstr("--schedule rings is not one of direct, ring"));
  EXPECT_THAT(said({"topology", "--ranks", "3"}),
      HasSubstr("--ranks goes with --schedule"));
}

TEST(collective_commands_test, end_at_once_when_interrupted) {
  process it{{{TROUPE_TOOL, "bench", "all_reduce", "--size", "256M", "--ranks",
      "2", "--wire", "memory"}}};
  const auto id = std::to_string(it.id());
  ASSERT_TRUE(it.until([&] { // it has started the other rank
    std::ifstream children{"/proc/" + id + "/task/" + id + "/children"};
    return children.get() != std::ifstream::traits_type::eof();
  })) << it.err();
  it.signal(SIGINT);

  EXPECT_EQ(it.wait(10s).code, 130);
}

} // namespace
} // namespace troupe::tests
