#include "actors/parallel/whole_gradients.hpp"

#include "gpu/collective/sums.hpp"
#include "gpu/copy.hpp"

namespace troupe::parallel {

whole_gradients::whole_gradients(
    std::uint32_t micro_batches, std::uint32_t ranks, std::uint32_t rank)
    : holders_(micro_batches) {
  for (std::uint32_t r = 0; r < ranks; ++r) {
    const auto [first, size] = share_of(micro_batches, ranks, r);
    for (std::uint32_t i = first; i < first + size; ++i)
      holders_[i] = r;
  }
  nodes_ = collective::partials_of(holders_, rank);
}

whole_gradients::sums whole_gradients::make(standing& at, const word& ready) {
  free_.clear();
  for (auto& one : blocks_)
    free_.push_back(&one);
  sums result;
  for (const auto& node : nodes_) {
    part_ready tells;
    if (ready && node == nodes_.back())
      tells = [&](const gpu::range& part, std::span<const float> values) {
        ready(part, result.terms, values);
      };
    result.terms[node] = sum(at, node, result, tells).span();
  }
  return result;
}

// What is final of the right half is added to the left one at once, where
// somebody waits for it.
gpu::buffer& whole_gradients::sum(
    standing& at, collective::node x, sums& to, const part_ready& ready) {
  if (x.end - x.begin == 1)
    return leaf(at, x.begin, to, ready);
  const auto cut = collective::cut_of(x);
  auto& left = sum(at, {x.begin, cut}, to, {});
  const auto add = [&](const gpu::range& part, std::span<const float> right) {
    const auto mine = part.of(left.span());
    gpu::combine(gpu::reduction::sum, gpu::element::f32, mine.data(),
        right.data(), mine.data(), mine.size());
  };
  part_ready tells;
  if (ready)
    tells = [&](const gpu::range& part, std::span<const float> right) {
      add(part, right);
      ready(part, part.of(left.span()));
    };
  auto& right = sum(at, {cut, x.end}, to, tells);
  if (!ready)
    add({0, left.size()}, right.span());
  free_.push_back(&right);
  return left;
}

gpu::buffer& whole_gradients::leaf(
    standing& at, std::uint32_t which, sums& to, const part_ready& ready) {
  const auto rows = at.how().batch / at.how().micro_batches;
  const auto first = at.step() * at.how().batch + which * rows;
  auto& block = spare(at.size());
  auto& on = at.stream();
  to.samples += rows;
  if (!on.on_gpu()) {
    training::replica::word tells;
    if (ready)
      tells = [&](const gpu::range& part) {
        ready(part, part.of(block.span()));
      };
    to.loss += at.gradient(first, rows, at.how().batch, {block.span()}, tells);
    return block;
  }
  if (on_device_.size() != at.size())
    on_device_ = gpu::buffer{at.size(), on};
  to.loss += at.gradient(first, rows, at.how().batch, {on_device_.span()});
  gpu::copy<float>(on, on_device_.span(), block.span());
  on.synchronise();
  return block;
}

gpu::buffer& whole_gradients::spare(std::size_t size) {
  if (free_.empty()) {
    blocks_.emplace_back(size);
    return blocks_.back();
  }
  auto& result = *free_.back();
  free_.pop_back();
  return result;
}

} // namespace troupe::parallel
