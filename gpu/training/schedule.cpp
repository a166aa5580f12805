#include "gpu/training/schedule.hpp"

#include <algorithm>

#include "gpu/training/batches.hpp"

namespace troupe::training {

std::size_t share(const recipe& how, std::size_t most) {
  const auto whole = how.batch == 0 ? most : std::size_t{how.batch};
  return std::clamp<std::size_t>(whole, 1, std::max<std::size_t>(most, 1));
}

bool folds(const recipe& how, std::size_t most) {
  return how.batch > 0 && how.batch <= most && how.momentum == 0.0f &&
         how.clip == 0.0f && how.pull() == 0.0f && !how.keeps_variates();
}

schedule plan(const assignment& work, std::size_t most) {
  const auto& how = work.how;
  const auto at_a_time = share(how, most);
  const auto folded = folds(how, most);
  const auto rate = how.rate(work.version);
  schedule result;
  batches all{work.data.size(), how, work.random};
  bool moving = false;
  std::uint64_t batches_taken = 0;
  for (auto batch = all.next(); !batch.empty(); batch = all.next()) {
    if (work.within.steps > 0 && batches_taken++ == work.within.steps) {
      result.partial = true;
      break;
    }
    for (std::size_t first = 0; first < batch.size(); first += at_a_time) {
      const auto rows = std::min(at_a_time, batch.size() - first);
      gpu::lane_step step;
      step.rows = std::uint32_t(rows);
      step.first = std::uint32_t(result.order.size() + first);
      step.completes = first + rows == batch.size();
      step.moving = moving;
      step.scale = 1.0f / float(batch.size());
      step.rate = rate;
      step.alpha = folded ? -rate : 1.0f;
      step.beta =
          folded ? 1.0f - rate * how.weight_decay : (first == 0 ? 0.0f : 1.0f);
      result.steps.push_back(step);
    }
    moving = true;
    for (auto sample : batch)
      result.order.push_back(work.data.index(sample));
  }
  result.samples = result.order.size();
  return result;
}

} // namespace troupe::training
