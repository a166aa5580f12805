#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "runtime/collective/hall.hpp"
#include "runtime/collective/lifelines.hpp"
#include "runtime/collective/ring_channel.hpp"
#include "runtime/collective/wire.hpp"

namespace troupe::collective {

/// Ranks that see one hall. Those of several processes have lifelines beside
/// it: memory does not tell who has died.
class memory_wire final : public wire {
public:
  memory_wire(std::uint32_t rank, std::shared_ptr<hall> where,
      std::optional<lifelines> lines = {});
  ~memory_wire() override;

  std::uint32_t rank() const noexcept override { return rank_; }
  std::uint32_t ranks() const noexcept override { return hall_->ranks(); }
  channel& with(std::uint32_t peer) override { return channels_[peer]; }
  std::optional<loss> look() override;
  void tell(const loss& what) noexcept override;
  void lie_down() override;
  void sleep(std::span<const wanted> what) override;
  void rise() override;
  patience before_sleep() const noexcept override;
  hall* shared() noexcept override { return hall_.get(); }

private:
  std::optional<loss> word_of(std::uint32_t peer) const;

  std::uint32_t rank_;
  std::shared_ptr<hall> hall_;
  std::vector<ring_channel> channels_;
  std::optional<lifelines> lines_;
  std::uint32_t seen_ = 0;
};

/// The wires of ranks that are threads of this process.
std::vector<std::unique_ptr<wire>> wires_within_process(std::uint32_t ranks);

} // namespace troupe::collective
