// Sessions that end although both sides would go on.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "runtime/cluster/certificate_watch.hpp"
#include "runtime/cluster/recent_numbers.hpp"
#include "runtime/cluster/x509.hpp"
#include "tests/runtime/cluster/wire.hpp"

namespace troupe::cluster {
namespace {

using namespace tests;

const hello greeting{errand::node, "alpha", 7, "b", 3.0};

TEST(expulsion_test, is_the_fault_of_whoever_is_expelled) {
  half_bare both;
  both.them.say(preamble() + framed(greeting));
  both.us.heard[0];

  both.us->send(refusal{"out"});
  both.us->close("thrown out", false);

  const auto all = preamble() + framed(refusal{"out"});
  EXPECT_EQ(both.them.hear(all.size()), all);
  both.them.close();
  EXPECT_EQ(both.us.heard.why(), "thrown out");
  EXPECT_FALSE(both.us.heard.in_order());
}

TEST(expulsion_test, takes_nothing_more_from_who_is_expelled) {
  half_bare both;
  both.them.say(preamble() + framed(greeting));
  both.us.heard[0];

  both.us->close("thrown out", false);
  both.them.hear(preamble().size());
  both.them.say(framed(release{1}) + framed(release{2}));
  both.them.close();

  EXPECT_EQ(both.us.heard.why(), "thrown out");
  EXPECT_EQ(both.us.heard.count(), 1u);
}

/// A watch over one session.
struct certificate_watch_test : testing::Test {
  std::atomic<bool> revoked = false;
  std::atomic<int> found = 0;
  std::string fault;
  half_bare both;
  std::shared_ptr<line> session;
  std::unique_ptr<certificate_watch> watch;

  void begin(shown_certificate of) {
    both.them.say(preamble() + framed(greeting));
    both.us.heard[0];
    on(both.io.context(), [&] {
      session = std::make_shared<line>(both.us.at());
      session->open();
      watch = std::make_unique<certificate_watch>(
          both.io.context(),
          [this](
              const std::string& serial) { return serial == "7" && revoked; },
          [this](line&, const std::string& what) {
            fault = what;
            ++found;
          });
      watch->add(session, std::move(of));
    });
  }
  ~certificate_watch_test() override {
    on(both.io.context(), [&] {
      watch.reset();
      session->abort("the test is over");
      session.reset();
    });
  }
};

TEST_F(certificate_watch_test, finds_one_that_is_revoked_and_says_so_once) {
  begin({"7", now() + std::chrono::hours{1}});
  std::this_thread::sleep_for(1500ms);
  EXPECT_EQ(found, 0);

  revoked = true;

  EXPECT_TRUE(eventually([this] { return found > 0; }));
  std::this_thread::sleep_for(1500ms);
  EXPECT_EQ(found, 1);
  EXPECT_EQ(fault, "is revoked");
}

TEST_F(certificate_watch_test, finds_one_that_expires) {
  begin({"8", now() + std::chrono::seconds{2}});

  EXPECT_TRUE(eventually([this] { return found > 0; }));

  EXPECT_EQ(fault, "has expired");
}

TEST_F(certificate_watch_test, looks_at_nobody_in_the_clear) {
  begin({});
  revoked = true;
  std::this_thread::sleep_for(1500ms);

  EXPECT_EQ(found, 0);
}

TEST(recent_numbers_test, know_a_number_that_comes_again) {
  recent_numbers some{3};

  EXPECT_TRUE(some.add(1));
  EXPECT_TRUE(some.add(2));
  EXPECT_FALSE(some.add(1));
  EXPECT_TRUE(some.add(3));
  EXPECT_TRUE(some.add(4));

  EXPECT_FALSE(some.add(4));
  EXPECT_TRUE(some.add(1)) << "it is too long ago";
}

} // namespace
} // namespace troupe::cluster
