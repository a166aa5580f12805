#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace troupe::cluster {

/// How many bytes of tensors that peers have lent may be here at once, of all
/// peers together: a tensor that was fetched counts until nobody holds it. Who
/// wants more waits in line, and one is let in whatever its size. Thread-safe.
///
///     ask ──► in line ──► let in ──► room held ──its end, give_way──► free
class transfer_budget : public std::enable_shared_from_this<transfer_budget> {
public:
  /// Some of the budget, for as long as this is there.
  class room {
  public:
    room(std::shared_ptr<transfer_budget> of, std::uint64_t bytes)
        : of_(std::move(of)), bytes_(bytes) {}
    ~room() { give_way(); }
    room(const room&) = delete;
    room& operator=(const room&) = delete;

    /// It counts no more: its tensor takes so long that nobody is to wait.
    void give_way();

  private:
    std::shared_ptr<transfer_budget> of_;
    std::uint64_t bytes_;
    std::once_flag given_;
  };
  using shared_room = std::shared_ptr<room>;
  /// Once there is room. In the thread that asked, or in one that made room.
  using let_in = std::function<void(shared_room)>;

  explicit transfer_budget(std::uint64_t bytes) : bytes_(bytes) {}

  void ask(std::uint64_t bytes, let_in then);
  std::uint64_t held() const;

private:
  struct waiting {
    std::uint64_t bytes;
    let_in then;
  };

  void give_back(std::uint64_t bytes);
  bool may_let_in() const;
  void let_in_who_may();

  const std::uint64_t bytes_;
  mutable std::mutex guard_; ///< of what follows
  std::uint64_t held_ = 0;
  bool letting_in_ = false; ///< some thread does
  std::deque<waiting> line_;
};

} // namespace troupe::cluster
