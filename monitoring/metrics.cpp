#include "monitoring/metrics.hpp"

#include <tuple>
#include <variant>

#include "monitoring/figure_register.hpp"
#include "monitoring/member_figures.hpp"
#include "monitoring/model_figures.hpp"
#include "monitoring/work_figures.hpp"

namespace troupe::monitoring {

struct metrics::state {
  figure_register figures;
  count_tally facts = figures.tally("facts_total", "Facts heard.");
  std::tuple<model_figures, work_figures, member_figures> parts{
      figures, figures, figures};

  // A part hears of what it has a say on.
  void hear(const fact& f) {
    const auto tell = [&f](auto& part) {
      std::visit(
          [&part](const auto& what) {
            if constexpr (requires { part.hear(what); })
              part.hear(what);
          },
          f.what);
    };
    std::apply([&](auto&... part) { (tell(part), ...); }, parts);
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

void metrics::add(const std::vector<fact>& batch) {
  for (const auto& f : batch)
    state_->hear(f);
  state_->flush();
}

std::shared_ptr<prometheus::Collectable> metrics::collectable() const {
  return state_->figures.all();
}

} // namespace troupe::monitoring
