#pragma once

/// Everything that a program which composes and launches a topology needs.

#include "gpu/models/model.hpp"
#include "gpu/training/dataset.hpp"
#include "gpu/training/learner.hpp"
#include "gpu/training/stateful_learner.hpp"
#include "runtime/configuration/hierarchy.hpp"
#include "runtime/data/splits.hpp"
#include "runtime/data/synthetic.hpp"
#include "runtime/launch.hpp"
#include "runtime/topology.hpp"
