#include "actors/parallel/agreement.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "actors/parallel/staging.hpp"
#include "gpu/copy.hpp"

namespace troupe::parallel {
namespace {

gpu::optimiser_options outer_of(const plan& how) {
  gpu::optimiser_options result;
  result.kind = gpu::optimiser_options::rule::sgd;
  result.lr = how.outer_lr;
  result.momentum = how.outer_momentum;
  result.nesterov = how.outer_momentum > 0.0f;
  return result;
}

// Each makes steps of its own; every so many, all take the mean of their
// parameters, or an outer optimiser takes a step by it.
class on_parameters final : public agreement {
public:
  on_parameters(const plan& how, collective::group& with)
      : agreement(how, with),
        outer_(how.how == sync::diloco ? gpu::make_optimiser(outer_of(how))
                                       : nullptr) {}

  step_sums make(standing& at) override {
    make_room(at);
    auto result = own_gradient(at, gradient_.span());
    own_step(at, gradient_.span());
    if ((at.step() + 1) % how().every == 0)
      agree(at);
    return result;
  }

  std::span<const float> parameters(standing& at) override {
    make_room(at);
    mean_of_all(at, mean_);
    return mean_.span();
  }

private:
  void make_room(standing& at) {
    if (mean_.size() == at.size())
      return;
    gradient_ = gpu::buffer{at.size(), at.stream()};
    mean_ = gpu::buffer{at.size(), at.stream()};
  }

  void agree(standing& at) {
    mean_of_all(at, mean_);
    if (!outer_) {
      gpu::copy<float>(at.stream(), mean_.span(), at.parameters());
      return;
    }
    // Of the way that all have gone, against it.
    staging now{at.stream(), mean_.span()}, before{at.stream(), at.anchor()};
    for (std::size_t i = 0; i < at.size(); ++i)
      now.here()[i] = before.here()[i] - now.here()[i];
    now.back();
    std::vector<std::span<float>> states;
    if (!outer_->states().empty())
      states.push_back(at.outer_momentum());
    outer_->step(at.stream(), at.step() / how().every, 1.0f, mean_.span(),
        at.anchor(), states);
    gpu::copy<float>(at.stream(), at.anchor(), at.parameters());
  }

  std::unique_ptr<gpu::optimiser> outer_; ///< none: the mean is taken
  gpu::buffer gradient_;
  gpu::buffer mean_;
};

} // namespace

std::unique_ptr<agreement> agree_on_parameters(
    const plan& how, collective::group& with) {
  return std::make_unique<on_parameters>(how, with);
}

} // namespace troupe::parallel
