#include "runtime/cluster/rendezvous.hpp"

#include <algorithm>
#include <future>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "gpu/kernel_sets.hpp"
#include "runtime/cluster/neighbours.hpp"
#include "runtime/company/restart.hpp"
#include "runtime/release.hpp"

namespace troupe::cluster {
namespace {

constexpr clock::duration longest_pause = std::chrono::seconds{5};

std::uint64_t any_number() {
  std::random_device source;
  return std::uint64_t{source()} << 32 | source();
}

// As an IPv4 address, if it is one.
std::string own_host_of(stream& of) {
  network_error error;
  const auto end = of.socket().local_endpoint(error);
  if (error)
    return {};
  auto address = end.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address.to_string();
}

// Who it is, and how it computes or could.
hello introduction(const join_options& how, const std::string& name) {
  hello result{errand::node, name, any_number(), troupe::release(), how.silence,
      how.resident, gpu::numeric_fingerprint(), {}};
  for (auto set : gpu::kernel_sets())
    if (gpu::can_compute_by(set))
      result.lowerable.push_back(gpu::fingerprint_by(set));
  return result;
}

} // namespace

rendezvous::rendezvous(const join_options& how,
    std::shared_ptr<node_watch> watch, asio::io_context& on, voice say)
    : how_(how),
      name_(how.name),
      watch_(std::move(watch)),
      on_(on),
      say_(std::move(say)) {
  prepare_channels();
  if (how.tls.empty())
    return;
  tls_ = std::make_unique<tls_source>(how.tls, how.name);
  name_ = tls_->own_name();
  certificates_ = std::make_unique<certificate_watch>(
      on,
      [this](const std::string& serial) { return tls_->is_revoked(serial); },
      [](line& with, const std::string& fault) {
        with.send(farewell{"the coordinator's certificate " + fault, false, 0});
        with.expel("its certificate " + fault);
      });
}

dial_options rendezvous::dialling() const {
  dial_options result{monitoring::endpoint::parse(how_.at), {}, {}};
  result.connections.silence = std::chrono::duration_cast<clock::duration>(
      std::chrono::duration<double>(how_.silence));
  result.connections.figures = watch_->wires();
  if (tls_)
    result.tls = [this] { return tls_->now(); };
  return result;
}

// Those that there are go on with theirs.
void rendezvous::watch_certificate(
    const std::shared_ptr<line>& at, connection& over) {
  if (certificates_)
    certificates_->add(at, shown_by(over.over()));
}

// The run's kernels are chosen when a process starts.
void rendezvous::meet_halfway(const lower& what) const {
  for (auto set : gpu::kernel_sets()) {
    if (!gpu::can_compute_by(set) ||
        gpu::fingerprint_by(set) != what.fingerprint)
      continue;
    say_(fmt::format("the run at {} computes by {}, and so does this node from "
                     "here on\n",
        how_.at, set));
    restart_computing_by(set);
  }
  throw refused("it asks for the numeric fingerprint " + what.fingerprint +
                ", which this machine does not have");
}

// Throws `refused`. None: nobody answered, for what `why` says.
std::optional<session> rendezvous::try_once(std::string& why) {
  const auto first = introduction(how_, name_);
  std::promise<std::pair<std::shared_ptr<line>, frame>> met;
  std::string own_host;
  auto answer = met.get_future();
  dial(
      on_, dialling(), first,
      [&](const std::shared_ptr<connection>& over, frame&& said) {
        auto at = std::make_shared<line>(over);
        at->open();
        watch_certificate(at, *over);
        own_host = own_host_of(over->over());
        met.set_value({at, std::move(said)});
      },
      [&](const std::string& text) {
        why = text;
        met.set_value({nullptr, {}});
      });
  auto [at, said] = answer.get();
  watch_->dialled(bool{at});
  if (!at)
    return std::nullopt;
  if (auto* no = std::get_if<refusal>(&said))
    throw refused(no->why);
  if (auto* other = std::get_if<lower>(&said))
    meet_halfway(*other);
  auto* yes = std::get_if<welcome>(&said);
  if (!yes)
    throw refused("the coordinator did not answer what it was asked");
  return session{
      first.session, std::move(at), std::move(*yes), std::move(own_host)};
}

// None: it leaves before anybody has answered.
std::optional<session> rendezvous::meet(const pause& rest) {
  std::mt19937_64 dice{any_number()};
  std::uniform_real_distribution<double> jitter{0.5, 1.5};
  std::string told;
  for (auto length = shortest_pause;;
       length = std::min(2 * length, longest_pause)) {
    std::string why;
    if (auto result = try_once(why))
      return result;
    if (why != std::exchange(told, why))
      say_(fmt::format("waiting for {}: {}\n", how_.at, why));
    if (!rest(
            std::chrono::duration_cast<clock::duration>(length * jitter(dice))))
      return std::nullopt;
  }
}

} // namespace troupe::cluster
