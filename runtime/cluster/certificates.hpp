#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cluster/issued.hpp"
#include "runtime/files/files.hpp"

/// A cluster's own certificate authority, in a directory:
///
///     ca.pem, ca.key          the authority
///     revoked.pem             its list of revocations (a CRL)
///     index                   what it issued: SERIAL NAME UNTIL, a line each
///     NAME.pem, NAME.key      what it issued to NAME
///
/// Keys are for their owner alone (mode 0600). A node needs ca.pem, revoked.pem
/// and its own two files. Everything throws `file_error`, `tls_error` and
/// `certificate_error`, and works on a directory that no other process works
/// on.
namespace troupe::cluster::certificates {

/// Whose certificate a node takes for the coordinator's: the authority gives
/// this name to nobody else.
inline constexpr std::string_view coordinator = "coordinator";

/// What cannot be done to the directory as it is; says why and the way out.
class certificate_error : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

struct terms {
  int days = 825;                   ///< at most until the authority ends
  std::vector<std::string> hosts{}; ///< none is kept from an earlier one
  bool renew = false; ///< although there is one that is still good
};

/// Why `name` can name no certificate; empty: it can. Letters, digits and
/// "-_.", at most 64, the first a letter or a digit.
std::string misnomer(std::string_view name);

/// Makes the authority, for ten years, and the coordinator's certificate.
/// Refuses a directory that holds any part of one.
void init(const std::filesystem::path& directory,
    const std::vector<std::string>& hosts = {}, files& disk = files::system());

/// A new key and certificate for `name`. Refuses while there is one that is
/// good, but to renew it; the one before then stays good until it ends, or is
/// revoked. The coordinator's also names localhost and this machine.
issued issue(const std::filesystem::path& directory, const std::string& name,
    const terms& on = {}, files& disk = files::system());

/// Takes back every certificate of `name`; answers with them. Its files stay,
/// and the next `issue` replaces them.
std::vector<issued> revoke(const std::filesystem::path& directory,
    const std::string& name, files& disk = files::system());

/// All that was ever issued, in order.
std::vector<issued> list(
    const std::filesystem::path& directory, files& disk = files::system());

} // namespace troupe::cluster::certificates
