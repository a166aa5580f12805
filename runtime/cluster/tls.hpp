#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/credentials.hpp"
#include "runtime/cluster/stream.hpp"

namespace troupe::cluster {

/// For both ends: TLS 1.3 at least, no session is taken up again, and a peer is
/// taken if its certificate is of an authority of `by`, neither expired nor
/// revoked, and names it as `certificates::misnomer` allows.
shared_tls tls_from(const identity& own, const trusted& by);
/// The same by the files in `directory`, of `own_name` or, if that is empty, of
/// whose they are. Refuses by name what no peer would take. Throws `file_error`
/// and `tls_error`.
shared_tls tls_from(const std::filesystem::path& directory,
    const std::string& own_name = {}, files& disk = files::system());

/// Whom a dialler means; what is empty is not looked at.
///
/// The name decides: the authority gives "coordinator" to the coordinator, so
/// that no node can play it, wherever it stands and whatever hosts its own
/// certificate names, and so that a coordinator may be dialled by any address
/// or through any tunnel. A host is asked for as well where several
/// coordinators share one authority, or alone where the certificates come from
/// an authority that names nobody so.
struct expected_peer {
  std::string name{certificates::coordinator};
  std::string host{}; ///< a name or an address that the certificate must have
};

/// Before the handshake: it fails with another peer. A stream in the clear is
/// left as it is.
void expect_peer(stream& with, const expected_peer& whom);

/// Who the peer is, after the handshake; empty in the clear. Belong to the
/// stream's thread.
std::string peer_name(stream& of);   ///< its certificate's common name
std::string peer_key(stream& of);    ///< `key_digest_of` its certificate
std::string peer_serial(stream& of); ///< for `tls_source::is_revoked`
std::chrono::sys_seconds peer_expiry(stream& of); ///< in the clear: 1970

/// What a person should read where a handshake, or what was read or written
/// since, came to `error`: which certificate was refused, and why.
std::string trouble(stream& with, const network_error& error);
/// The same of a connection without Asio, whose OpenSSL call left `error`.
std::string trouble(SSL& with, unsigned long error);

} // namespace troupe::cluster
