#pragma once

#include <string>
#include <vector>

#include "runtime/cluster/signing.hpp"

namespace troupe::cluster {

/// The next list: all that is in `before`, if there is one, and `added`. Good
/// for as long as the authority is.
revocation_list new_revocations(const credential& authority,
    const X509_CRL* before, const std::vector<std::string>& added_serials);

} // namespace troupe::cluster
