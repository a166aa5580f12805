#pragma once

#include <string>
#include <string_view>

namespace troupe::monitoring {

/// Why a document is no well-formed XML, or nothing. Knows as much of XML as a
/// plot uses: one element with others in it, quoted attributes, text, entities.
std::string xml_fault(std::string_view text);

} // namespace troupe::monitoring
