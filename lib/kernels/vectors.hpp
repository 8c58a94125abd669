// vectors.hpp: vectors of one instruction set, and the tile sizes that suit it.
//
// Compiled once per instruction set, selected by the compiler's own feature macros; everything lives in
// a namespace of that name, so that the linker never merges code of two instruction sets. For the same
// reason nothing here or in the other kernel headers includes a header with inline functions.
#pragma once

#include <cstdint>

#if defined(__AVX512F__)
#define WHERRY_KERNELS_ISA avx512
#elif defined(__AVX2__)
#define WHERRY_KERNELS_ISA avx2
#else
#define WHERRY_KERNELS_ISA generic
#endif

namespace wherry::kernels::WHERRY_KERNELS_ISA {

using index = std::int64_t;

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
inline constexpr int tile_rows = 8;  // 8 x 2 accumulators of 32 registers
inline constexpr int tile_vectors = 2;
#elif defined(__AVX2__)
inline constexpr int vector_bytes = 32;
inline constexpr int tile_rows = 4;  // 4 x 3 accumulators of 16 registers
inline constexpr int tile_vectors = 3;
#else
inline constexpr int vector_bytes = 16;
inline constexpr int tile_rows = 4;  // 4 x 2 accumulators of 16 registers
inline constexpr int tile_vectors = 2;
#endif

template <class T>
inline constexpr int lanes = vector_bytes / static_cast<int>(sizeof(T));
template <class T>
inline constexpr int tile_columns = lanes<T> * tile_vectors;

template <class T, int N>
using vector = T __attribute__((ext_vector_type(N)));

/// A vector at any address. A type of its own, because an alias template loses the attribute `aligned`.
template <class T, int N>
struct [[gnu::packed, gnu::may_alias]] unaligned_vector {
  vector<T, N> value;
};

template <int N, class T>
inline vector<T, N> load(const T* from) {
  return reinterpret_cast<const unaligned_vector<T, N>*>(from)->value;
}

template <int N, class T>
inline void store(T* to, vector<T, N> value) {
  reinterpret_cast<unaligned_vector<T, N>*>(to)->value = value;
}

#if defined(__AVX2__)
template <int N>
inline vector<bool, N> first(int count) {
  vector<std::int32_t, N> lane;
  for (int i = 0; i < N; ++i) lane[i] = i;
  return __builtin_convertvector(lane < vector<std::int32_t, N>(count), vector<bool, N>);
}
#endif

/// Returns the first `count` elements at `from`, then zeros; reads nothing beyond them.
template <int N, class T>
inline vector<T, N> load_first(const T* from, int count) {
#if defined(__AVX2__)
  return __builtin_masked_load(first<N>(count), from, vector<T, N>(T{0}));
#else
  vector<T, N> value = T{0};
  for (int i = 0; i < N; ++i) {
    if (i < count) value[i] = from[i];
  }
  return value;
#endif
}

/// Stores the first `count` lanes of `value`; writes nothing beyond them.
template <int N, class T>
inline void store_first(T* to, vector<T, N> value, int count) {
#if defined(__AVX2__)
  __builtin_masked_store(first<N>(count), value, to);
#else
  for (int i = 0; i < N; ++i) {
    if (i < count) to[i] = value[i];
  }
#endif
}

/// Returns a * b + c, with one rounding where the instruction set has that.
template <class V>
inline V multiply_add(V a, V b, V c) {
#if defined(__FMA__)
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// Returns a0 b0 a1 b1 ... of the lower (`high` false) or upper halves of `a` and `b`.
template <bool High, class T>
inline vector<T, 4> zip(vector<T, 4> a, vector<T, 4> b) {
  constexpr int h = High ? 2 : 0;
  return __builtin_shufflevector(a, b, h, h + 4, h + 1, h + 5);
}
template <bool High, class T>
inline vector<T, 8> zip(vector<T, 8> a, vector<T, 8> b) {
  constexpr int h = High ? 4 : 0;
  return __builtin_shufflevector(a, b, h, h + 8, h + 1, h + 9, h + 2, h + 10, h + 3, h + 11);
}

/// Transposes an N x N matrix held in N vectors, N a power of two: each round is one perfect shuffle of
/// all elements, and log2(N) of them exchange rows and columns.
template <class T, int N>
inline void transpose(vector<T, N> (&rows)[N]) {
#pragma clang loop unroll(full)
  for (int round = 1; round < N; round *= 2) {
    vector<T, N> next[N];
#pragma clang loop unroll(full)
    for (int i = 0; i < N / 2; ++i) {
      next[2 * i] = zip<false, T>(rows[i], rows[i + N / 2]);
      next[2 * i + 1] = zip<true, T>(rows[i], rows[i + N / 2]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < N; ++i) rows[i] = next[i];
  }
}

}  // namespace wherry::kernels::WHERRY_KERNELS_ISA
