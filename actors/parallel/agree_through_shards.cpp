#include "actors/parallel/agreement.hpp"

#include <algorithm>
#include <array>
#include <list>
#include <map>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "actors/clocks.hpp"
#include "actors/parallel/staging.hpp"
#include "actors/parallel/whole_gradients.hpp"
#include "gpu/collective/sums.hpp"
#include "gpu/copy.hpp"
#include "gpu/optimisers/squared_norms.hpp"
#include "protocols/clocks/ssp.hpp"

// A parameter server (Li et al. 2014): the last ranks are shards, each of which
// has a range of the parameters and its optimiser.
//
//     worker                                         shard
//     push: step ──────────────────────────────────►  heard by its inbox
//           its range of each partial sum ─────────►  finish(step)
//     ◄──────────────────── its range of parameters   once step + 1 may begin

namespace troupe::parallel {
namespace {

using collective::node;

// What every rank knows of how shards divide a model.
struct division {
  std::uint32_t workers = 0;
  std::vector<gpu::range> parts; ///< by shard
  std::vector<gpu::range> tiles; ///< likewise
  std::vector<gpu::range> all;   ///< by rank: workers have none

  division(const plan& how, const collective::group& with, standing& at)
      : workers(with.ranks() - how.servers()),
        parts(gpu::cut_between_tiles(at.layout(), how.servers())),
        all(workers) {
    for (const auto& part : parts) {
      tiles.push_back(gpu::tiles_within(at.layout(), part));
      all.push_back(part);
    }
  }
};

/// The sums of a step that workers have pushed, added along the tree over all
/// micro-batches as far as they are parts of it.
class pushed {
public:
  std::vector<float>& add(node of, std::size_t size) {
    return terms_.emplace_back(of, std::vector<float>(size)).second;
  }
  // Of everything that is within `x`; null: nothing is.
  std::vector<float>* sum(node x) {
    for (auto& [of, values] : terms_)
      if (of == x)
        return &values;
    if (x.end - x.begin <= 1)
      return nullptr;
    const auto cut = collective::cut_of(x);
    auto* left = sum({x.begin, cut});
    auto* right = sum({cut, x.end});
    if (!left || !right)
      return left ? left : right;
    gpu::combine(gpu::reduction::sum, gpu::element::f32, left->data(),
        right->data(), left->data(), left->size());
    return left;
  }

private:
  std::list<std::pair<node, std::vector<float>>> terms_;
};

class by_shards : public agreement {
public:
  by_shards(const plan& how, collective::group& with) : agreement(how, with) {}

  void begin(standing& at, const muster& from) override {
    cut_.emplace(how(), with(), at);
    const auto own = cut_->all[with().rank()];
    if (at.kept() != own)
      at.keep(own);
    agreement::begin(at, from);
  }

  std::span<const float> parameters(standing& at) override {
    staging whole{at.stream(), at.parameters()};
    with().all_gather(
        gpu::const_typed_span{cut().all[with().rank()].of(whole.here())},
        cut().all, whole.here());
    whole.back();
    return at.parameters();
  }

  state_held save(standing& at) override {
    auto result = at.save(parameters(at));
    for (auto& [name, values] : result.blocks) {
      auto whole = std::make_shared<gpu::buffer>(at.size());
      const auto to = whole->span();
      const auto& own = cut().all[with().rank()];
      std::ranges::copy(values->span(), own.of(to).begin());
      with().all_gather(gpu::const_typed_span{own.of(to)}, cut().all, to);
      values = gpu::shared_buffer{whole};
    }
    return result;
  }

protected:
  const division& cut() const { return *cut_; }

private:
  std::optional<division> cut_;
};

class worker_of_shards final : public by_shards {
public:
  worker_of_shards(const plan& how, collective::group& with)
      : by_shards(how, with),
        whole_(how.micro_batches, with.ranks() - how.servers(), with.rank()) {}

  step_sums make(standing& at) override {
    const auto since = wall_seconds();
    const auto [terms, samples, loss] = whole_.make(at);
    const step_sums result{samples, loss, wall_seconds() - since};
    std::int64_t step = static_cast<std::int64_t>(at.step());
    for (std::uint32_t i = 0; i < cut().parts.size(); ++i) {
      const auto shard = cut().workers + i;
      const auto& part = cut().parts[i];
      with().send(gpu::typed_span{std::span{&step, 1}}, shard);
      for (const auto& [of, values] : terms)
        with().send(gpu::const_typed_span{part.of(std::span{
                        static_cast<const float*>(values.data), values.count})},
            shard);
    }
    pull(at);
    return result;
  }

private:
  // At once: a shard that gives it waits until it is taken.
  void pull(standing& at) {
    staging whole{at.stream(), at.parameters()};
    for (std::uint32_t i = 0; i < cut().parts.size(); ++i)
      with().receive(cut().parts[i].of(whole.here()), cut().workers + i);
    whole.back();
  }

  whole_gradients whole_;
};

class shard_of_model final : public by_shards {
public:
  shard_of_model(const plan& how, collective::group& with)
      : by_shards(how, with),
        rule_(how.staleness.value_or(clocks::ssp::unbounded)),
        at_once_(how.staleness != std::uint64_t{0} &&
                 how.optimiser.kind == gpu::optimiser_options::rule::sgd &&
                 how.optimiser.momentum == 0.0f) {}

  void begin(standing& at, const muster& from) override {
    by_shards::begin(at, from);
    own_ = cut().all[with().rank()];
    norms_.resize(gpu::tiles_of(at.layout()));
    first_ = folded_ = at.step();
    std::vector<std::uint32_t> all(cut().workers);
    std::iota(all.begin(), all.end(), 0u);
    inbox_ = with().open_inbox(all, 1, gpu::element::i64);
    for (const auto each : all) {
      whole_.emplace_back(how().micro_batches, cut().workers, each);
      turns_.push_back(rule_.join(each, said_));
      rule_.ask(turns_.back(), said_);
    }
    said_.clear(); // all have what they begin with
  }

  step_sums make(standing& at) override {
    step_sums result;
    while (first_ + rule_.slowest() <= at.step())
      result.computing += hear_one(at);
    return result;
  }

private:
  double hear_one(standing& at) {
    std::int64_t step = 0;
    const auto from = inbox_->next(std::span{&step, 1});
    auto& turn = turns_[from];
    if (static_cast<std::uint64_t>(step) != first_ + turn.step)
      throw std::logic_error("a shard was pushed a step out of turn");
    pushed alone;
    auto& to = at_once_ ? alone : pushed_[first_ + turn.step];
    for (const auto& of : whole_[from].nodes())
      with().receive(std::span{to.add(of, own_.size)}, from);
    const auto since = wall_seconds();
    if (at_once_)
      descend(at, alone, first_ + turn.step);
    const auto made = wall_seconds() - since;
    rule_.finish(turn, said_);
    carry_out(at);
    ++turn.step;
    rule_.ask(turn, said_);
    carry_out(at);
    return made;
  }

  void carry_out(standing& at) {
    auto said = std::exchange(said_, {});
    if (said.closed)
      while (!at_once_ && folded_ < first_ + *said.closed) {
        descend(at, pushed_[folded_], folded_);
        pushed_.erase(folded_++);
      }
    staging whole{at.stream(), own_.of(at.parameters())};
    for (const auto& one : said.begun)
      with().send(gpu::const_typed_span{whole.here()}, one.what.worker);
  }

  void descend(standing& at, pushed& sums, std::uint64_t step) {
    const auto* sum = sums.sum({0, how().micro_batches});
    if (!sum)
      return;
    gradient_ = gpu::buffer{own_.size, at.stream()};
    gpu::copy<float>(at.stream(), *sum, gradient_.span());
    const auto mine = cut().tiles[with().rank() - cut().workers];
    const auto tiles = mine.of(std::span{norms_});
    gpu::squared_norms(at.stream(), at.layout(), own_, gradient_.span(), tiles);
    if (how().optimiser.clip > 0.0f)
      share_norms();
    at.descend(step, scale_of(norms_, how().optimiser.clip, step), own_,
        gradient_.span(), own_.of(at.parameters()));
    at.stream().synchronise();
  }

  // With each of the other shards, in their order; sums are moved as bits.
  void share_norms() {
    const auto me = with().rank() - cut().workers;
    const auto bits = [&](std::uint32_t shard) {
      const auto& of = cut().tiles[shard];
      return gpu::typed_span{
          norms_.data() + of.first, of.size, gpu::element::i64};
    };
    for (std::uint32_t i = 0; i < cut().parts.size(); ++i)
      if (i != me)
        with().exchange(
            bits(me), cut().workers + i, bits(i), cut().workers + i);
  }

  clocks::ssp rule_;
  clocks::decisions said_;
  bool at_once_;            ///< an update is a step of its own
  std::uint64_t first_ = 0; ///< the rule's step 0
  std::uint64_t folded_ = 0;
  gpu::range own_;
  std::unique_ptr<collective::inbox> inbox_;
  std::vector<clocks::turn> turns_;    ///< by worker: the one to be pushed next
  std::vector<whole_gradients> whole_; ///< by worker: what it pushes
  std::map<std::uint64_t, pushed> pushed_;
  gpu::buffer gradient_;
  std::vector<double> norms_;
};

} // namespace

std::unique_ptr<agreement> agree_through_shards(
    const plan& how, collective::group& with) {
  if (with.rank() < with.ranks() - how.servers())
    return std::make_unique<worker_of_shards>(how, with);
  return std::make_unique<shard_of_model>(how, with);
}

} // namespace troupe::parallel
