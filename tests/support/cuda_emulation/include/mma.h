#pragma once

// Stands in for CUDA's own header where kernels are emulated on the host.
#include "tests/support/cuda_emulation/wmma.hpp"
