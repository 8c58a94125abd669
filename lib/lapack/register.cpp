// register.cpp: registers the targets before `main`, wherever wherry::lapack is linked.
#include "targets.hpp"

namespace {
[[maybe_unused]] const bool registered = (wherry::lapack::register_targets(), true);
}  // namespace
