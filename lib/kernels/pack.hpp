// pack.hpp: rearranges a strided matrix into panels that the tile kernel reads front to back.
//
// A panel of width P holds P lines (rows of A, columns of B) as [depth][P]; the last panel is filled up
// with zeros. Strips do not overlap in the destination, so any split over threads is safe.
#pragma once

#include "gemm_parameters.hpp"
#include "vectors.hpp"

namespace wherry::kernels::WHERRY_KERNELS_ISA {

/// Packs `lines` lines that are contiguous across lines (`line_stride` 1).
template <class T, int P>
void pack_copy(const T* from, index depth_stride, T* to, index lines, index depth) {
  constexpr int n = P < lanes<T> ? P : lanes<T>;
  for (index k = 0; k < depth; ++k, from += depth_stride) {
    for (index l = 0; l < lines; l += P) {
      T* const panel = to + l * depth + k * P;
#pragma clang loop unroll(full)
      for (int v = 0; v < P; v += n) {
        const index left = lines - l - v;
        if (left >= n) {
          store<n, T>(panel + v, load<n>(from + l + v));
        } else {
          store<n, T>(panel + v, load_first<n>(from + l + v, left < 0 ? 0 : static_cast<int>(left)));
        }
      }
    }
  }
}

/// Packs one panel of `lines` <= P lines with any strides; squares of contiguous lines by transposition.
template <class T, int P>
void pack_panel(const T* from, index line_stride, index depth_stride, T* to, index lines, index depth) {
  constexpr int n = tile_rows;
  index done = 0;  // lines below this are complete
  if (depth_stride == 1) {
    for (; done + n <= lines; done += n) {
      const T* const source = from + done * line_stride;
      index k = 0;
      for (; k + n <= depth; k += n) {
        vector<T, n> square[n];
#pragma clang loop unroll(full)
        for (int i = 0; i < n; ++i) square[i] = load<n>(source + i * line_stride + k);
        transpose<T, n>(square);
#pragma clang loop unroll(full)
        for (int i = 0; i < n; ++i) store<n, T>(to + (k + i) * P + done, square[i]);
      }
      for (; k < depth; ++k) {
        for (int i = 0; i < n; ++i) to[k * P + done + i] = source[i * line_stride + k];
      }
    }
  }
  for (index k = 0; k < depth; ++k) {
    for (index l = done; l < lines; ++l) to[k * P + l] = from[l * line_stride + k * depth_stride];
    for (index l = lines; l < P; ++l) to[k * P + l] = T{0};
  }
}

/// Packs one line so that it is contiguous.
template <class T>
void pack_line(const T* from, index depth_stride, T* to, index depth) {
  index k = 0;
  if (depth_stride == 1) {
    for (; k + lanes<T> <= depth; k += lanes<T>) store<lanes<T>, T>(to + k, load<lanes<T>>(from + k));
  }
  for (; k < depth; ++k) to[k] = from[k * depth_stride];
}

template <class T, int P>
void pack_strip(const pack_parameters& p, const T* from, T* to, index lines) {
  if (p.line_stride == 1) {
    pack_copy<T, P>(from, p.depth_stride, to, lines, p.depth);
    return;
  }
  for (index l = 0; l < lines; l += P) {
    const index left = lines - l;
    pack_panel<T, P>(from + l * p.line_stride, p.line_stride, p.depth_stride, to + l * p.depth,
                     left < P ? left : P, p.depth);
  }
}

/// Native kernel; see `pack_parameters`.
template <class T>
void pack(void* const* slots, index lo, index hi) {
  const auto& p = *static_cast<const pack_parameters*>(slots[2]);
  const index strips = (p.lines + p.strip - 1) / p.strip;
  for (index unit = lo; unit < hi; ++unit) {
    const index batch = unit / strips;
    const index line = unit % strips * p.strip;
    const index left = p.lines - line;
    const index lines = left < p.strip ? left : p.strip;
    const T* const from = static_cast<const T*>(slots[0]) + batch * p.batch_stride + line * p.line_stride;
    T* const to = static_cast<T*>(slots[1]) + batch * p.packed_batch + line * p.depth;
    switch (static_cast<panel>(p.kind)) {
      case panel::rows:
        pack_strip<T, tile_rows>(p, from, to, lines);
        break;
      case panel::columns:
        pack_strip<T, tile_columns<T>>(p, from, to, lines);
        break;
      case panel::line:
        for (index l = 0; l < lines; ++l) {
          pack_line(from + l * p.line_stride, p.depth_stride, to + l * p.depth, p.depth);
        }
        break;
    }
  }
}

}  // namespace wherry::kernels::WHERRY_KERNELS_ISA
