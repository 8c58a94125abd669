// movements.cpp: transpose and reshape.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "types.hpp"

namespace wherry::named {
namespace {

kernel_program transpose(const kernel_call& call) {
  const std::size_t rank = call.input(0).dims.rank();
  const std::vector<double>& given = call.list("permutation");
  extents permutation;
  if (given.empty()) {
    for (std::size_t i = rank; i-- > 0;) permutation.push_back(static_cast<std::int64_t>(i));
  } else {
    for (const double axis : given)
      permutation.push_back(
          static_cast<std::int64_t>(std::trunc(axis) == axis && std::abs(axis) < 1e9 ? axis : -1));
    extents sorted = permutation, all(rank);
    std::sort(sorted.begin(), sorted.end());
    std::iota(all.begin(), all.end(), std::int64_t{0});
    if (sorted != all) {
      call.refuse_parameter("permutation",
                            "each axis from 0 to " + std::to_string(static_cast<int>(rank) - 1) + " once");
    }
  }
  composition p(call);
  return p.returning(p.transpose(p.input(0), permutation));
}

kernel_program reshape(const kernel_call& call) {
  const std::int64_t elements = call.input(0).dims.elements();
  extents dims;
  std::int64_t known = 1;
  int open = 0;
  for (const double extent : call.list("shape")) {
    if (std::trunc(extent) != extent || extent < -1 || extent > 1e15 || (extent == -1 && ++open > 1))
      call.refuse_parameter("shape", "extents of 0 or more, at most one of them -1");
    dims.push_back(static_cast<std::int64_t>(extent));
    if (extent != -1 && __builtin_mul_overflow(known, dims.back(), &known)) known = -1;
    if (known < 0) break;
  }
  const std::string wanted = std::to_string(elements) + " elements";
  if (open != 0 && known > 0 && elements % known == 0) {
    *std::find(dims.begin(), dims.end(), -1) = elements / known;
  } else if (open != 0 || known != elements) {
    call.refuse_parameter("shape", "a shape of " + wanted + " like " + to_string(call.input(0)));
  }
  composition p(call);
  return p.returning(p.reshape(p.input(0), shape(dims)));
}

}  // namespace

void add_movements(named_kernels& to) {
  add(to,
      {.name = "transpose",
       .family = "compute",
       .formula = "axis i of the result is axis permutation[i] of x",
       .inputs = {{"x", "any shape and element type"}},
       .output = "x with its axes in another order",
       .parameters = {numbers("permutation", std::vector<double>{}, -unbounded, unbounded,
                              "none: the axes in reverse")}},
      transpose);
  add(to,
      {.name = "reshape",
       .family = "compute",
       .formula = "the elements of x in the same order",
       .inputs = {{"x", "any shape and element type"}},
       .output = "of the given shape",
       .parameters = {numbers("shape", std::nullopt, -unbounded, unbounded,
                              "extents; one may be -1: what is left")}},
      reshape);
}

}  // namespace wherry::named
