#include "monitoring/metrics.hpp"

#include <tuple>
#include <variant>

#include "monitoring/contribution_figures.hpp"
#include "monitoring/figure_register.hpp"
#include "monitoring/member_figures.hpp"
#include "monitoring/mesh_figures.hpp"
#include "monitoring/model_figures.hpp"
#include "monitoring/recovery_figures.hpp"
#include "monitoring/targets.hpp"
#include "monitoring/work_figures.hpp"

namespace troupe::monitoring {

struct metrics::state {
  figure_register figures;
  count_tally facts = figures.tally("facts_total", "Facts heard.");
  std::tuple<model_figures, work_figures, contribution_figures, member_figures,
      recovery_figures, mesh_figures>
      parts{figures, figures, figures, figures, figures, figures};
  std::shared_ptr<monitoring::targets> serving =
      std::make_shared<monitoring::targets>();

  // A part hears of what it has a say on.
  void hear(const fact& f) {
    const auto tell = [&f](auto& part) {
      std::visit(
          [&](const auto& what) {
            if constexpr (requires { part.hear(what); })
              part.hear(what);
            else if constexpr (requires { part.hear(what, f.at); })
              part.hear(what, f.at);
          },
          f.what);
    };
    std::apply([&](auto&... part) { (tell(part), ...); }, parts);
    tell(*serving);
    facts.add();
  }

  void flush() {
    facts.flush();
    std::apply([](auto&... part) { (part.flush(), ...); }, parts);
  }
};

metrics::metrics() : state_(std::make_unique<state>()) {}
metrics::~metrics() = default;
metrics::metrics(metrics&&) noexcept = default;
metrics& metrics::operator=(metrics&&) noexcept = default;

void metrics::take_up(const facts::evaluated& last) {
  std::get<model_figures>(state_->parts).take_up(last);
}

void metrics::began_after(double seconds) {
  std::get<recovery_figures>(state_->parts).began_after(seconds);
}

void metrics::add(const std::vector<fact>& batch) {
  for (const auto& f : batch)
    state_->hear(f);
  if (!batch.empty())
    std::get<work_figures>(state_->parts).wait_until(batch.back().at);
  state_->flush();
}

std::shared_ptr<prometheus::Collectable> metrics::collectable() const {
  return state_->figures.all();
}

std::shared_ptr<const targets> metrics::nodes() const {
  return state_->serving;
}

} // namespace troupe::monitoring
