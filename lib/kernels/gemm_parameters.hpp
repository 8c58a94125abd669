// gemm_parameters.hpp: the parameter blocks that the matrix kernels read from their last slot.
//
// Plain int64 words, because a plan stores them as constants. Nothing in them depends on an instruction
// set: tile and panel sizes belong to the kernels, and blocks are multiples of every panel width, so a
// plan made on one machine runs on another. Extents and strides count elements.
#pragma once

#include <cstdint>

namespace wherry::kernels {

/// Columns of B that one unit of packing takes: a multiple of every instruction set's panel (32, 24, 8
/// columns of f32; half of that for f64).
template <class T>
inline constexpr std::int64_t column_strip = 384 / static_cast<std::int64_t>(sizeof(T));

/// Rows of A that one unit of packing takes: a multiple of every instruction set's panel (8, 4, 4 rows).
inline constexpr std::int64_t row_strip = 8;

/// How `pack` arranges what it writes: panels of `width` lines, each panel [depth][width].
enum class panel : std::int64_t {
  rows = 0,     // width of a row panel of A
  columns = 1,  // width of a column panel of B
  line = 2,     // width 1: every line contiguous
};

/// Slots: source, destination, parameters. A line is a row of A or a column of B. Line l of matrix b
/// starts at `b * batch_stride + l * line_stride`; the packed matrix takes `packed_batch` elements.
/// Unit of work: one strip of one matrix, strips fastest.
struct pack_parameters {
  std::int64_t lines;
  std::int64_t depth;
  std::int64_t line_stride;
  std::int64_t depth_stride;
  std::int64_t batch_stride;
  std::int64_t packed_batch;
  std::int64_t strip;
  std::int64_t kind;  // panel
};

/// Slots: A, B, C, parameters. C[b] = A[b] * B[b]. A packed operand has its batch stride only.
/// Unit of work: a block of `block_rows` x `block_columns` of one C, row blocks fastest.
struct gemm_parameters {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t depth;
  std::int64_t block_rows;
  std::int64_t block_columns;
  std::int64_t block_depth;  // the sum over k is taken in blocks of this many terms
  std::int64_t a_packed;
  std::int64_t a_row_stride;
  std::int64_t a_depth_stride;
  std::int64_t a_batch_stride;
  std::int64_t b_packed;
  std::int64_t b_depth_stride;
  std::int64_t b_column_stride;
  std::int64_t b_batch_stride;
  std::int64_t c_row_stride;
  std::int64_t c_column_stride;
  std::int64_t c_batch_stride;
};

}  // namespace wherry::kernels
