#include "protocols/messages.hpp"

#include <caf/actor_system.hpp>
#include <caf/init_global_meta_objects.hpp>

#include "protocols/cluster/frames.hpp"
#include "protocols/cluster/interfaces.hpp"
#include "protocols/cluster/registration.hpp"
#include "protocols/collective/messages.hpp"
#include "protocols/errc.hpp"
#include "protocols/evaluation.hpp"
#include "protocols/federated/edge.hpp"
#include "protocols/federated/region.hpp"
#include "protocols/federated/succession.hpp"
#include "protocols/observer.hpp"
#include "protocols/parallel/messages.hpp"
#include "protocols/participation.hpp"
#include "protocols/publication.hpp"
#include "protocols/run.hpp"
#include "protocols/storage.hpp"
#include "protocols/training.hpp"

namespace troupe {

void register_messages() {
  static const bool once = [] {
    caf::init_global_meta_objects<caf::id_block::troupe_observer>();
    caf::init_global_meta_objects<caf::id_block::troupe_errors>();
    caf::init_global_meta_objects<caf::id_block::troupe_run>();
    caf::init_global_meta_objects<caf::id_block::troupe_collective>();
    caf::init_global_meta_objects<caf::id_block::troupe_cluster>();
    caf::init_global_meta_objects<caf::id_block::troupe_doors>();
    caf::init_global_meta_objects<caf::id_block::troupe_registration>();
    caf::init_global_meta_objects<caf::id_block::troupe_regions>();
    caf::init_global_meta_objects<caf::id_block::troupe_edges>();
    caf::init_global_meta_objects<caf::id_block::troupe_parallel>();
    caf::core::init_global_meta_objects();
    return true;
  }();
  static_cast<void>(once);
}

} // namespace troupe
