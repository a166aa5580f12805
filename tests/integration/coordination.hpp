#pragma once

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/integration/study.hpp"

namespace troupe::tests {

/// A coordinator at a port of its own, and what joins it; all of them `tool`,
/// if that is not `troupe`.
class coordination {
public:
  coordination(const study& what, const std::string& run, words options = {},
      std::string tool = {})
      : study_(what), run_(run), tool_(std::move(tool)) {
    begin(study_.start(run_, listening("127.0.0.1:0", std::move(options))));
  }

  void restart(words options = {}) {
    coordinator_.reset();
    begin(study_.resume(run_, listening(at_, std::move(options))));
  }

  std::unique_ptr<process> join(const std::string& name, words options = {}) {
    words all{"join", at_, "--name", name, "--slots", "1"};
    all.insert(all.end(), options.begin(), options.end());
    return std::make_unique<process>(with_tool(troupe(all)));
  }

  finished ask(const std::string& verb, words operands = {}) const {
    words all{verb, at_};
    all.insert(all.end(), operands.begin(), operands.end());
    return run(troupe(all));
  }

  process& coordinator() { return *coordinator_; }
  const std::string& at() const { return at_; }
  record left() const { return study_.of(run_); }

private:
  command with_tool(command what) const {
    if (!tool_.empty())
      what.words[0] = tool_;
    return what;
  }

  static words listening(const std::string& at, words options) {
    options.insert(options.begin(), {"--listen", at});
    return options;
  }

  void begin(const command& what) {
    coordinator_ = std::make_unique<process>(with_tool(what));
    ASSERT_TRUE(coordinator_->says("nodes join at ")) << coordinator_->err();
    ASSERT_TRUE(coordinator_->says("\n"));
    const auto& out = coordinator_->out();
    const auto from = out.find("nodes join at ") + 14;
    at_ = out.substr(from, out.find('\n', from) - from);
  }

  const study& study_;
  std::string run_;
  std::string tool_;
  std::string at_;
  std::unique_ptr<process> coordinator_;
};

} // namespace troupe::tests
