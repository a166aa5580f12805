#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "monitoring/endpoint.hpp"
#include "runtime/cluster/connection.hpp"
#include "runtime/cluster/io_thread.hpp"

namespace troupe::cluster {

/// Whom to dial, and how.
struct dial_options {
  monitoring::endpoint where;
  std::function<shared_tls()> tls; ///< empty: in the clear
  connection_options connections;
  clock::duration patience = std::chrono::seconds{5}; ///< for an answer
};

/// Whether both ends of a connection are one: where nobody listens at a port of
/// the range that the system takes for those who dial, TCP may have a dialler
/// meet itself.
bool meets_itself(const tcp::socket& socket);

/// Dials, says `first`, and hands on the first answer with its connection,
/// whose events are to be heard from then on; or says why there is none. One of
/// the two is called, once, on the thread of `on`.
void dial(asio::io_context& on, const dial_options& how, const hello& first,
    std::function<void(std::shared_ptr<connection>, frame&&)> answered,
    std::function<void(const std::string& why)> failed);

/// Nobody answers; a later try may do better.
class unreachable : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// Dials, says `first`, and waits for the answer. Throws
/// `unreachable`, or `std::runtime_error` with the words of a refusal.
report ask_coordinator(const dial_options& how, const hello& first);

} // namespace troupe::cluster
