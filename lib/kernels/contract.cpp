#include "contract.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include "contract_parameters.hpp"
#include "gemm_parameters.hpp"

namespace wherry::kernels {
namespace {

using index = std::int64_t;
using loops = std::vector<contract_loop>;
using operand = gemm_slot::operand;

// Multiply-adds that make a unit of work worth handing to another thread (about 10 microseconds).
constexpr index worthwhile = index{1} << 19;
// An operand of at most this many bytes is packed once, if several blocks use the copy.
constexpr index packed_bytes = index{4} << 20;
// Fewer rows or columns are not worth gathering.
constexpr index few_lines = 4;
// Estimates for one core, elements and multiply-adds per nanosecond of f32; half of that for f64.
constexpr double gather_rate = 4, compute_rate = 40;

index blocks_of(index extent, index block) { return (extent + block - 1) / block; }
index round_up(index value, index unit) { return blocks_of(value, unit) * unit; }

index count_of(const loops& nest) {
  index count = 1;
  for (const contract_loop& loop : nest) count *= loop.extent;
  return count;
}

/// Joins neighbours that step through memory as one loop would; at least one loop is left.
loops joined(const loops& nest) {
  loops result;
  for (const contract_loop& loop : nest) {
    if (loop.extent == 1) continue;
    if (!result.empty()) {
      contract_loop& outer = result.back();
      if (outer.a == loop.a * loop.extent && outer.b == loop.b * loop.extent &&
          outer.c == loop.c * loop.extent) {
        outer = {outer.extent * loop.extent, loop.a, loop.b, loop.c};
        continue;
      }
    }
    result.push_back(loop);
  }
  if (result.empty()) result.push_back({});
  return result;
}

/// True when C is stepped through at one distance.
bool is_even(const loops& nest) {
  for (std::size_t i = 1; i < nest.size(); ++i)
    if (nest[i - 1].c != nest[i].c * nest[i].extent) return false;
  return true;
}

/// Moves outer loops of `nest` into the batch until C has one stride over the rest.
void make_even(loops& nest, loops& batch) {
  nest = joined(nest);
  while (!is_even(nest)) {
    batch.push_back(nest.front());
    nest.erase(nest.begin());
  }
}

/// A problem as the kernels like it: C along its columns is as contiguous as it gets.
struct arrangement {
  contract_problem problem;
  bool swapped = false;  // A and B, and with them rows and columns, changed places
};

arrangement arrange(contract_problem p) {
  make_even(p.rows, p.batch);
  make_even(p.columns, p.batch);
  p.batch = joined(p.batch);
  p.depth = joined(p.depth);
  const index row_stride = p.rows.back().c, column_stride = p.columns.back().c;
  if (column_stride == 1 || row_stride != 1) return {std::move(p), false};
  const auto flip = [](loops nest) {
    for (contract_loop& loop : nest) std::swap(loop.a, loop.b);
    return nest;
  };
  contract_problem q{p.element, flip(p.batch), flip(p.columns), flip(p.rows), flip(p.depth)};
  return {std::move(q), true};
}

template <class Stride>
std::pair<loop_nest, loop_strides> nest_of(const loops& nest, Stride stride) {
  std::pair<loop_nest, loop_strides> result{};
  result.first.count = static_cast<index>(nest.size());
  for (std::size_t i = 0; i < nest.size(); ++i) {
    result.first.extents[i] = nest[i].extent;
    result.second.strides[i] = stride(nest[i]);
  }
  return result;
}

const auto stride_a = [](const contract_loop& loop) { return loop.a; };
const auto stride_b = [](const contract_loop& loop) { return loop.b; };
const auto stride_c = [](const contract_loop& loop) { return loop.c; };

template <class Parameters>
std::vector<index> words_of(const Parameters& parameters) {
  std::vector<index> words(sizeof(Parameters) / sizeof(index));
  std::memcpy(words.data(), &parameters, sizeof(Parameters));
  return words;
}

class planner {
 public:
  explicit planner(arrangement arranged)
      : p_(std::move(arranged.problem)),
        swapped_(arranged.swapped),
        size_(static_cast<index>(size_of(p_.element))),
        strip_(p_.element == dtype::f32 ? column_strip<float> : column_strip<double>),
        batch_(count_of(p_.batch)),
        m_(count_of(p_.rows)),
        n_(count_of(p_.columns)),
        k_(count_of(p_.depth)) {}

  gemm_plan run() && {
    if (batch_ * m_ * n_ == 0) return {};
    contract_parameters parameters{};
    parameters.rows = m_;
    parameters.columns = n_;
    parameters.depth = k_;
    parameters.block_depth = blocks_of(k_, blocks_of(k_, gathered_depth));
    parameters.c_row_stride = p_.rows.back().c;
    parameters.c_column_stride = p_.columns.back().c;
    choose_blocks(parameters);
    std::tie(parameters.batch_loops, parameters.batch_a) = nest_of(p_.batch, stride_a);
    parameters.batch_b = nest_of(p_.batch, stride_b).second;
    parameters.batch_c = nest_of(p_.batch, stride_c).second;
    std::tie(parameters.row_loops, parameters.row_strides) = nest_of(p_.rows, stride_a);
    std::tie(parameters.column_loops, parameters.column_strides) = nest_of(p_.columns, stride_b);
    std::tie(parameters.depth_loops, parameters.depth_a) = nest_of(p_.depth, stride_a);
    parameters.depth_b = nest_of(p_.depth, stride_b).second;
    gemm_slot a = slot(operand::a), b = slot(operand::b);
    if (parameters.a_packed != 0) a = pack(operand::a, panel::rows, parameters.batch_a);
    if (parameters.b_packed != 0) b = pack(operand::b, panel::columns, parameters.batch_b);
    const index units =
        batch_ * blocks_of(m_, parameters.block_rows) * blocks_of(n_, parameters.block_columns);
    const double work = static_cast<double>(batch_ * m_) * static_cast<double>(n_) * static_cast<double>(k_);
    add("compute", {a, b, slot(operand::c)}, words_of(parameters), units,
        work / compute_rate / static_cast<double>(units));
    return std::move(plan_);
  }

 private:
  /// Who is packed: an operand of which several blocks use the same part, if a copy of it is small. Who is
  /// not is gathered by each unit, which therefore has few lines of it and as many of the other as pay.
  void choose_blocks(contract_parameters& p) {
    const index most_rows = gathered_rows * gathered_depth / p.block_depth / row_strip * row_strip;
    const index most_columns = gathered_depth / p.block_depth * strip_;
    const bool fits_a = packed_size(m_, row_strip, stride_a) <= packed_bytes;
    const bool fits_b = packed_size(n_, strip_, stride_b) <= packed_bytes;
    // The larger side is gathered, in blocks of about `worthwhile` products.
    p.b_packed = fits_b && (m_ >= n_ || !fits_a) && m_ > gathered_rows ? 1 : 0;
    p.a_packed = p.b_packed == 0 && fits_a && n_ > strip_ ? 1 : 0;
    const index wanted_units = std::clamp<index>(batch_ * m_ * n_ / 64 * k_ / worthwhile * 64, 1, 16);
    if (p.b_packed != 0) {
      p.block_columns = round_up(n_, strip_);
      p.block_rows = std::clamp(worthwhile / (p.block_columns * k_ + 1) / row_strip * row_strip,
                                std::min(gathered_rows, most_rows), most_rows);
    } else if (p.a_packed != 0) {
      p.block_rows = round_up(m_, row_strip);
      p.block_columns =
          std::clamp(worthwhile / (p.block_rows * k_ + 1) / strip_ * strip_, strip_, most_columns);
    } else {
      p.block_rows = std::min(round_up(m_, row_strip), most_rows);
      p.block_columns = std::min(round_up(n_, strip_), most_columns);
    }
    p.block_rows = std::min(p.block_rows, round_up(m_, row_strip));
    p.block_columns = std::min(p.block_columns, round_up(n_, strip_));
    const auto units = [&] { return batch_ * blocks_of(m_, p.block_rows) * blocks_of(n_, p.block_columns); };
    while (units() < wanted_units && p.block_columns > strip_)
      p.block_columns = round_up(p.block_columns / 2, strip_);
    while (units() < wanted_units && p.block_rows > row_strip)
      p.block_rows = round_up(p.block_rows / 2, row_strip);
  }

  template <class Stride>
  index packed_size(index lines, index strip, Stride stride) const {
    index batch = 1;
    for (const contract_loop& loop : p_.batch)
      if (stride(loop) != 0) batch *= loop.extent;
    return batch * round_up(lines, strip) * k_ * size_;
  }

  /// Adds the launch that packs one operand; its batch strides become those of the packed matrices.
  gemm_slot pack(operand what, panel kind, loop_strides& batch_strides) {
    const bool is_a = what == operand::a;
    const auto stride = [is_a](const contract_loop& loop) { return is_a ? loop.a : loop.b; };
    const index lines = is_a ? m_ : n_, strip = is_a ? row_strip : strip_;
    loops own;
    for (const contract_loop& loop : p_.batch)
      if (stride(loop) != 0) own.push_back(loop);
    if (own.empty()) own.push_back({});
    contract_pack_parameters parameters{};
    parameters.lines = lines;
    parameters.depth = k_;
    parameters.strip = strip;
    parameters.kind = static_cast<index>(kind);
    parameters.packed_batch = round_up(lines, strip) * k_;
    std::tie(parameters.batch_loops, parameters.batch_strides) = nest_of(own, stride);
    std::tie(parameters.line_loops, parameters.line_strides) = nest_of(is_a ? p_.rows : p_.columns, stride);
    std::tie(parameters.depth_loops, parameters.depth_strides) = nest_of(p_.depth, stride);
    index step = parameters.packed_batch;
    for (std::size_t i = p_.batch.size(); i-- > 0;) {
      if (stride(p_.batch[i]) == 0) continue;
      batch_strides.strides[i] = step;
      step *= p_.batch[i].extent;
    }
    const index batch = count_of(own);
    const gemm_slot scratch = {operand::scratch, plan_.scratch_bytes,
                               batch * parameters.packed_batch * size_};
    plan_.scratch_bytes += round_up(scratch.scratch_bytes, 64);
    add("pack", {slot(what), scratch}, words_of(parameters), batch * blocks_of(lines, strip),
        static_cast<double>(std::min(strip, lines) * k_) / gather_rate);
    return scratch;
  }

  void add(const char* what, std::vector<gemm_slot> slots, std::vector<index> parameters, index extent,
           double cost_ns) {
    const bool is_pack = std::strcmp(what, "pack") == 0, is_f32 = p_.element == dtype::f32;
    const char* const name = is_f32 ? (is_pack ? "contract_f32.pack" : "contract_f32.compute")
                                    : (is_pack ? "contract_f64.pack" : "contract_f64.compute");
    slots.push_back({operand::parameters});
    plan_.launches.push_back(
        {name, std::move(slots), std::move(parameters), extent, cost_ns * static_cast<double>(size_) / 4});
  }

  /// Returns the caller's operand that plays `what`.
  gemm_slot slot(operand what) const {
    if (swapped_ && what == operand::a) return {operand::b};
    if (swapped_ && what == operand::b) return {operand::a};
    return {what};
  }

  contract_problem p_;
  bool swapped_;
  index size_, strip_, batch_, m_, n_, k_;
  gemm_plan plan_;
};

}  // namespace

bool contract_supports(const contract_problem& problem) {
  if (!gemm_supports(problem.element)) return false;
  const contract_problem p = arrange(problem).problem;
  for (const loops* nest : {&p.batch, &p.rows, &p.columns, &p.depth})
    if (static_cast<index>(nest->size()) > most_loops || count_of(*nest) == 0) return false;
  return count_of(p.rows) >= few_lines && count_of(p.columns) >= few_lines;
}

gemm_plan plan_contract(const contract_problem& problem) { return planner(arrange(problem)).run(); }

}  // namespace wherry::kernels
