// usage_error.hpp: what a subcommand throws about what the user gave.
#pragma once

#include <stdexcept>

namespace wherry::cli {

/// Wrong usage, or input that cannot be used: exit code 2.
class usage_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace wherry::cli
