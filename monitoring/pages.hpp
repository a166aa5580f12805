#pragma once

#include <utility> // before Asio, which forgets it

#include <memory>
#include <string>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "monitoring/endpoint.hpp"
#include "monitoring/scrape.hpp"
#include "monitoring/targets.hpp"

namespace troupe::monitoring {

using question = boost::beast::http::request<boost::beast::http::empty_body>;
using answer = boost::beast::http::response<boost::beast::http::string_body>;

/// What there is to read, and where.
struct site {
  endpoint here;
  collectables figures;               ///< /metrics
  std::shared_ptr<const targets> all; ///< /sd; null: there is no such page
};

/// The page that was asked for, or why there is none: GET and HEAD, compressed
/// for whoever takes gzip. Never throws for what is in the question.
answer answer_to(const question& asked, const site& of);

answer in_words(boost::beast::http::status what, std::string text);

} // namespace troupe::monitoring
