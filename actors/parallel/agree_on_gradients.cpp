#include "actors/parallel/agreement.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "actors/clocks.hpp"
#include "actors/parallel/buckets.hpp"
#include "actors/parallel/second_thread.hpp"
#include "actors/parallel/staging.hpp"
#include "actors/parallel/whole_gradients.hpp"
#include "gpu/copy.hpp"
#include "gpu/optimisers/squared_norms.hpp"

namespace troupe::parallel {
namespace {

// Values of a bucket: enough that a wire's delay does not count.
constexpr std::size_t bucket = std::size_t{64} << 10;

// Each rank makes the same step with the same sum. Where exchanges need no
// processor, they are made while the rest of the backward pass is on.
class on_gradients final : public agreement {
public:
  on_gradients(const plan& how, collective::group& with)
      : agreement(how, with),
        whole_(how.micro_batches, with.ranks(), with.rank()),
        overlaps_(with.ranks() > 1 && !with.in_memory() &&
                  how.micro_batches >= with.ranks()) {}

  step_sums make(standing& at) override {
    const auto result = how().canonical ? sum_whole(at) : sum_as_they_come(at);
    const auto since = wall_seconds();
    own_step(at, total_);
    return {
        result.samples, result.loss, result.computing + wall_seconds() - since};
  }

private:
  using terms = collective::group::canonical_terms;

  step_sums sum_whole(standing& at) {
    const auto since = wall_seconds();
    const auto block = room(at);
    const auto beside = overlaps_ && !at.stream().on_gpu();
    const auto exchange = [&](const gpu::range& part, terms all) {
      with().canonical_all_reduce(
          all, whole_.holders(), part.of(block), how().by);
    };
    whole_gradients::word ready;
    const float* last = nullptr;
    terms before;
    buckets full{
        at.size(), bucket, [&](const gpu::range& part) {
          auto all = parts_of(before, part);
          all[whole_.nodes().back()] = std::span{last + part.first, part.size};
          second_.post([=, all = std::move(all)] { exchange(part, all); });
        }};
    if (beside)
      ready = [&](const gpu::range& part, const terms& earlier,
                  std::span<const float> values) {
        last = values.data() - part.first;
        before = earlier;
        full.add(part);
      };
    const auto [sums, samples, loss] = whole_.make(at, ready);
    const auto computing = wall_seconds() - since;
    if (beside)
      second_.wait();
    else if (with().ranks() > 1)
      exchange({0, at.size()}, sums);
    else
      gpu::copy<float>(at.stream(), as_floats(sums.begin()->second), block);
    put(at, block);
    return {samples, loss, computing};
  }

  step_sums sum_as_they_come(standing& at) {
    const auto since = wall_seconds();
    const auto on_gpu = at.stream().on_gpu();
    if (device_.size() != at.size() && on_gpu)
      device_ = gpu::buffer{at.size(), at.stream()};
    const auto block = room(at);
    const auto to = on_gpu ? device_.span() : block;
    const auto exchange = [=, this](const gpu::range& part) {
      const auto values = part.of(block);
      with().all_reduce(
          gpu::const_typed_span{values}, values, gpu::reduction::sum, how().by);
    };
    const auto beside = overlaps_ && !on_gpu;
    buckets full{at.size(), bucket,
        [&](const gpu::range& part) { second_.post([=] { exchange(part); }); }};
    step_sums result;
    for (std::uint32_t i = 0; i < mine().size; ++i) {
      const auto first = at.step() * how().batch + (mine().first + i) * rows();
      training::replica::word ready;
      if (beside && i + 1 == mine().size)
        ready = [&](const gpu::range& part) { full.add(part); };
      result.loss += at.gradient(
          first, rows(), how().batch, {to, 1.0f, i == 0 ? 0.0f : 1.0f}, ready);
    }
    result.samples = mine().size * rows();
    if (mine().size == 0)
      std::ranges::fill(block, 0.0f);
    else if (on_gpu)
      gpu::copy<float>(at.stream(), to, block), at.stream().synchronise();
    result.computing = wall_seconds() - since;
    if (beside)
      second_.wait();
    else if (with().ranks() > 1)
      exchange({0, at.size()});
    put(at, block);
    return result;
  }

  static std::span<const float> as_floats(gpu::const_typed_span x) {
    return {static_cast<const float*>(x.data), x.count};
  }
  static terms parts_of(const terms& all, const gpu::range& part) {
    terms result;
    for (const auto& [node, values] : all)
      result[node] = part.of(as_floats(values));
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

  whole_gradients whole_;
  bool overlaps_;
  std::span<float> room_;
  gpu::buffer device_;
  std::span<float> total_; ///< on the rank's device
  second_thread second_;   ///< it ends before what it works on
};

} // namespace

std::unique_ptr<agreement> agree_on_gradients(
    const plan& how, collective::group& with) {
  return std::make_unique<on_gradients>(how, with);
}

} // namespace troupe::parallel
