// types.cpp: axes as parameters give them.
#include "types.hpp"

#include <algorithm>
#include <cmath>

namespace wherry::named {

extents axes_of(const kernel_call& call, std::string_view parameter, const std::vector<double>& given,
                std::size_t rank) {
  const auto r = static_cast<double>(rank);
  extents axes;
  for (const double axis : given) {
    if (std::trunc(axis) != axis || axis < -r || axis >= r) {
      call.refuse_parameter(parameter, rank == 0 ? "no axes of a scalar"
                                                 : "axes from " + std::to_string(-static_cast<int>(rank)) +
                                                       " to " + std::to_string(rank - 1));
    }
    axes.push_back(static_cast<std::int64_t>(axis < 0 ? axis + r : axis));
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    call.refuse_parameter(parameter, "axes that differ");
  return axes;
}

std::int64_t axis_of(const kernel_call& call, std::string_view parameter, std::size_t rank) {
  const auto axis = static_cast<double>(call.integer(parameter));
  return axes_of(call, parameter, {axis}, rank)[0];
}

}  // namespace wherry::named
