#pragma once

// Every way to train a small MLP there is: a learner or the lanes of a cohort,
// on each device.
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gpu/copy.hpp"
#include "gpu/training/cohort.hpp"
#include "gpu/training/trainer.hpp"
#include "tests/support/devices.hpp"

namespace troupe::training {

inline const std::vector<std::size_t> widths{50, 20, 5};

inline gpu::shared_buffer start_of(std::uint64_t seed) {
  const auto learner = trainer(models::mlp(widths))({});
  auto block = std::make_shared<gpu::buffer>(gpu::size(learner->layout()));
  learner->initialise(block->span(), seed);
  return block;
}

inline assignment work_on(view data, const recipe& how) {
  return {.client = 7,
      .data = std::move(data),
      .how = how,
      .random = gpu::random_stream{1, gpu::stream::train, 7}};
}

inline std::vector<float> on_host(
    gpu::device_stream& on, std::span<const float> values) {
  std::vector<float> result(values.size());
  gpu::copy<float>(on, values, std::span{result});
  on.synchronise();
  return result;
}

inline std::vector<float> by_learner(
    gpu::device where, const gpu::buffer& start, const assignment& work) {
  gpu::device_stream on{where};
  gpu::buffer parameters{start.size(), on};
  gpu::copy<float>(on, start.span(), parameters.span());
  on.synchronise();
  trainer(models::mlp(widths))(where)->train(parameters.span(), work, {});
  return on_host(on, parameters.span());
}

/// What each assignment makes of its own start, all of them side by side in
/// lanes: one more than there are, of which the first rests.
inline std::vector<std::vector<float>> by_cohort(gpu::device where,
    const std::vector<gpu::shared_buffer>& starts,
    const std::vector<assignment>& work) {
  cohort lanes{models::mlp(widths), where, work.size() + 1, work.front().how};
  for (std::size_t i = 0; i < work.size(); ++i)
    lanes.enter(i + 1, starts[i], work[i]);
  std::vector<std::vector<float>> result(work.size());
  for (auto left = work.size(); left > 0;) {
    const auto through = lanes.advance(50);
    lanes.stream().synchronise();
    for (auto lane : through) {
      const auto made = lanes.take(lane);
      auto& mine = result[lane - 1];
      mine = on_host(lanes.stream(), made.delta->span());
      for (std::size_t i = 0; i < mine.size(); ++i)
        mine[i] += starts[lane - 1]->span()[i];
      --left;
    }
  }
  return result;
}

struct way {
  gpu::device where;
  bool in_lanes = false;

  std::vector<float> train(
      const gpu::shared_buffer& start, const assignment& work) const {
    return in_lanes ? by_cohort(where, {start}, {work}).front()
                    : by_learner(where, *start, work);
  }
};

inline void PrintTo(const way& one, std::ostream* to) {
  *to << gpu::to_string(one.where) << (one.in_lanes ? ", in lanes" : "");
}

inline std::vector<way> ways() {
  std::vector<way> result;
  for (auto where : tests::test_devices())
    for (auto in_lanes : {false, true})
      result.push_back({where, in_lanes});
  return result;
}

inline std::string name_of(const way& one) {
  return tests::name(one.where) + (one.in_lanes ? "_lanes" : "");
}

} // namespace troupe::training
