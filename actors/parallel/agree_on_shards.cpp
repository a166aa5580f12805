#include "actors/parallel/agreement.hpp"

#include <algorithm>
#include <vector>

#include "actors/clocks.hpp"
#include "actors/parallel/staging.hpp"
#include "actors/parallel/whole_gradients.hpp"
#include "gpu/copy.hpp"
#include "gpu/optimisers/squared_norms.hpp"

namespace troupe::parallel {
namespace {

// Each rank sums, steps and keeps a range of its own; the others are given what
// comes of it (Rajbhandari et al. 2020, ZeRO, section 5).
class on_shards final : public agreement {
public:
  on_shards(const plan& how, collective::group& with)
      : agreement(how, with),
        whole_(how.micro_batches, with.ranks(), with.rank()) {}

  void begin(standing& at, const muster& from) override {
    parts_ = gpu::cut_between_tiles(at.layout(), with().ranks());
    own_ = parts_[with().rank()];
    for (const auto& part : parts_)
      tiles_.push_back(gpu::tiles_within(at.layout(), part));
    norms_.resize(gpu::tiles_of(at.layout()));
    if (at.kept() != own_)
      at.keep(own_);
    agreement::begin(at, from);
  }

  step_sums make(standing& at) override {
    step_sums result;
    const auto own =
        how().canonical ? sum_whole(at, result) : sum_all(at, result);
    const auto since = wall_seconds();
    const auto mine = tiles_[with().rank()];
    gpu::squared_norms(
        at.stream(), at.layout(), own_, own, mine.of(std::span{norms_}));
    const auto until = wall_seconds();
    share_norms();
    const auto again = wall_seconds();
    at.descend(at.step(), scale_of(norms_, how().optimiser.clip, at.step()),
        own_, own, own_.of(at.parameters()));
    at.stream().synchronise();
    result.computing += wall_seconds() - again + until - since;
    share_parameters(at);
    return result;
  }

  state_held save(standing& at) override {
    auto result = at.save(at.parameters());
    for (auto& [name, values] : result.blocks) {
      auto whole = std::make_shared<gpu::buffer>(at.size());
      const auto to = whole->span();
      std::ranges::copy(values->span(), own_.of(to).begin());
      if (with().ranks() > 1)
        with().all_gather(gpu::const_typed_span{own_.of(to)}, parts_, to);
      values = gpu::shared_buffer{whole};
    }
    return result;
  }

private:
  std::span<const float> sum_whole(standing& at, step_sums& to) {
    const auto since = wall_seconds();
    const auto [terms, samples, loss] = whole_.make(at);
    to = {samples, loss, wall_seconds() - since};
    if (with().ranks() == 1)
      return on_device(at,
          {static_cast<const float*>(terms.begin()->second.data), at.size()});
    sum_.resize(own_.size);
    with().canonical_reduce_scatter(
        terms, whole_.holders(), parts_, std::span{sum_}, how().by);
    return on_device(at, sum_);
  }

  std::span<const float> sum_all(standing& at, step_sums& to) {
    if (gradient_.size() != at.size())
      gradient_ = gpu::buffer{at.size(), at.stream()};
    const auto since = wall_seconds();
    for (std::uint32_t i = 0; i < mine().size; ++i)
      to.loss += at.gradient(
          at.step() * how().batch + (mine().first + i) * rows(), rows(),
          how().batch, {gradient_.span(), 1.0f, i == 0 ? 0.0f : 1.0f});
    to.samples = mine().size * rows();
    to.computing = wall_seconds() - since;
    if (with().ranks() == 1)
      return gradient_.span();
    staging all{at.stream(), gradient_.span()};
    sum_.resize(own_.size);
    with().reduce_scatter(gpu::const_typed_span{all.here()}, parts_,
        std::span{sum_}, gpu::reduction::sum, how().by);
    return on_device(at, sum_);
  }

  std::span<const float> on_device(
      standing& at, std::span<const float> values) {
    if (!at.stream().on_gpu())
      return values;
    if (device_.size() != values.size())
      device_ = gpu::buffer{values.size(), at.stream()};
    gpu::copy<float>(at.stream(), values, device_.span());
    return device_.span();
  }

  // As bits: sums in double are moved, not added.
  void share_norms() {
    if (with().ranks() == 1)
      return;
    static_assert(sizeof(double) == sizeof(std::int64_t));
    const gpu::typed_span all{norms_.data(), norms_.size(), gpu::element::i64};
    const auto mine = tiles_[with().rank()];
    with().all_gather(gpu::const_typed_span{norms_.data() + mine.first,
                          mine.size, gpu::element::i64},
        tiles_, all);
  }

  void share_parameters(standing& at) {
    if (with().ranks() == 1)
      return;
    staging all{at.stream(), at.parameters()};
    with().all_gather(gpu::const_typed_span{own_.of(all.here())}, parts_,
        all.here(), how().by);
    all.back();
  }

  whole_gradients whole_;
  std::vector<gpu::range> parts_;
  std::vector<gpu::range> tiles_; ///< of each part
  gpu::range own_;
  std::vector<double> norms_; ///< of all tiles
  std::vector<float> sum_;
  gpu::buffer gradient_;
  gpu::buffer device_;
};

} // namespace

std::unique_ptr<agreement> agree_on_shards(
    const plan& how, collective::group& with) {
  return std::make_unique<on_shards>(how, with);
}

} // namespace troupe::parallel
