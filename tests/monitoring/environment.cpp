// What must happen once before the first actor system of this binary.

#include <caf/init_global_meta_objects.hpp>
#include <gtest/gtest.h>

#include "protocols/observer.hpp"

namespace {

class message_types : public testing::Environment {
public:
  void SetUp() override {
    caf::core::init_global_meta_objects();
    caf::init_global_meta_objects<caf::id_block::troupe_observer>();
  }
};

const auto* const registered =
    testing::AddGlobalTestEnvironment(new message_types);

} // namespace
