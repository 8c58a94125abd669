#include "gemm.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gemm_parameters.hpp"

namespace wherry::kernels {
namespace {

using index = std::int64_t;
using operand = gemm_slot::operand;

// Terms of a sum that are added in one go: a panel of B of this depth stays in the first-level cache
// while the tiles below each other use it.
constexpr index deepest_block = 320;
// Up to here the product is bound by reading B, and B is used where it lies.
constexpr index few_rows = 8;
// Up to here dot products cost less than packing a B whose columns are contiguous.
constexpr index rows_of_dots = 16;
// Multiply-adds that make a unit of work worth handing to another thread (about 10 microseconds).
constexpr index worthwhile = index{1} << 19;
// Estimates for one core, elements and multiply-adds per nanosecond of f32; half of that for f64.
constexpr double pack_rate = 8, compute_rate = 50, dot_rate = 40;

struct names {
  const char* pack;
  const char* compute;
  const char* dot;
};

constexpr names f32_names = {"gemm_f32.pack", "gemm_f32.compute", "gemm_f32.dot"};
constexpr names f64_names = {"gemm_f64.pack", "gemm_f64.compute", "gemm_f64.dot"};

index blocks_of(index extent, index block) { return (extent + block - 1) / block; }
index round_up(index value, index unit) { return blocks_of(value, unit) * unit; }

template <class Parameters>
std::vector<index> words_of(const Parameters& parameters) {
  std::vector<index> words(sizeof(Parameters) / sizeof(index));
  std::memcpy(words.data(), &parameters, sizeof(Parameters));
  return words;
}

/// A problem as the kernels like it, and whether A and B changed places (C^T = B^T A^T).
struct arrangement {
  gemm_problem problem;
  bool swapped = false;
};

/// Strides of dimensions with one element are free: gives them the value that suits the kernels.
void settle_strides(gemm_problem& p) {
  if (p.k == 1) {
    if (p.a.row != 1) p.a.column = 1;
    p.b.row = p.b.column == 1 ? p.n : 1;
  }
  if (p.m == 1) {
    p.a.row = p.a.column == 1 ? p.k : 1;
    p.c.row = p.n;
  }
  if (p.n == 1) {
    p.b.column = p.b.row == 1 ? p.k : 1;
    p.c.column = 1;
  }
}

/// Exchanges A and B where that makes C contiguous along its rows or leaves few rows.
arrangement arrange(gemm_problem p) {
  settle_strides(p);
  const bool c_transposed = p.c.row == 1 && p.c.column != 1 && p.m > p.n / 8;
  const bool narrow =
      p.n <= few_rows && p.n < p.m && (p.a.row == 1 || (p.a.column == 1 && p.n <= few_rows / 2));
  if (!c_transposed && !narrow) return {p, false};
  const auto flip = [](matrix_strides s) { return matrix_strides{s.column, s.row, s.batch}; };
  gemm_problem q = {p.element, p.n, p.m, p.k, p.batch, flip(p.b), flip(p.a), flip(p.c)};
  settle_strides(q);
  return {q, true};
}

class planner {
 public:
  explicit planner(const arrangement& arranged)
      : p_(arranged.problem),
        size_(static_cast<index>(size_of(p_.element))),
        column_strip_(p_.element == dtype::f32 ? column_strip<float> : column_strip<double>),
        names_(p_.element == dtype::f32 ? f32_names : f64_names),
        swapped_(arranged.swapped) {}

  gemm_plan run() && {
    if (p_.m == 0 || p_.n == 0 || p_.batch == 0) return {};
    if (p_.m <= rows_of_dots && p_.b.row == 1 && p_.b.column != 1 && p_.k > 0) {
      dot();
    } else {
      compute();
    }
    return std::move(plan_);
  }

 private:
  /// Adds the launch that packs the lines of one operand; `stride` is updated to the packed matrix.
  gemm_slot pack(operand what, panel kind, index lines, index strip, index line_stride, index depth_stride,
                 index& batch_stride) {
    const index batch = batch_stride == 0 ? 1 : p_.batch;
    const index packed = round_up(lines, strip) * p_.k;
    const pack_parameters parameters = {.lines = lines,
                                        .depth = p_.k,
                                        .line_stride = line_stride,
                                        .depth_stride = depth_stride,
                                        .batch_stride = batch_stride,
                                        .packed_batch = packed,
                                        .strip = strip,
                                        .kind = static_cast<index>(kind)};
    if (batch_stride != 0) batch_stride = packed;
    const gemm_slot scratch = {operand::scratch, plan_.scratch_bytes, batch * packed * size_};
    plan_.scratch_bytes += round_up(scratch.scratch_bytes, 64);
    add(names_.pack, {slot(what), scratch}, words_of(parameters), batch * blocks_of(lines, strip),
        static_cast<double>(std::min(strip, lines) * p_.k) / pack_rate);
    return scratch;
  }

  void dot() {
    gemm_slot a = slot(operand::a);
    gemm_parameters parameters = unpacked();
    if (p_.a.column != 1) {
      a = pack(operand::a, panel::line, p_.m, p_.m, p_.a.row, p_.a.column, parameters.a_batch_stride);
      parameters.a_row_stride = p_.k;
      parameters.a_depth_stride = 1;
    }
    parameters.block_rows = p_.m;
    parameters.block_columns = std::clamp<index>(worthwhile / 4 / (p_.m * p_.k), 8, p_.n);
    parameters.block_depth = p_.k;
    launch_blocks(names_.dot, a, slot(operand::b), parameters, dot_rate);
  }

  void compute() {
    gemm_slot a = slot(operand::a);
    gemm_slot b = slot(operand::b);
    gemm_parameters parameters = unpacked();
    if (packs_b()) {
      b = pack(operand::b, panel::columns, p_.n, column_strip_, p_.b.column, p_.b.row,
               parameters.b_batch_stride);
      parameters.b_packed = 1;
    }
    if (packs_a()) {
      a = pack(operand::a, panel::rows, p_.m, row_strip, p_.a.row, p_.a.column, parameters.a_batch_stride);
      parameters.a_packed = 1;
    }
    const bool once = p_.m <= few_rows / 2 && parameters.b_packed == 0;  // B is read once
    parameters.block_depth =
        once ? std::max<index>(p_.k, 1)
             : std::max<index>(blocks_of(p_.k, blocks_of(std::max<index>(p_.k, 1), deepest_block)), 1);
    parameters.block_rows = std::min<index>(round_up(p_.m, row_strip), 64);
    parameters.block_columns = once ? 512 / size_ : column_strip_;
    const index depth = std::max<index>(p_.k, 1);
    while (parameters.block_rows > 2 * row_strip &&
           parameters.block_rows * parameters.block_columns * depth > 8 * worthwhile) {
      parameters.block_rows = round_up(parameters.block_rows / 2, row_strip);
    }
    while (parameters.block_columns < p_.n &&
           parameters.block_rows * parameters.block_columns * depth < worthwhile) {
      parameters.block_columns *= 2;
    }
    launch_blocks(names_.compute, a, b, parameters, compute_rate);
  }

  // Rows of B that lie far apart share few cache sets and touch a page each: packing pays as soon as
  // several tiles use the copy.
  bool packs_b() const {
    if (p_.b.column != 1) return true;
    return p_.m >= 64 && p_.k * std::min(p_.n, p_.b.row) * size_ > (index{1} << 18);
  }

  bool packs_a() const {
    if (p_.a.column != 1 && p_.a.row != 1) return true;
    if (p_.n < 64 || p_.m < few_rows) return false;
    const index stride = p_.a.row == 1 ? p_.a.column : p_.a.row;
    return stride * size_ >= 2048 && p_.k > 64;
  }

  gemm_parameters unpacked() const {
    gemm_parameters parameters{};
    parameters.rows = p_.m;
    parameters.columns = p_.n;
    parameters.depth = p_.k;
    parameters.a_row_stride = p_.a.row;
    parameters.a_depth_stride = p_.a.column;
    parameters.a_batch_stride = p_.a.batch;
    parameters.b_depth_stride = p_.b.row;
    parameters.b_column_stride = p_.b.column;
    parameters.b_batch_stride = p_.b.batch;
    parameters.c_row_stride = p_.c.row;
    parameters.c_column_stride = p_.c.column;
    parameters.c_batch_stride = p_.c.batch;
    return parameters;
  }

  void launch_blocks(const char* kernel, const gemm_slot& a, const gemm_slot& b,
                     const gemm_parameters& parameters, double rate) {
    const index units =
        p_.batch * blocks_of(p_.m, parameters.block_rows) * blocks_of(p_.n, parameters.block_columns);
    const double work = static_cast<double>(p_.batch) * static_cast<double>(p_.m) *
                        static_cast<double>(p_.n) * static_cast<double>(p_.k);
    add(kernel, {a, b, slot(operand::c)}, words_of(parameters), units,
        work / rate / static_cast<double>(units));
  }

  void add(const char* kernel, std::vector<gemm_slot> slots, std::vector<index> parameters, index extent,
           double cost_ns) {
    slots.push_back({operand::parameters});
    const double f32_elements = static_cast<double>(size_) / 4;
    plan_.launches.push_back(
        {kernel, std::move(slots), std::move(parameters), extent, cost_ns * f32_elements});
  }

  /// Returns the caller's operand that plays `what`.
  gemm_slot slot(operand what) const {
    if (swapped_ && what == operand::a) return {operand::b};
    if (swapped_ && what == operand::b) return {operand::a};
    return {what};
  }

  gemm_problem p_;
  index size_;
  index column_strip_;
  names names_;
  bool swapped_;
  gemm_plan plan_;
};

}  // namespace

gemm_plan plan_gemm(const gemm_problem& problem) { return planner(arrange(problem)).run(); }

}  // namespace wherry::kernels
