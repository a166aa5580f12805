// Tensors of several nodes that have to find room in one budget.
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/cluster/line.hpp"
#include "tests/runtime/cluster/wire.hpp"

namespace troupe::cluster {
namespace {

using namespace tests;

constexpr std::size_t bytes = 64'000;

gpu::shared_buffer block() {
  auto result = std::make_shared<gpu::buffer>(bytes / sizeof(float));
  for (auto& x : result->span())
    x = 1.0f;
  return result;
}

/// A node's session: the coordinator's line, and the node's own.
class session {
public:
  explicit session(std::shared_ptr<transfer_budget> budget) {
    both_.start();
    both_.one->send(welcome{});
    both_.other->send(hello{});
    both_.one.heard[0];
    both_.other.heard[0];
    here_->share(std::move(budget));
    auto [a, b] = connected_streams(here_io(), there_io());
    on(here_io(), [&] {
      here_->open();
      here_->attach(std::move(a), memory_channel::side::makes);
    });
    on(there_io(), [&] {
      there_->open();
      there_->attach(std::move(b), memory_channel::side::opens);
    });
    here_->listen({{},
        [at = come_](fetched&& what) {
          std::lock_guard lock{at->guard};
          at->all.push_back(what.here);
        },
        [](parted&&) {}});
  }
  ~session() {
    on(here_io(), [&] { here_->abort("the test is over"); });
    on(there_io(), [&] { there_->abort("the test is over"); });
  }

  tensor lend() {
    auto lent = there_->lend(block_);
    lent.here.reset();
    return lent;
  }
  void fetch(const std::vector<tensor>& what) { here_->fetch_together(what); }
  std::size_t come() const {
    std::lock_guard lock{come_->guard};
    return come_->all.size();
  }
  /// What came is worked off.
  void let_go() {
    std::deque<gpu::shared_buffer> all;
    std::lock_guard lock{come_->guard};
    all.swap(come_->all);
  }

private:
  struct arrivals {
    std::mutex guard;
    std::deque<gpu::shared_buffer> all;
  };

  asio::io_context& here_io() { return both_.one_thread.context(); }
  asio::io_context& there_io() { return both_.other_thread.context(); }

  gpu::shared_buffer block_ = block();
  std::shared_ptr<arrivals> come_ = std::make_shared<arrivals>();
  both_ends both_{medium::plain};
  std::shared_ptr<line> here_ =
      std::make_shared<line>(both_.one.at(), std::uint64_t{1} << 20);
  std::shared_ptr<line> there_ = std::make_shared<line>(both_.other.at());
};

struct line_budget_test : testing::Test {
  std::shared_ptr<transfer_budget> budget =
      std::make_shared<transfer_budget>(bytes);
  session one{budget}, other{budget};
};

TEST_F(
    line_budget_test, brings_what_a_node_has_once_another_ones_is_worked_off) {
  one.fetch({one.lend()});
  ASSERT_TRUE(eventually([&] { return one.come() == 1; }));

  other.fetch({other.lend()});
  EXPECT_FALSE(eventually([&] { return other.come() > 0; }, 200ms));
  EXPECT_EQ(budget->held(), bytes);
  one.let_go();

  EXPECT_TRUE(eventually([&] { return other.come() == 1; }));
  EXPECT_EQ(budget->held(), bytes);
  other.let_go();
  EXPECT_TRUE(eventually([&] { return budget->held() == 0; }));
}

// Each would hold what the other one waits for.
TEST_F(line_budget_test, brings_together_what_is_of_no_use_alone) {
  one.fetch({one.lend(), one.lend()});
  other.fetch({other.lend(), other.lend()});

  ASSERT_TRUE(eventually([&] { return one.come() + other.come() == 2; }));
  EXPECT_TRUE(one.come() == 2 || other.come() == 2);
  one.let_go();
  other.let_go();

  EXPECT_TRUE(eventually([&] { return one.come() + other.come() == 2; }));
}

TEST_F(line_budget_test, has_room_again_for_what_is_refused) {
  tensor unknown;
  unknown.id = 77;
  unknown.count = bytes / sizeof(float);

  one.fetch({unknown});
  other.fetch({other.lend()});

  EXPECT_TRUE(eventually([&] { return other.come() == 1; }));
}

} // namespace
} // namespace troupe::cluster
