#pragma once

// Stands in for CUDA's own header where kernels are emulated on the host.
#include "tests/support/cuda_emulation/atomics.hpp"
#include "tests/support/cuda_emulation/device_code.hpp"
#include "tests/support/cuda_emulation/intrinsics.hpp"
#include "tests/support/cuda_emulation/launch.hpp"
#include "tests/support/cuda_emulation/runtime_api.hpp"
