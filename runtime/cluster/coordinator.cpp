#include "runtime/cluster/coordinator.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <caf/scoped_actor.hpp>
#include <fmt/format.h>

#include "actors/cluster/door.hpp"
#include "actors/cluster/registrar.hpp"
#include "runtime/cluster/ears.hpp"
#include "runtime/cluster/tls_source.hpp"

namespace troupe::cluster {
namespace {

constexpr std::chrono::seconds farewell_time{2};

bool is_loopback(const std::string& host) {
  network_error error;
  const auto address = asio::ip::make_address(host, error);
  return host == "localhost" || (!error && address.is_loopback());
}

connection_options connections_for(const listening& how) {
  connection_options result;
  result.silence = std::chrono::duration_cast<clock::duration>(
      std::chrono::duration<double>(how.silence));
  return result;
}

} // namespace

coordinator::coordinator(const listening& how, std::uint64_t values)
    : how_(how) {
  const auto where = monitoring::endpoint::parse(how.at);
  if (how.tls.empty() && !how.insecure && !is_loopback(where.host))
    throw std::runtime_error(fmt::format(
        "--listen {} is open to other machines: it takes --tls DIR, with what "
        "`troupe certs init DIR` makes, or --insecure",
        how.at));
  if (!how.tls.empty())
    tls_ = std::make_unique<tls_source>(how.tls);
  port_options what{where, {}, connections_for(how), values * sizeof(float)};
  if (tls_)
    what.tls = [this] { return tls_->now(); };
  port_ = std::make_unique<port>(std::move(what));
}

coordinator::~coordinator() = default;

void coordinator::open(
    caf::actor_system& system, const aggregator& whom, cluster_run what) {
  system_ = &system;
  registrar_options ruled;
  ruled.rule.fingerprint = what.fingerprint;
  ruled.rule.any_fingerprint = how_.any_fingerprint;
  ruled.rule.wanted = what.nodes;
  ruled.rule.silence = duration{}; // connections see to it
  ruled.incarnation = what.incarnation;
  ruled.from = what.from;
  ruled.tell = whom;
  registrar_ = system.spawn<registrar_impl>(std::move(ruled));
  welcome greeting{{}, 0, what.configuration, what.from, what.fingerprint};
  port_->open({.node =
                   [&system, whom, greeting, values = what.values,
                       to = registrar_](
                       const candidate& who, const std::shared_ptr<line>& at) {
                     auto made = system.spawn<door_impl>(
                         door_options{who, at, to, whom, greeting, values});
                     at->listen(ears_of<ready, update, failure, evaluated_part,
                         part_begun, drain, farewell>(made, at));
                   },
      .asker =
          [to = registrar_](const hello& asked, std::shared_ptr<asker> from) {
            send_anonymously(to, inquiry{asked, std::move(from)});
          }});
}

void coordinator::close() {
  port_->close();
}

void coordinator::dismiss(const farewell& how) {
  if (!registrar_)
    return;
  caf::scoped_actor self{*system_};
  watch(self.ptr(), registrar_);
  send_anonymously(registrar_, dismissal{how});
  self->receive(
      [](const caf::down_msg&) {}, caf::after(farewell_time) >> [] {});
  caf::anon_send_exit(registrar_, caf::exit_reason::user_shutdown);
  registrar_ = registrar{};
}

} // namespace troupe::cluster
