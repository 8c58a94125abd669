// contract_parameters.hpp: the parameter blocks of the kernels of contract.hpp, from their last slot.
//
// As in gemm_parameters.hpp: plain int64 words that do not depend on an instruction set.
#pragma once

#include <cstdint>

namespace wherry::kernels {

/// Loops of one kind, after neighbours that are one loop have been joined.
inline constexpr std::int64_t most_loops = 8;
/// Terms of a sum that are gathered and added in one go.
inline constexpr std::int64_t gathered_depth = 256;
/// Elements of A that a unit of work gathers at a time, at most; B's are a strip of columns.
inline constexpr std::int64_t gathered_rows = 64;

/// Nested loops, the innermost last; `count` is at least 1.
struct loop_nest {
  std::int64_t count;
  std::int64_t extents[most_loops];
};
struct loop_strides {
  std::int64_t strides[most_loops];
};

/// Slots: source, destination, parameters. Writes the panels (`panel` of gemm_parameters.hpp) of each matrix
/// of a batch; the packed matrix takes `packed_batch` elements. Unit of work: a strip of one matrix, strips
/// fastest.
struct contract_pack_parameters {
  std::int64_t lines;
  std::int64_t depth;
  std::int64_t strip;
  std::int64_t kind;
  std::int64_t packed_batch;
  loop_nest batch_loops;
  loop_strides batch_strides;
  loop_nest line_loops;
  loop_strides line_strides;
  loop_nest depth_loops;
  loop_strides depth_strides;
};

/// Slots: A, B, C, parameters. Of a packed operand the batch strides count in its packed form.
/// Unit of work: a block of `block_rows` x `block_columns` of one C, row blocks fastest. Of an operand that
/// is not packed, a block of `block_depth` terms fits into what a unit gathers.
struct contract_parameters {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t depth;
  std::int64_t block_rows;
  std::int64_t block_columns;
  std::int64_t block_depth;
  std::int64_t a_packed;
  std::int64_t b_packed;
  std::int64_t c_row_stride;
  std::int64_t c_column_stride;
  loop_nest batch_loops;
  loop_strides batch_a;
  loop_strides batch_b;
  loop_strides batch_c;
  loop_nest row_loops;
  loop_strides row_strides;
  loop_nest column_loops;
  loop_strides column_strides;
  loop_nest depth_loops;
  loop_strides depth_a;
  loop_strides depth_b;
};

}  // namespace wherry::kernels
