// dot.hpp: the matrix product of few rows where both operands are contiguous along k: dot products.
//
// Vectors run along k, so nothing is packed or transposed; good while A has few rows, because B is then
// read once at the speed of memory. Every element of C is one vector of partial sums in the order of k,
// whatever the group it was computed in.
#pragma once

#include "gemm_parameters.hpp"
#include "vectors.hpp"

namespace wherry::kernels::WHERRY_KERNELS_ISA {

template <class T, int N>
inline T sum_of_lanes(vector<T, N> v) {
  if constexpr (N == 2) {
    return v[0] + v[1];
  } else {
    return sum_of_lanes<T, N / 2>(v.lo + v.hi);
  }
}

/// R rows of A (`a_row_stride` apart) with C columns of B (`b_column_stride` apart).
template <class T, int R, int C>
void dot_group(const gemm_parameters& p, const T* a, const T* b, T* c, index depth) {
  constexpr int n = lanes<T>;
  vector<T, n> sum[R][C];
#pragma clang loop unroll(full)
  for (int r = 0; r < R; ++r) {
#pragma clang loop unroll(full)
    for (int j = 0; j < C; ++j) sum[r][j] = vector<T, n>(T{0});
  }
  index k = 0;
  for (; k + n <= depth; k += n) {
    vector<T, n> row[R];
#pragma clang loop unroll(full)
    for (int r = 0; r < R; ++r) row[r] = load<n>(a + r * p.a_row_stride + k);
#pragma clang loop unroll(full)
    for (int j = 0; j < C; ++j) {
      const vector<T, n> column = load<n>(b + j * p.b_column_stride + k);
#pragma clang loop unroll(full)
      for (int r = 0; r < R; ++r) sum[r][j] = multiply_add(row[r], column, sum[r][j]);
    }
  }
  if (const int left = static_cast<int>(depth - k); left > 0) {
#pragma clang loop unroll(full)
    for (int j = 0; j < C; ++j) {
      const vector<T, n> column = load_first<n>(b + j * p.b_column_stride + k, left);
#pragma clang loop unroll(full)
      for (int r = 0; r < R; ++r) {
        const vector<T, n> row = load_first<n>(a + r * p.a_row_stride + k, left);
        sum[r][j] = multiply_add(row, column, sum[r][j]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int j = 0; j < C; ++j) {
      c[r * p.c_row_stride + j * p.c_column_stride] = sum_of_lanes<T, n>(sum[r][j]);
    }
  }
}

template <class T, int R>
void dot_columns(const gemm_parameters& p, const T* a, const T* b, T* c, index columns) {
  constexpr int group = vector_bytes == 64 && R == 1 ? 8 : R == 4 && vector_bytes < 64 ? 2 : 4;
  index j = 0;
  for (; j + group <= columns; j += group) {
    dot_group<T, R, group>(p, a, b + j * p.b_column_stride, c + j * p.c_column_stride, p.depth);
  }
  for (; j < columns; ++j) {
    dot_group<T, R, 1>(p, a, b + j * p.b_column_stride, c + j * p.c_column_stride, p.depth);
  }
}

/// Native kernel; see `gemm_parameters`. `a_depth_stride` and `b_depth_stride` are 1, and a unit covers
/// all rows (`block_rows` >= `rows`).
template <class T>
void dot(void* const* slots, index lo, index hi) {
  const auto& p = *static_cast<const gemm_parameters*>(slots[3]);
  const index blocks = (p.columns + p.block_columns - 1) / p.block_columns;
  for (index unit = lo; unit < hi; ++unit) {
    const index batch = unit / blocks;
    const index column = unit % blocks * p.block_columns;
    const index left = p.columns - column;
    const index columns = left < p.block_columns ? left : p.block_columns;
    const T* const a = static_cast<const T*>(slots[0]) + batch * p.a_batch_stride;
    const T* const b =
        static_cast<const T*>(slots[1]) + batch * p.b_batch_stride + column * p.b_column_stride;
    T* const c = static_cast<T*>(slots[2]) + batch * p.c_batch_stride + column * p.c_column_stride;
    index i = 0;
    for (; i + 4 <= p.rows; i += 4) {
      dot_columns<T, 4>(p, a + i * p.a_row_stride, b, c + i * p.c_row_stride, columns);
    }
    for (; i + 2 <= p.rows; i += 2) {
      dot_columns<T, 2>(p, a + i * p.a_row_stride, b, c + i * p.c_row_stride, columns);
    }
    for (; i < p.rows; ++i) {
      dot_columns<T, 1>(p, a + i * p.a_row_stride, b, c + i * p.c_row_stride, columns);
    }
  }
}

}  // namespace wherry::kernels::WHERRY_KERNELS_ISA
