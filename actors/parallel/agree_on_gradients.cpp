#include "actors/parallel/agreement.hpp"

#include <cstddef>
#include <vector>

#include "actors/clocks.hpp"
#include "actors/parallel/staging.hpp"
#include "actors/parallel/whole_gradients.hpp"
#include "gpu/copy.hpp"
#include "gpu/optimisers/squared_norms.hpp"

namespace troupe::parallel {
namespace {

// Each rank makes the same step with the same sum.
class on_gradients final : public agreement {
public:
  on_gradients(const plan& how, collective::group& with)
      : agreement(how, with),
        parts_(how.micro_batches, with.ranks(), with.rank()) {}

  step_sums make(standing& at) override {
    const auto result = how().canonical ? sum_whole(at) : sum_as_they_come(at);
    const auto since = wall_seconds();
    own_step(at, total_);
    return {
        result.samples, result.loss, result.computing + wall_seconds() - since};
  }

private:
  step_sums sum_whole(standing& at) {
    const auto since = wall_seconds();
    const auto [terms, samples, loss] = parts_.make(at);
    const auto computing = wall_seconds() - since;
    const auto block = room(at);
    if (with().ranks() > 1)
      with().canonical_all_reduce(terms, parts_.holders(), block, how().by);
    else
      std::ranges::copy(
          std::span{static_cast<const float*>(terms.begin()->second.data),
              block.size()},
          block.begin());
    put(at, block);
    return {samples, loss, computing};
  }

  step_sums sum_as_they_come(standing& at) {
    const auto since = wall_seconds();
    if (device_.size() != at.size() && at.stream().on_gpu())
      device_ = gpu::buffer{at.size(), at.stream()};
    const auto block = room(at);
    const auto to = at.stream().on_gpu() ? device_.span() : block;
    step_sums result;
    for (std::uint32_t i = 0; i < mine().size; ++i) {
      const auto first = at.step() * how().batch + (mine().first + i) * rows();
      result.loss += at.gradient(
          first, rows(), how().batch, {to, 1.0f, i == 0 ? 0.0f : 1.0f});
    }
    result.samples = mine().size * rows();
    if (mine().size == 0)
      std::ranges::fill(block, 0.0f);
    else if (at.stream().on_gpu())
      gpu::copy<float>(at.stream(), to, block), at.stream().synchronise();
    result.computing = wall_seconds() - since;
    if (with().ranks() > 1)
      with().all_reduce(
          gpu::const_typed_span{block}, block, gpu::reduction::sum, how().by);
    put(at, block);
    return result;
  }

  // That all ranks see, where there is such memory.
  std::span<float> room(standing& at) {
    if (room_.empty()) {
      const auto bytes = with().allocate(at.size() * sizeof(float));
      room_ = {reinterpret_cast<float*>(bytes.data()), at.size()};
    }
    return room_;
  }

  void put(standing& at, std::span<float> block) {
    total_ = block;
    if (!at.stream().on_gpu())
      return;
    if (device_.size() != at.size())
      device_ = gpu::buffer{at.size(), at.stream()};
    gpu::copy<float>(at.stream(), block, device_.span());
    total_ = device_.span();
  }

  whole_gradients parts_;
  std::span<float> room_;
  gpu::buffer device_;
  std::span<float> total_; ///< on the rank's device
};

} // namespace

std::unique_ptr<agreement> agree_on_gradients(
    const plan& how, collective::group& with) {
  return std::make_unique<on_gradients>(how, with);
}

} // namespace troupe::parallel
