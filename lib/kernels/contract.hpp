// contract.hpp: plans a product of two tensors as launches of prebuilt kernels.
//
// Like gemm.hpp, where rows, columns, the sum and the batch may each be several nested loops with any
// strides: C[b, i, j] = sum over k of A[b, i, k] * B[b, k, j], and where i, say, stands for an image, a line
// and a point in it. Loops may overlap in memory, so that a convolution is such a product: the position of an
// element of its input is the sum of what its row (a position of the result) and its depth (a position in the
// window) say. No patches are ever written: the kernels gather a few rows at a time, in the order of use.
//
// Results depend on the instruction set and on the problem, never on the split or the number of workers.
// Sums are taken in blocks of at most 256 terms.
//
// Threads: any (pure functions).
#pragma once

#include <cstdint>
#include <vector>
#include <wherry/array/dtype.hpp>

#include "gemm.hpp"

namespace wherry::kernels {

/// One loop; strides of operands that do not have it are 0.
struct contract_loop {
  std::int64_t extent = 1;
  std::int64_t a = 0;
  std::int64_t b = 0;
  std::int64_t c = 0;
};

/// Loops from the outermost to the innermost.
struct contract_problem {
  dtype element = dtype::f32;  // f32 or f64
  std::vector<contract_loop> batch;
  std::vector<contract_loop> rows;     // of A and C
  std::vector<contract_loop> columns;  // of B and C
  std::vector<contract_loop> depth;    // of A and B
};

/// Returns true when the kernels take `problem`, and a matrix of it has at least 4 rows and columns: with
/// fewer, gathering would cost more than it saves. The elements of C must be distinct.
bool contract_supports(const contract_problem& problem);

/// Returns the launches for `problem`. Precondition: `contract_supports(problem)`.
gemm_plan plan_contract(const contract_problem& problem);

}  // namespace wherry::kernels
