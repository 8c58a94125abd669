// compute.hpp: one block of C as a sequence of tiles, for packed and for direct operands.
#pragma once

#include "gemm_parameters.hpp"
#include "tile.hpp"

namespace wherry::kernels::WHERRY_KERNELS_ISA {

/// Vectors of columns that a tile of R rows takes when B is read once: enough chains of multiply-adds to
/// hide their latency, and long runs of each row of B.
template <int R>
inline constexpr int wide_vectors = vector_bytes == 64 ? (R <= 2 ? 8 : 4)
                                    : R == 1           ? 8
                                    : R == 2           ? 4
                                                       : 0;

/// Walks `columns` columns with wide tiles of R rows, the rest with narrower ones. B is not packed.
template <class T, int R>
void wide_row(tile_operands<T> t, index columns) {
  constexpr index width = wide_vectors<R> * lanes<T>;
  while (columns > 0) {
    index step = width;
    if (columns >= width) {
      t.last = lanes<T>;
      tile_of_form<T, R, wide_vectors<R>, false>(t);
    } else {
      step = columns < tile_columns<T> ? columns : tile_columns<T>;
      tile_of_columns<T, R, tile_vectors>(t, step);
    }
    t.b += step;
    t.c += step * t.c_column_stride;
    columns -= step;
  }
}

/// Returns whether it computed the block: few rows and B direct.
template <class T, int R = 4>
bool wide_block(const tile_operands<T>& t, index rows, index columns) {
  if constexpr (R > 1) {
    if (rows < R) return wide_block<T, R - 1>(t, rows, columns);
  }
  if constexpr (wide_vectors<R> > 0) {
    if (rows == R) {
      wide_row<T, R>(t, columns);
      return true;
    }
  }
  return false;
}

/// Native kernel; see `gemm_parameters`. `b_column_stride` is 1 unless B is packed, and one of A's
/// strides is 1 unless A is packed.
template <class T>
void compute(void* const* slots, index lo, index hi) {
  const auto& p = *static_cast<const gemm_parameters*>(slots[3]);
  const index row_blocks = (p.rows + p.block_rows - 1) / p.block_rows;
  const index column_blocks = (p.columns + p.block_columns - 1) / p.block_columns;
  for (index unit = lo; unit < hi; ++unit) {
    const index batch = unit / (row_blocks * column_blocks);
    const index row = unit % row_blocks * p.block_rows;
    const index column = unit / row_blocks % column_blocks * p.block_columns;
    const index row_end = row + p.block_rows < p.rows ? row + p.block_rows : p.rows;
    const index column_end = column + p.block_columns < p.columns ? column + p.block_columns : p.columns;

    const T* const a = static_cast<const T*>(slots[0]) + batch * p.a_batch_stride;
    const T* const b = static_cast<const T*>(slots[1]) + batch * p.b_batch_stride;
    T* const c = static_cast<T*>(slots[2]) + batch * p.c_batch_stride;
    tile_operands<T> t{};
    t.a_row_stride = p.a_packed != 0 ? 1 : p.a_row_stride;
    t.a_depth_stride = p.a_packed != 0 ? tile_rows : p.a_depth_stride;
    t.b_depth_stride = p.b_packed != 0 ? tile_columns<T> : p.b_depth_stride;
    t.c_row_stride = p.c_row_stride;
    t.c_column_stride = p.c_column_stride;

    index k = 0;
    do {  // once for a depth of 0 too: the sum is then zero
      t.depth = k + p.block_depth < p.depth ? p.block_depth : p.depth - k;
      t.accumulate = k > 0;
      if (p.b_packed == 0 && p.a_packed == 0) {
        t.a = a + row * p.a_row_stride + k * p.a_depth_stride;
        t.b = b + k * p.b_depth_stride + column;
        t.c = c + row * p.c_row_stride + column * p.c_column_stride;
        if (wide_block(t, row_end - row, column_end - column)) continue;
      }
      for (index j = column; j < column_end; j += tile_columns<T>) {
        const index columns = column_end - j < tile_columns<T> ? column_end - j : tile_columns<T>;
        t.b = p.b_packed != 0 ? b + j * p.depth + k * tile_columns<T> : b + k * p.b_depth_stride + j;
        for (index i = row; i < row_end; i += tile_rows) {
          const index rows = row_end - i < tile_rows ? row_end - i : tile_rows;
          t.a = p.a_packed != 0 ? a + i * p.depth + k * tile_rows
                                : a + i * p.a_row_stride + k * p.a_depth_stride;
          t.c = c + i * p.c_row_stride + j * p.c_column_stride;
          tile_of_rows<T>(t, rows, columns);
        }
      }
    } while ((k += p.block_depth) < p.depth);
  }
}

}  // namespace wherry::kernels::WHERRY_KERNELS_ISA
