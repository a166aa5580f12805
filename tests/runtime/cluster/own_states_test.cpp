#include "runtime/cluster/own_states.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "tests/runtime/scratch_directory.hpp"

namespace troupe::cluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr auto run = "0123456789abcdef";

gpu::shared_buffer values(std::initializer_list<float> some) {
  auto result = std::make_shared<gpu::buffer>(some.size());
  std::copy(some.begin(), some.end(), result->span().begin());
  return result;
}

std::vector<float> listed(const gpu::shared_buffer& of) {
  return {of->span().begin(), of->span().end()};
}

struct own_states_test : testing::Test {
  tests::scratch_directory place;

  std::filesystem::path root() const { return place / run; }
  std::size_t count() const {
    std::size_t result = 0;
    for ([[maybe_unused]] const auto& each :
        std::filesystem::directory_iterator{root()})
      ++result;
    return result;
  }
};

TEST_F(own_states_test, outlast_the_process_that_kept_them) {
  {
    own_states x{place.path(), run};
    x.keep(8, values({1, 2}));
    x.keep(12, values({3}));
  }

  own_states again{place.path(), run};

  EXPECT_EQ(listed(again.recall(8)), std::vector<float>({1, 2}));
  EXPECT_THAT(again.kept().all(), ElementsAre(8)) << "12 is void by that";
  EXPECT_EQ(count(), 1u);
}

TEST_F(own_states_test, are_removed_before_the_durable_one) {
  own_states x{place.path(), run};
  for (state_name name : {8, 12, 19})
    x.keep(name, values({float(name)}));

  x.settle(12);

  EXPECT_EQ(count(), 2u);
  EXPECT_EQ(listed(x.recall(19)), std::vector<float>({19}));
  EXPECT_EQ(listed(x.recall(12)), std::vector<float>({12}));
}

TEST_F(own_states_test, begin_with_nothing) {
  own_states x{place.path(), run};

  EXPECT_EQ(x.recall(no_state), nullptr);
  x.settle(no_state);
}

TEST_F(own_states_test, say_what_is_missing_and_the_way_out) {
  own_states x{place.path(), run};
  x.keep(8, values({1}));
  const auto missing =
      ThrowsMessage<lost_state>(testing::AllOf(HasSubstr("state 7"),
          HasSubstr(root().string()), HasSubstr("another identity")));

  EXPECT_THAT([&] { x.recall(7); }, missing);
  EXPECT_THAT([&] { x.settle(7); }, missing);
  EXPECT_EQ(listed(x.recall(8)), std::vector<float>({1}));
}

TEST_F(own_states_test, refuse_a_state_that_was_altered) {
  {
    own_states x{place.path(), run};
    x.keep(8, values({1, 2}));
  }
  const auto file = root() / "state-00000000000000000008.safetensors";
  ASSERT_TRUE(std::filesystem::exists(file));
  {
    std::fstream io{file, std::ios::in | std::ios::out | std::ios::binary};
    io.seekp(-1, std::ios::end);
    io.put('\x41');
  }

  own_states again{place.path(), run};

  EXPECT_THAT([&] { again.recall(8); },
      ThrowsMessage<lost_state>(HasSubstr("not as it was written")));
}

TEST_F(own_states_test, are_one_process_s_alone) {
  own_states x{place.path(), run};

  EXPECT_THAT([&] { own_states(place.path(), run); },
      ThrowsMessage<std::runtime_error>(HasSubstr("in use")));
  own_states other{place.path(), "fedc"};
}

TEST_F(own_states_test, are_nowhere_that_a_coordinator_may_choose) {
  for (const auto* name : {"", "..", "../up", "a/b", "ABC"})
    EXPECT_THAT([&] { own_states(place.path(), name); },
        ThrowsMessage<std::runtime_error>(HasSubstr("which run")))
        << name;
}

TEST_F(own_states_test, mind_no_other_files) {
  own_states{place.path(), run}.keep(8, values({1}));
  std::ofstream{root() / "state-x.safetensors"} << "?";
  std::ofstream{root() / "notes.txt"} << "?";

  EXPECT_THAT((own_states{place.path(), run}.kept().all()), ElementsAre(8));
}

// The rest of what a full disk keeps from being kept is kept.
TEST_F(own_states_test, keep_nothing_by_half) {
  files full{[](file_operation what, const std::filesystem::path& path,
                 std::uint64_t, std::uint64_t) {
    return what == file_operation::write &&
                   path.string().find("000012") != std::string::npos
               ? file_fault{file_fault::kind::fail, ENOSPC}
               : file_fault{};
  }};
  own_states x{place.path(), run, full};
  x.keep(8, values({1}));

  EXPECT_ANY_THROW(x.keep(12, values({2})));

  EXPECT_THAT(x.kept().all(), ElementsAre(8));
}

} // namespace
} // namespace troupe::cluster
