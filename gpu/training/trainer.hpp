#pragma once

#include "gpu/models/model.hpp"
#include "gpu/training/learner.hpp"

namespace troupe::training {

/// Makes learners that train `what` by stochastic gradient descent, one step a
/// batch. The rate of a whole assignment is `how.rate(version)`; momentum
/// starts at rest in each. A pull to the start and a correction are in the
/// gradient (`gpu::sgd` has where); FedNova's steps are plain ones.
///
/// A batch whose workspace would take too much memory goes through the network
/// in parts, whose size depends on the model alone; the stop token is looked at
/// before each part. A loss that is not finite fails the assignment with a
/// `std::runtime_error` that names version, step and loss; data that do not fit
/// the model, or a method that there is not, with a `std::invalid_argument`.
///
/// Throws `std::invalid_argument` when the model's layers do not fit together.
learner_factory trainer(models::model what);

} // namespace troupe::training
