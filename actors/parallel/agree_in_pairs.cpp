#include "actors/parallel/agreement.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "actors/parallel/staging.hpp"
#include "gpu/collective/sums.hpp"
#include "gpu/copy.hpp"
#include "gpu/random.hpp"

namespace troupe::parallel {
namespace {

// Each makes a step of its own, and then the mean with one other.
class in_pairs final : public agreement {
public:
  in_pairs(const plan& how, collective::group& with) : agreement(how, with) {}

  step_sums make(standing& at) override {
    make_room(at);
    auto result = own_gradient(at, gradient_.span());
    own_step(at, gradient_.span());
    const auto other = partner(at.step());
    if (other == with().rank())
      return result;
    staging mine_here{at.stream(), at.parameters()};
    const auto block = mine_here.here();
    with().exchange(
        gpu::const_typed_span{block}, other, std::span{theirs_}, other);
    gpu::combine(gpu::reduction::sum, gpu::element::f32, block.data(),
        theirs_.data(), block.data(), block.size());
    for (auto& value : block)
      value *= 0.5f;
    mine_here.back();
    return result;
  }

  std::span<const float> parameters(standing& at) override {
    make_room(at);
    mean_of_all(at, mean_);
    return mean_.span();
  }

private:
  void make_room(standing& at) {
    if (gradient_.size() == at.size())
      return;
    gradient_ = gpu::buffer{at.size(), at.stream()};
    mean_ = gpu::buffer{at.size(), at.stream()};
    theirs_.resize(at.size());
  }

  // Neighbours on a ring to one side and to the other in turn, or drawn anew;
  // one of an odd number is left alone.
  std::uint32_t partner(std::uint64_t step) const {
    const auto n = with().ranks(), me = with().rank();
    std::vector<std::uint32_t> line(n);
    std::iota(line.begin(), line.end(), 0u);
    if (how().pairs == pairing::random)
      gpu::random_stream{how().seed, gpu::stream::partner, step}.shuffle(line);
    else
      std::ranges::rotate(line, line.begin() + static_cast<long>(step % n));
    const auto at =
        static_cast<std::uint32_t>(std::ranges::find(line, me) - line.begin());
    const auto other = at ^ 1u;
    return other < n ? line[other] : me;
  }

  gpu::buffer gradient_;
  gpu::buffer mean_;
  std::vector<float> theirs_;
};

} // namespace

std::unique_ptr<agreement> agree_in_pairs(
    const plan& how, collective::group& with) {
  return std::make_unique<in_pairs>(how, with);
}

} // namespace troupe::parallel
