// tile.hpp: the innermost part of the matrix product: one tile of C, held in registers.
//
// R rows by V vectors of C are summed over a range of k with one broadcast of A and one load of B at a
// time. Every element of C is one chain of multiply-adds in the order of k, whatever the tile's size, so
// results do not depend on how C was cut.
#pragma once

#include "vectors.hpp"

namespace wherry::kernels::WHERRY_KERNELS_ISA {

/// What a tile reads and writes; strides count elements.
template <class T>
struct tile_operands {
  const T* a;
  index a_row_stride;
  index a_depth_stride;
  const T* b;  // a row of B is contiguous
  index b_depth_stride;
  T* c;
  index c_row_stride;
  index c_column_stride;
  index depth;
  int last;         // columns in the last vector
  bool accumulate;  // add to C, else replace it
};

/// C of R x V vectors; of the last vector only the first `last` columns exist if `Partial`.
/// `Rows`: rows of A are contiguous (`a_depth_stride` 1), else columns are (`a_row_stride` 1).
template <class T, int R, int V, bool Partial, bool Rows>
[[gnu::noinline]] void tile(const tile_operands<T>& t) {
  constexpr int n = lanes<T>;
  vector<T, n> sum[R][V];
#pragma clang loop unroll(full)
  for (int r = 0; r < R; ++r) {
#pragma clang loop unroll(full)
    for (int v = 0; v < V; ++v) sum[r][v] = vector<T, n>(T{0});
  }

  const T* a = t.a;
  const T* b = t.b;
  const index row = Rows ? t.a_row_stride : 1;
  const index a_step = Rows ? 1 : t.a_depth_stride;
  const index b_step = t.b_depth_stride;
  const int last = t.last;
#pragma clang loop unroll_count(2)
  for (index k = t.depth; k > 0; --k) {
    vector<T, n> line[V];
#pragma clang loop unroll(full)
    for (int v = 0; v < V; ++v) {
      line[v] = Partial && v == V - 1 ? load_first<n>(b + v * n, last) : load<n>(b + v * n);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < R; ++r) {
      const vector<T, n> value = vector<T, n>(a[r * row]);
#pragma clang loop unroll(full)
      for (int v = 0; v < V; ++v) sum[r][v] = multiply_add(value, line[v], sum[r][v]);
    }
    a += a_step;
    b += b_step;
  }

  if (t.c_column_stride == 1) {
#pragma clang loop unroll(full)
    for (int r = 0; r < R; ++r) {
#pragma clang loop unroll(full)
      for (int v = 0; v < V; ++v) {
        T* const c = t.c + r * t.c_row_stride + v * n;
        if (Partial && v == V - 1) {
          store_first<n, T>(c, t.accumulate ? sum[r][v] + load_first<n>(c, last) : sum[r][v], last);
        } else {
          store<n, T>(c, t.accumulate ? sum[r][v] + load<n>(c) : sum[r][v]);
        }
      }
    }
    return;
  }
  const index columns = Partial ? (V - 1) * n + last : V * n;
  for (int r = 0; r < R; ++r) {
    T values[V * n];
    for (int v = 0; v < V; ++v) store<n, T>(values + v * n, sum[r][v]);
    for (index j = 0; j < columns; ++j) {
      T& c = t.c[r * t.c_row_stride + j * t.c_column_stride];
      c = t.accumulate ? values[j] + c : values[j];
    }
  }
}

template <class T, int R, int V, bool Partial>
inline void tile_of_form(const tile_operands<T>& t) {
  if (t.a_row_stride == 1) {
    tile<T, R, V, Partial, false>(t);
  } else {
    tile<T, R, V, Partial, true>(t);
  }
}

/// Runs the tile of R rows and `columns` <= V vectors of columns.
template <class T, int R, int V>
inline void tile_of_columns(tile_operands<T>& t, index columns) {
  constexpr int n = lanes<T>;
  if constexpr (V > 1) {
    if (columns <= (V - 1) * n) return tile_of_columns<T, R, V - 1>(t, columns);
  }
  t.last = static_cast<int>(columns - (V - 1) * n);
  if (t.last < n) {
    tile_of_form<T, R, V, true>(t);
  } else {
    tile_of_form<T, R, V, false>(t);
  }
}

/// Runs the tile of `rows` <= R rows and `columns` <= `tile_columns` columns.
template <class T, int R = tile_rows>
inline void tile_of_rows(tile_operands<T>& t, index rows, index columns) {
  if constexpr (R > 1) {
    if (rows < R) return tile_of_rows<T, R - 1>(t, rows, columns);
  }
  tile_of_columns<T, R, tile_vectors>(t, columns);
}

}  // namespace wherry::kernels::WHERRY_KERNELS_ISA
