#pragma once

#include "gpu/models/model.hpp"
#include "gpu/training/dataset.hpp"
#include "gpu/training/learner.hpp"

namespace troupe::training {

/// Whether samples of `set` have the extents that `what` takes, or others that
/// mean the same values: with extents of one elsewhere or left out (28 x 28 x
/// 1), and for one channel all in a row (784).
bool takes(const models::model& what, const dataset& set);

/// Throws `std::invalid_argument` that says why `data` are not for `what`.
/// Views without samples fit every model.
void check_fit(const models::model& what, const view& data);

/// Throws `std::invalid_argument` for a method that neither `trainer` nor
/// `cohort` has; FedNova's local steps are SGD's.
void check_method(const recipe& how);

/// Throws `std::runtime_error`: the mean loss of a step is not finite. Who
/// trained is for the caller to say.
[[noreturn]] void fail_step(
    std::uint64_t version, std::uint64_t step, double loss);

} // namespace troupe::training
