#include "monitoring/pages.hpp"

#include <exception>
#include <string_view>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>

namespace troupe::monitoring {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;

bool is_zero(beast::string_view quality) {
  return quality.find_first_not_of("0.") == beast::string_view::npos;
}

bool takes_gzip(const question& asked) {
  for (const auto& [name, parameters] :
      http::ext_list{asked[http::field::accept_encoding]}) {
    if (!beast::iequals(name, "gzip"))
      continue;
    for (const auto& [key, value] : parameters)
      if (beast::iequals(key, "q") && is_zero(value))
        return false;
    return true;
  }
  return false;
}

// HOST of HOST:PORT, as the visitor knows this machine.
std::string_view host_of(const question& asked) {
  const auto text = asked[http::field::host];
  std::string_view host{text.data(), text.size()};
  if (host.starts_with('['))
    return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

answer page(const question& asked, std::string text, const char* type) {
  answer result{http::status::ok, 11, std::move(text)};
  result.set(http::field::content_type, type);
  result.set(http::field::vary, "Accept-Encoding");
  if (takes_gzip(asked)) {
    result.body() = gzipped(result.body());
    result.set(http::field::content_encoding, "gzip");
  }
  return result;
}

answer figures(const question& asked, const site& of) {
  return page(
      asked, scrape(of.figures), "text/plain; version=0.0.4; charset=utf-8");
}

answer discovery(const question& asked, const site& of) {
  return page(asked, of.all->text(of.here, host_of(asked)), "application/json");
}

answer not_there(const site& of) {
  return in_words(http::status::not_found,
      of.all ? "metrics are at /metrics, and who else has some at /sd\n"
             : "metrics are at /metrics\n");
}

answer not_so() {
  auto result =
      in_words(http::status::method_not_allowed, "metrics are there to GET\n");
  result.set(http::field::allow, "GET, HEAD");
  return result;
}

} // namespace

answer in_words(http::status what, std::string text) {
  answer result{what, 11, std::move(text)};
  result.set(http::field::content_type, "text/plain; charset=utf-8");
  return result;
}

answer answer_to(const question& asked, const site& of) {
  const auto target = asked.target();
  const auto path = target.substr(0, target.find('?'));
  const bool is_discovery = of.all && path == "/sd";
  if (path != "/metrics" && !is_discovery)
    return not_there(of);
  if (asked.method() != http::verb::get && asked.method() != http::verb::head)
    return not_so();
  try {
    return is_discovery ? discovery(asked, of) : figures(asked, of);
  } catch (const std::exception& failure) {
    return in_words(http::status::internal_server_error,
        std::string{failure.what()} + "\n");
  }
}

} // namespace troupe::monitoring
