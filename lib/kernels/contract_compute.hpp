// contract_compute.hpp: one block of C from operands that are packed or gathered where they are needed.
#pragma once

#include "gather.hpp"
#include "tile.hpp"

namespace wherry::kernels::WHERRY_KERNELS_ISA {

/// Native kernel; see `contract_parameters`.
template <class T>
void contract(void* const* slots, index lo, index hi) {
  const auto& p = *static_cast<const contract_parameters*>(slots[3]);
  alignas(64) T a_block[gathered_rows * gathered_depth];
  alignas(64) T b_block[column_strip<T> * gathered_depth];
  const index row_blocks = (p.rows + p.block_rows - 1) / p.block_rows;
  const index column_blocks = (p.columns + p.block_columns - 1) / p.block_columns;
  for (index unit = lo; unit < hi; ++unit) {
    const index batch = unit / (row_blocks * column_blocks);
    const index row = unit % row_blocks * p.block_rows;
    const index column = unit / row_blocks % column_blocks * p.block_columns;
    const index row_end = row + p.block_rows < p.rows ? row + p.block_rows : p.rows;
    const index column_end = column + p.block_columns < p.columns ? column + p.block_columns : p.columns;
    const T* const a =
        static_cast<const T*>(slots[0]) + loop_walker(p.batch_loops, p.batch_a, batch).offset();
    const T* const b =
        static_cast<const T*>(slots[1]) + loop_walker(p.batch_loops, p.batch_b, batch).offset();
    T* const c = static_cast<T*>(slots[2]) + loop_walker(p.batch_loops, p.batch_c, batch).offset();

    tile_operands<T> t{};
    t.a_row_stride = 1;
    t.a_depth_stride = tile_rows;
    t.b_depth_stride = tile_columns<T>;
    t.c_row_stride = p.c_row_stride;
    t.c_column_stride = p.c_column_stride;
    for (index k = 0; k < p.depth; k += p.block_depth) {
      t.depth = k + p.block_depth < p.depth ? p.block_depth : p.depth - k;
      t.accumulate = k > 0;
      if (p.a_packed == 0)
        gather_panels<T, tile_rows>(a, p.row_loops, p.row_strides, row, row_end - row, p.depth_loops,
                                    p.depth_a, k, t.depth, a_block);
      if (p.b_packed == 0)
        gather_panels<T, tile_columns<T>>(b, p.column_loops, p.column_strides, column, column_end - column,
                                          p.depth_loops, p.depth_b, k, t.depth, b_block);
      for (index j = column; j < column_end; j += tile_columns<T>) {
        const index columns = column_end - j < tile_columns<T> ? column_end - j : tile_columns<T>;
        t.b = p.b_packed != 0 ? b + j * p.depth + k * tile_columns<T> : b_block + (j - column) * t.depth;
        for (index i = row; i < row_end; i += tile_rows) {
          const index rows = row_end - i < tile_rows ? row_end - i : tile_rows;
          t.a = p.a_packed != 0 ? a + i * p.depth + k * tile_rows : a_block + (i - row) * t.depth;
          t.c = c + i * p.c_row_stride + j * p.c_column_stride;
          tile_of_rows<T>(t, rows, columns);
        }
      }
    }
  }
}

}  // namespace wherry::kernels::WHERRY_KERNELS_ISA
