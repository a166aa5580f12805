#include "runtime/cli/command.hpp"

#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  troupe::cli::brace();
  std::vector<std::string> words{argv + (argc > 0 ? 1 : 0), argv + argc};
  troupe::cli::console to{std::cout, std::cerr};
  return troupe::cli::act(words, to);
}
