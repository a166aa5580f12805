#pragma once

#include "runtime/cli/arguments.hpp"
#include "runtime/exit_code.hpp"

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::cli {

/// Where a command speaks: results to `out`, troubles to `err`.
struct console {
  std::ostream& out;
  std::ostream& err;
};

/// One word behind `troupe`, with all that its help says.
struct command {
  std::string_view name;
  std::string_view operands; ///< as usage shows them: "CONFIG.toml"
  std::size_t least = 0;     ///< operands, at least
  std::size_t most = 0;      ///< operands, at most
  std::string_view summary;  ///< one line
  std::string_view details;  ///< paragraphs, examples
  std::vector<option> options;
  int (*act)(const arguments& given, console& to);
};

/// Every command, in the order in which help lists them.
std::span<const command> commands();

int run(const arguments& given, console& to);
int simulate(const arguments& given, console& to);
int evaluate(const arguments& given, console& to);
int check(const arguments& given, console& to);
int audit(const arguments& given, console& to);
int compare(const arguments& given, console& to);
int certs(const arguments& given, console& to);
int join(const arguments& given, console& to);
int status(const arguments& given, console& to);
int drain(const arguments& given, console& to);
int set(const arguments& given, console& to);
int show_topology(const arguments& given, console& to);
int show_devices(const arguments& given, console& to);
int show_version(const arguments& given, console& to);

/// The page that `troupe NAME --help` shows.
std::string help(const command& of);

/// Before anything else: ends where BLAS has no room; a reader that goes away
/// ends no process, and no file that is opened takes the place of a closed
/// stdin, stdout or stderr.
void brace();

/// The whole of `troupe`: finds the command, shows help, refuses what makes no
/// sense with code 2, answers 1 where an answer could not be written. `words`
/// is argv without the program's name.
int act(std::span<const std::string> words, console& to);

} // namespace troupe::cli
