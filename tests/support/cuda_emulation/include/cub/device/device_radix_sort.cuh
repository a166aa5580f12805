#pragma once

// Stands in for CUB's own header where kernels are emulated on the host.
#include "tests/support/cuda_emulation/cub.hpp"
