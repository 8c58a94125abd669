// matrix.hpp: operands and results of calls as batches of column-major matrices, which LAPACK works on.
//
// A value of more than two dimensions is a batch: the last two are rows and columns, the others count
// matrices. Its layout is row-major, or column-major inside each matrix. What is column-major is used where
// it lies, anything else through a copy.
//
// Threads: as the frame.
#pragma once

#include <algorithm>
#include <climits>
#include <string>
#include <vector>
#include <wherry/exec/call_frame.hpp>

namespace wherry::lapack {

[[noreturn]] inline void refuse(std::string what) {
  throw error(absl::StatusCode::kInvalidArgument, std::move(what));
}

/// Returns `extent` as LAPACK counts. Throws invalid_argument where that cannot.
inline int as_int(std::int64_t extent, const char* what) {
  if (extent > INT_MAX) refuse(std::string(what) + " dimension out of int range");
  return static_cast<int>(extent);
}

/// The shape of a value as a batch of matrices, or of vectors.
struct batch_shape {
  std::int64_t count = 1;
  int rows = 0;
  int columns = 1;  // 1: vectors
  bool column_major = false;

  std::size_t elements() const noexcept {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  }
};

/// Reads the shape of `value`, `what` being its name. `rank` is that of one element of the batch: 0, 1 or 2.
/// Throws invalid_argument.
template <class View>
batch_shape shape_of(const View& value, const char* what, std::size_t rank) {
  const shape& dims = value.dims();
  if (dims.rank() < rank) {
    refuse(std::string(what) + ": expected " + (rank == 2 ? "a matrix" : "a vector") + ", got " +
           to_string(value.type()));
  }
  batch_shape s;
  const std::size_t batch = dims.rank() - rank;
  for (std::size_t d = 0; d < batch; ++d) s.count *= dims[d];
  s.rows = rank >= 1 ? as_int(dims[batch], "rows") : 1;
  s.columns = rank == 2 ? as_int(dims[batch + 1], "cols") : 1;
  const auto order = value.minor_to_major();
  if (order.empty()) return s;
  // Otherwise the two last dimensions have changed places, and nothing else.
  bool fits = rank == 2 && order[0] == batch && order[1] == batch + 1;
  for (std::size_t d = 0; fits && d < batch; ++d) fits = order[2 + d] == batch - 1 - d;
  if (!fits) refuse(std::string(what) + ": expected a row-major or a column-major layout");
  s.column_major = true;
  return s;
}

/// One matrix of an operand or result, column-major: in place, or in a copy that `store` brings back.
template <class T>
class matrix {
 public:
  /// `memory` is that of the whole batch, `index` says which matrix.
  matrix(T* memory, const batch_shape& dims, std::int64_t index)
      : dims_(dims), memory_(memory + dims.elements() * static_cast<std::size_t>(index)) {
    if (!in_place()) copy_.resize(dims.elements());
  }

  T* data() noexcept { return in_place() ? memory_ : copy_.data(); }
  int rows() const noexcept { return dims_.rows; }
  int columns() const noexcept { return dims_.columns; }
  int leading() const noexcept { return std::max(1, dims_.rows); }

  /// Fills it with matrix `index` of a batch, which may be this memory itself: as many rows, and the first
  /// columns.
  void load(const T* from, const batch_shape& shape, std::int64_t index) {
    from += shape.elements() * static_cast<std::size_t>(index);
    if (from == memory_ && in_place() && is_columns(shape)) return;
    const auto rows = static_cast<std::size_t>(dims_.rows), columns = static_cast<std::size_t>(dims_.columns);
    if (is_columns(shape)) {
      std::copy_n(from, rows * columns, data());
      return;
    }
    T* const to = data();
    const auto stride = static_cast<std::size_t>(shape.columns);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j) to[i + j * rows] = from[i * stride + j];
  }

  /// Brings the copy, if there is one, to where the result is.
  void store() noexcept {
    if (in_place()) return;
    const auto rows = static_cast<std::size_t>(dims_.rows), columns = static_cast<std::size_t>(dims_.columns);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j) memory_[i * columns + j] = copy_[i + j * rows];
  }

 private:
  static bool is_columns(const batch_shape& s) noexcept {
    return s.column_major || s.rows <= 1 || s.columns <= 1;
  }
  bool in_place() const noexcept { return is_columns(dims_); }

  batch_shape dims_;
  T* memory_;
  std::vector<T> copy_;
};

}  // namespace wherry::lapack
