#include "runtime/cluster/coordinator.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

#include <boost/asio/ip/address.hpp>
#include <caf/scoped_actor.hpp>
#include <fmt/format.h>

#include "actors/cluster/door.hpp"
#include "actors/cluster/rank_door.hpp"
#include "actors/cluster/registrar.hpp"
#include "gpu/device.hpp"
#include "runtime/cluster/ears.hpp"
#include "runtime/cluster/tls_source.hpp"
#include "runtime/release.hpp"

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

coordinator::coordinator(const listening& how, std::uint64_t most_values,
    double max_norm, std::shared_ptr<monitoring::wire_figures> figures)
    : how_(how), most_values_(most_values) {
  const auto where = monitoring::endpoint::parse(how.at);
  if (how.tls.empty() && !how.insecure && !is_loopback(where.host))
    throw std::runtime_error(fmt::format(
        "--listen {} is open to other machines: it takes --tls DIR, with what "
        "`troupe certs init DIR` makes, or --insecure",
        how.at));
  if (!how.tls.empty())
    tls_ = std::make_unique<tls_source>(how.tls);
  port_options what{
      where, {}, {}, connections_for(how), most_values * sizeof(float)};
  what.max_norm = max_norm;
  what.connections.figures = std::move(figures);
  if (tls_) {
    what.tls = [this] { return tls_->now(); };
    what.revoked = [this](const std::string& serial) {
      return tls_->is_revoked(serial);
    };
  }
  port_ = std::make_unique<port>(std::move(what));
}

coordinator::~coordinator() = default;

registrar coordinator::prepare(
    caf::actor_system& system, head whom, cluster_run what) {
  system_ = &system;
  whom_ = std::move(whom);
  run_ = std::move(what);
  registrar_options ruled;
  ruled.rule.build = troupe::release();
  ruled.rule.fingerprint = gpu::numeric_fingerprint();
  ruled.rule.devices = run_.fingerprint;
  ruled.rule.any_fingerprint = how_.any_fingerprint;
  ruled.rule.wanted = how_.nodes;
  ruled.rule.silence = duration{}; // connections see to it
  ruled.rule.preparation = from_seconds(how_.preparation);
  ruled.incarnation = run_.incarnation;
  ruled.from = run_.from;
  ruled.tell =
      std::visit([](const auto& one) { return roll_reader{one}; }, whom_);
  if (const auto* one = std::get_if<aggregator>(&whom_))
    ruled.rules = *one;
  ruled.residents = run_.residents;
  ruled.first_resident = run_.placed;
  ruled.known = run_.known;
  return registrar_ = system.spawn<registrar_impl>(std::move(ruled));
}

welcome coordinator::greeting() const {
  return {{}, 0, run_.configuration, run_.from, run_.fingerprint, 0, run_.home};
}

void coordinator::meet(const aggregator& whom, const candidate& who,
    const std::shared_ptr<line>& at) const {
  auto made = system_->spawn<door_impl>(door_options{who, at, registrar_, whom,
      greeting(), run_.values, most_values_, run_.max_norm});
  at->listen(ears_of<ready, update, failure, evaluated_part, part_begun, drain,
      farewell>(made, at));
}

void coordinator::meet(const parallel::conductor& whom, const candidate& who,
    const std::shared_ptr<line>& at) const {
  auto made = system_->spawn<rank_door_impl>(
      rank_door_options{who, at, registrar_, whom, greeting(), run_.ranks});
  at->listen(ears_of<ready, parallel::convened, parallel::mustered,
      parallel::advanced, parallel::assessed, parallel::handed,
      parallel::broken, drain, farewell>(made, at));
}

void coordinator::open() {
  const auto come = [this](
                        const candidate& who, const std::shared_ptr<line>& at) {
    std::visit([&](const auto& whom) { meet(whom, who, at); }, whom_);
  };
  const auto hear = [to = registrar_](
                        const hello& asked, std::shared_ptr<asker> from) {
    send_anonymously(to, inquiry{asked, std::move(from)});
  };
  const auto tell = [to = registrar_](
                        const std::string& who, const std::string& why) {
    send_anonymously(to, turned_away{who, why});
  };
  port_->open({come, hear, tell});
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
}

} // namespace troupe::cluster
