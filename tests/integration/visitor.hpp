#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gpu/device.hpp"
#include "protocols/messages.hpp"
#include "runtime/cluster/courier_line.hpp"
#include "runtime/cluster/dialler.hpp"
#include "runtime/cluster/line.hpp"
#include "runtime/release.hpp"

namespace troupe::tests {

namespace wire = troupe::cluster;

/// A node over the real wire that says what a test has it say, and nothing of
/// its own but beats.
class visitor {
public:
  static constexpr auto patience = std::chrono::seconds{60};

  /// Fits, but for what the test changes.
  static wire::hello introduction(
      const std::string& name, std::uint64_t session = 1) {
    wire::hello result;
    result.name = name;
    result.session = session;
    result.build = release();
    result.silence = 3.0;
    result.fingerprint = gpu::numeric_fingerprint();
    return result;
  }

  visitor(const std::string& at, wire::hello first) {
    register_messages();
    how_.where = monitoring::endpoint::parse(at);
    std::promise<std::string> met;
    wire::dial(
        io_.context(), how_, first,
        [&](const std::shared_ptr<wire::connection>& over, wire::frame&& said) {
          line_ = std::make_shared<wire::line>(over);
          line_->open();
          notes_->add(std::move(said));
          met.set_value({});
        },
        [&](const std::string& why) { met.set_value(why); });
    failed_ = met.get_future().get();
    if (!line_)
      return;
    line_->listen(
        {.said = [notes = notes_](wire::frame&& what) { notes->add(what); },
            .brought = [](wire::fetched&&) {},
            .over =
                [notes = notes_](wire::parted&& how) {
                  notes->add(wire::farewell{how.why, false, 99});
                }});
    wire::keep_courier(io_.context(), how_, first.session, line_);
  }
  ~visitor() {
    if (line_ && !line_->is_over()) {
      line_->close("the test is over");
      line_->await_end();
    }
    io_.context().stop();
    io_.join();
  }
  visitor(const visitor&) = delete;
  visitor& operator=(const visitor&) = delete;

  /// Why nobody answered; empty: somebody did.
  const std::string& failed() const noexcept { return failed_; }

  void say(const wire::frame& what) { line_->send(what); }
  tensor lend(std::vector<float> values) {
    auto block = std::make_shared<gpu::buffer>(values.size());
    std::copy(values.begin(), values.end(), block->span().begin());
    return line_->lend(std::move(block));
  }
  /// The next frame of that kind; those before it are forgotten. None: the
  /// session ended first.
  template <class Frame>
  std::optional<Frame> hear() {
    for (;;) {
      auto what = notes_->next(patience);
      if (!what)
        return std::nullopt;
      if (auto* wanted = std::get_if<Frame>(&*what))
        return std::move(*wanted);
      if (auto* end = std::get_if<wire::farewell>(&*what))
        if (end->code == 99)
          return std::nullopt;
    }
  }

private:
  struct notes {
    std::mutex guard;
    std::condition_variable changed;
    std::deque<wire::frame> said;

    void add(wire::frame what) {
      std::lock_guard lock{guard};
      said.push_back(std::move(what));
      changed.notify_all();
    }
    std::optional<wire::frame> next(std::chrono::seconds most) {
      std::unique_lock lock{guard};
      if (!changed.wait_for(lock, most, [this] { return !said.empty(); }))
        return std::nullopt;
      auto result = std::move(said.front());
      said.pop_front();
      return result;
    }
  };

  wire::dial_options how_;
  std::shared_ptr<notes> notes_ = std::make_shared<notes>();
  wire::io_thread io_; // outlives what is said on it
  std::shared_ptr<wire::line> line_;
  std::string failed_;
};

} // namespace troupe::tests
