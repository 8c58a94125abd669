// gather.hpp: collects lines of a tensor whose places are sums over nested loops into panels for the tile
// kernel.
#pragma once

#include "contract_parameters.hpp"
#include "gemm_parameters.hpp"
#include "vectors.hpp"

namespace wherry::kernels::WHERRY_KERNELS_ISA {

/// A position in nested loops, and its offset in memory.
class loop_walker {
 public:
  loop_walker(const loop_nest& loops, const loop_strides& strides, index at)
      : loops_(loops), strides_(strides), last_(static_cast<int>(loops.count) - 1) {
    for (int i = last_; i >= 0; --i) {
      position_[i] = at % loops.extents[i];
      at /= loops.extents[i];
      offset_ += position_[i] * strides.strides[i];
    }
  }
  index offset() const { return offset_; }
  /// Steps of the innermost loop that are left, this one included.
  index left() const { return loops_.extents[last_] - position_[last_]; }
  index stride() const { return strides_.strides[last_]; }
  /// Goes on by `steps` <= `left()` steps.
  void advance(index steps) {
    position_[last_] += steps;
    offset_ += steps * stride();
    for (int i = last_; i > 0 && position_[i] == loops_.extents[i]; --i) {
      offset_ += strides_.strides[i - 1] - loops_.extents[i] * strides_.strides[i];
      position_[i] = 0;
      ++position_[i - 1];
    }
  }

 private:
  const loop_nest& loops_;
  const loop_strides& strides_;
  int last_;
  index position_[most_loops];
  index offset_ = 0;
};

/// Lines of a panel: where each starts, and runs of lines that lie at equal distances.
template <int P>
struct panel_lines {
  index offset[P];
  int run_start[P + 1];
  int runs = 0;
  int lines = 0;

  void find(loop_walker& at, index count) {
    lines = static_cast<int>(count);
    runs = 0;
    const index stride = at.stride();
    for (int l = 0; l < lines;) {
      const int length = at.left() < lines - l ? static_cast<int>(at.left()) : lines - l;
      run_start[runs++] = l;
      for (int i = 0; i < length; ++i) offset[l + i] = at.offset() + i * stride;
      at.advance(length);
      l += length;
    }
    run_start[runs] = lines;
  }
};

/// `length` < P lines that are contiguous across lines.
template <class T, int P>
inline void gather_some(const T* from, T* to, int length) {
  constexpr int n = P < lanes<T> ? P : lanes<T>;
  int l = 0;
  for (; l + n <= length; l += n) store<n, T>(to + l, load<n>(from + l));
  if (l < length) store_first<n, T>(to + l, load_first<n>(from + l, length - l), length - l);
}

/// `depth` terms of lines that are contiguous across lines within a run.
template <class T, int P>
void gather_across(const panel_lines<P>& p, const T* from, index depth_stride, index depth, T* to) {
  constexpr int n = P < lanes<T> ? P : lanes<T>;
  for (int r = 0; r < p.runs; ++r) {
    const int start = p.run_start[r], length = p.run_start[r + 1] - start;
    const T* source = from + p.offset[start];
    T* target = to + start;
    if (length == P) {
      for (index k = 0; k < depth; ++k, source += depth_stride, target += P) {
#pragma clang loop unroll(full)
        for (int v = 0; v < P; v += n) store<n, T>(target + v, load<n>(source + v));
      }
    } else {
      for (index k = 0; k < depth; ++k, source += depth_stride, target += P)
        gather_some<T, P>(source, target, length);
    }
  }
}

/// `depth` terms of lines that are contiguous along the depth, by squares.
template <class T, int P>
void gather_along(const panel_lines<P>& p, const T* from, index depth, T* to) {
  constexpr int n = tile_rows;
  int l = 0;
  for (; l + n <= p.lines; l += n) {
    index k = 0;
    for (; k + n <= depth; k += n) {
      vector<T, n> square[n];
#pragma clang loop unroll(full)
      for (int i = 0; i < n; ++i) square[i] = load<n>(from + p.offset[l + i] + k);
      transpose<T, n>(square);
#pragma clang loop unroll(full)
      for (int i = 0; i < n; ++i) store<n, T>(to + (k + i) * P + l, square[i]);
    }
    for (; k < depth; ++k)
      for (int i = 0; i < n; ++i) to[k * P + l + i] = from[p.offset[l + i] + k];
  }
  for (; l < p.lines; ++l)
    for (index k = 0; k < depth; ++k) to[k * P + l] = from[p.offset[l] + k];
}

/// Writes `count` terms from `first` on of `lines` <= P lines as [count][P]. Lines that do not exist stay
/// undefined.
template <class T, int P>
void gather_panel(const T* from, loop_walker& line, index lines, const loop_nest& depth_loops,
                  const loop_strides& depth_strides, index first, index count, T* to) {
  panel_lines<P> p;
  const bool across = line.stride() == 1;
  p.find(line, lines);
  loop_walker depth(depth_loops, depth_strides, first);
  const index stride = depth.stride();
  while (count > 0) {
    const index run = depth.left() < count ? depth.left() : count;
    const T* const source = from + depth.offset();
    if (across && (stride != 1 || p.runs * 4 <= P)) {
      gather_across<T, P>(p, source, stride, run, to);
    } else if (stride == 1) {
      gather_along<T, P>(p, source, run, to);
    } else {
      for (index k = 0; k < run; ++k)
        for (int l = 0; l < p.lines; ++l) to[k * P + l] = source[p.offset[l] + k * stride];
    }
    depth.advance(run);
    count -= run;
    to += run * P;
  }
}

/// Writes the panels of `lines` lines from `line` on, one after the other.
template <class T, int P>
void gather_panels(const T* from, const loop_nest& line_loops, const loop_strides& line_strides, index line,
                   index lines, const loop_nest& depth_loops, const loop_strides& depth_strides, index first,
                   index count, T* to) {
  loop_walker walker(line_loops, line_strides, line);
  for (index l = 0; l < lines; l += P, to += P * count)
    gather_panel<T, P>(from, walker, lines - l < P ? lines - l : P, depth_loops, depth_strides, first, count,
                       to);
}

/// Native kernel; see `contract_pack_parameters`.
template <class T>
void contract_pack(void* const* slots, index lo, index hi) {
  const auto& p = *static_cast<const contract_pack_parameters*>(slots[2]);
  const index strips = (p.lines + p.strip - 1) / p.strip;
  for (index unit = lo; unit < hi; ++unit) {
    const index batch = unit / strips, line = unit % strips * p.strip;
    const index lines = p.lines - line < p.strip ? p.lines - line : p.strip;
    const T* const from =
        static_cast<const T*>(slots[0]) + loop_walker(p.batch_loops, p.batch_strides, batch).offset();
    T* const to = static_cast<T*>(slots[1]) + batch * p.packed_batch + line * p.depth;
    if (static_cast<panel>(p.kind) == panel::rows) {
      gather_panels<T, tile_rows>(from, p.line_loops, p.line_strides, line, lines, p.depth_loops,
                                  p.depth_strides, 0, p.depth, to);
    } else {
      gather_panels<T, tile_columns<T>>(from, p.line_loops, p.line_strides, line, lines, p.depth_loops,
                                        p.depth_strides, 0, p.depth, to);
    }
  }
}

}  // namespace wherry::kernels::WHERRY_KERNELS_ISA
