// typed.hpp: what the handlers of linear algebra have in common: types, counts and shapes.
//
// Threads: as the frame.
#pragma once

#include <type_traits>
#include <wherry/exec/kernel_registry.hpp>

#include "matrix.hpp"

namespace wherry::lapack {

inline void require_counts(const call_frame& c, std::size_t operands, std::size_t results) {
  if (c.operands() != operands)
    refuse("expected " + std::to_string(operands) + " operands, got " + std::to_string(c.operands()));
  if (c.results() != results)
    refuse("expected " + std::to_string(results) + " results, got " + std::to_string(c.results()));
}

/// Throws invalid_argument unless `value` has the batch dimensions of `like`, then `dims`. `like` has
/// matrices as its elements.
template <class View>
void require_dims(const View& value, const char* what, const call_operand& like,
                  std::initializer_list<std::int64_t> dims) {
  std::vector<std::int64_t> wanted(like.dims().begin(), like.dims().end() - 2);
  wanted.insert(wanted.end(), dims);
  const tensor_type expected{value.dtype(), shape(std::span<const std::int64_t>(wanted))};
  if (value.dims() != expected.dims)
    refuse(std::string(what) + ": expected " + to_string(expected) + ", got " + to_string(value.type()));
}

/// A handler that runs `Target<float>` or `Target<double>` by the element type of the first operand.
template <template <class> class Target>
call_handler by_type() {
  return {[](call_frame& c) -> absl::Status {
            const dtype type = c.operand(0).dtype();
            if (type == dtype::f32) return Target<float>::run(c);
            if (type == dtype::f64) return Target<double>::run(c);
            return absl::InvalidArgumentError("operation only supports f32 and f64");
          },
          {}};
}

inline absl::Status outcome(const char* routine, int info) {
  if (info == 0) return absl::OkStatus();
  return absl::InternalError(std::string(routine) + " failed with info = " + std::to_string(info));
}

/// The calls that JAX writes.
void register_jax_targets(kernel_registry& registry);

}  // namespace wherry::lapack
