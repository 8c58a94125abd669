// gemm.hpp: plans a matrix product as launches of prebuilt kernels.
//
// C[b] = A[b] * B[b] for b in [0, batch), with any strides. The planner looks at the problem and decides
// what is packed, which side plays A, and how C is cut; its answer is data that a compiler copies into a
// plan: launches in order, each over slots named here, with a parameter block that becomes a constant.
// Each launch must see the effects of the one before. The answer does not depend on the processor.
//
// Results depend on the instruction set and on the problem, never on the split or the number of workers.
// Sums over k are taken in blocks of at most 320 terms, in one go where there are at most 4 rows, or in
// one partial sum per vector lane (dot products, at most 16 rows). Multiply and add round once with AVX2
// and AVX-512. Padding never meets data, so NaN and infinity go where the definition sends them.
//
// Threads: any (pure functions).
#pragma once

#include <cstdint>
#include <vector>
#include <wherry/array/dtype.hpp>

namespace wherry::kernels {

/// Strides count elements and may be anything for A and B, 0 too; the elements of C are distinct.
struct matrix_strides {
  std::int64_t row = 0;
  std::int64_t column = 0;
  std::int64_t batch = 0;
};

struct gemm_problem {
  dtype element = dtype::f32;  // f32 or f64
  std::int64_t m = 0;          // rows of A and C
  std::int64_t n = 0;          // columns of B and C
  std::int64_t k = 0;          // columns of A, rows of B
  std::int64_t batch = 1;
  matrix_strides a;
  matrix_strides b;
  matrix_strides c;
};

/// A slot of a launch. `scratch` starts `scratch_offset` bytes into the scratch memory.
struct gemm_slot {
  enum class operand : std::uint8_t { a, b, c, scratch, parameters };
  operand what = operand::a;
  std::int64_t scratch_offset = 0;
  std::int64_t scratch_bytes = 0;
};

struct gemm_launch {
  const char* kernel = nullptr;  // a name in the kernel registry
  std::vector<gemm_slot> slots;  // in the kernel's order; the last one is `parameters`
  std::vector<std::int64_t> parameters;
  std::int64_t extent = 0;  // units of work
  double cost_ns = 0;       // estimate for one unit on one core
};

struct gemm_plan {
  std::int64_t scratch_bytes = 0;     // aligned to 64, contents undefined before and after
  std::vector<gemm_launch> launches;  // none if C has no elements
};

/// Returns true when the kernels can multiply matrices of `element`.
constexpr bool gemm_supports(dtype element) noexcept {
  return element == dtype::f32 || element == dtype::f64;
}

/// Returns the launches for `problem`. Precondition: `gemm_supports(problem.element)`, extents >= 0.
gemm_plan plan_gemm(const gemm_problem& problem);

}  // namespace wherry::kernels
