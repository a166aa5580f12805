#pragma once

#include "runtime/collective/lifelines.hpp"
#include "runtime/collective/stream_channel.hpp"
#include "runtime/collective/wire.hpp"

namespace troupe::collective {

/// Ranks that are joined by stream sockets, one for what they move and one as
/// lifeline between any two.
class stream_wire final : public wire {
public:
  stream_wire(std::uint32_t rank, streams channels, streams lines);
  ~stream_wire() override;

  std::uint32_t rank() const noexcept override { return rank_; }
  std::uint32_t ranks() const noexcept override {
    return static_cast<std::uint32_t>(channels_.size());
  }
  channel& with(std::uint32_t peer) override { return *channels_[peer]; }
  std::optional<loss> look() override;
  void tell(const loss& what) noexcept override;
  void sleep(std::span<const wanted> what) override;
  patience before_sleep() const noexcept override;

private:
  std::uint32_t rank_;
  streams channels_;
  lifelines lines_;
  bool told_ = false;
};

} // namespace troupe::collective
