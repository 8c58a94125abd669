// version.hpp: the version of the library; the build reads it from here.
#pragma once

#include <string_view>

namespace wherry {

inline constexpr std::string_view version = "0.1.0";

}  // namespace wherry
