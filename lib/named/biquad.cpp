// biquad.cpp: recursive filters of second order, in parallel.
//
// y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]. The signal is cut into blocks of 32
// samples. Within a block y is a matrix times the non-recursive part v, plus what the last two results before
// the block become, which is another matrix times that state. The states themselves follow a recurrence of
// 2 x 2 matrices from block to block, which is solved by doubling: after step j every state knows the 2^j
// blocks before it. The matrices come from the host, in double.
//
// Signals of f32 are filtered in f64 where the device has it: filters of low frequencies lose digits.
#include <array>
#include <cmath>
#include <numbers>

#include "signals.hpp"

namespace wherry::named {
namespace {

constexpr std::int64_t block = 32;

struct coefficients {
  double b0 = 1, b1 = 0, b2 = 0, a1 = 0, a2 = 0;
};

/// R. Bristow-Johnson's formulas ("Cookbook formulae for audio EQ biquad filter coefficients").
coefficients designed(const kernel_call& call) {
  const std::vector<double>& given = call.list("coefficients");
  if (!given.empty()) {
    if (given.size() != 5) call.refuse_parameter("coefficients", "none, or b0, b1, b2, a1, a2");
    return {given[0], given[1], given[2], given[3], given[4]};
  }
  const double rate = call.number("sample_rate");
  if (!(call.number("frequency") < rate / 2))
    call.refuse_parameter("frequency", "less than half the sample rate, " + detail::number_text(rate / 2));
  const double w = 2 * std::numbers::pi * call.number("frequency") / rate;
  const double c = std::cos(w), alpha = std::sin(w) / (2 * call.number("q"));
  const double a = std::pow(10.0, call.number("gain") / 40), beta = 2 * std::sqrt(a) * alpha;
  const std::string& type = call.text("type");
  const auto over = [](double a0, double b0, double b1, double b2, double a1, double a2) {
    return coefficients{b0 / a0, b1 / a0, b2 / a0, a1 / a0, a2 / a0};
  };
  if (type == "lowpass") return over(1 + alpha, (1 - c) / 2, 1 - c, (1 - c) / 2, -2 * c, 1 - alpha);
  if (type == "highpass") return over(1 + alpha, (1 + c) / 2, -1 - c, (1 + c) / 2, -2 * c, 1 - alpha);
  if (type == "bandpass") return over(1 + alpha, alpha, 0, -alpha, -2 * c, 1 - alpha);
  if (type == "notch") return over(1 + alpha, 1, -2 * c, 1, -2 * c, 1 - alpha);
  if (type == "allpass") return over(1 + alpha, 1 - alpha, -2 * c, 1 + alpha, -2 * c, 1 - alpha);
  if (type == "peaking")
    return over(1 + alpha / a, 1 + alpha * a, -2 * c, 1 - alpha * a, -2 * c, 1 - alpha / a);
  // The shelves are mirror images of each other.
  const double s = type == "lowshelf" ? 1 : -1;
  return over(a + 1 + s * (a - 1) * c + beta, a * (a + 1 - s * (a - 1) * c + beta),
              s * 2 * a * (a - 1 - s * (a + 1) * c), a * (a + 1 - s * (a - 1) * c - beta),
              s * -2 * (a - 1 + s * (a + 1) * c), a + 1 + s * (a - 1) * c - beta);
}

std::int64_t blocks_of(const kernel_call& call) { return (call.input(0).dims[0] + block - 1) / block; }

/// How often the stretches double until they cover all blocks.
std::int64_t doublings_of(const kernel_call& call) {
  std::int64_t count = 0;
  for (std::int64_t reach = 1; reach < blocks_of(call); reach *= 2) ++count;
  return count;
}

// Where the operands lie: b0, b1, b2; the response of a block to its samples, a row for each result; that to
// the state; the transition of the state over 1, 2, 4, ... blocks.
constexpr std::int64_t responses_at = 3, states_at = responses_at + block * block,
                       transitions_at = states_at + 2 * block;

std::vector<double> biquad_operands(const kernel_call& call) {
  const coefficients k = designed(call);
  std::vector<double> all = {k.b0, k.b1, k.b2};
  // The results of a block of zeros after the state (y[-1], y[-2]).
  const auto response = [&](double y1, double y2) {
    std::array<double, block> y{};
    for (double& now : y) {
      now = -k.a1 * y1 - k.a2 * y2;
      y2 = std::exchange(y1, now);
    }
    return y;
  };
  const std::array<double, block> one = response(1, 0), two = response(0, 1);
  for (std::int64_t row = 0; row < block; ++row) {
    for (std::int64_t column = 0; column < block; ++column) {
      all.push_back(row < column ? 0 : row == column ? 1 : one[static_cast<std::size_t>(row - column - 1)]);
    }
  }
  for (std::size_t row = 0; row < block; ++row) all.insert(all.end(), {one[row], two[row]});
  std::array<double, 4> m = {one[block - 1], two[block - 1], one[block - 2], two[block - 2]};
  for (std::int64_t j = 0; j < doublings_of(call); ++j) {
    all.insert(all.end(), m.begin(), m.end());
    m = {m[0] * m[0] + m[1] * m[2], m[0] * m[1] + m[1] * m[3], m[2] * m[0] + m[3] * m[2],
         m[2] * m[1] + m[3] * m[3]};
  }
  return all;
}

kernel_program biquad_filter(const kernel_call& call) {
  require_signal(call, 0);
  const tensor_type& type = call.input(0);
  const dtype in = call.fp64() ? dtype::f64 : wide(type.element);
  const std::int64_t doublings = doublings_of(call), blocks = blocks_of(call), n = type.dims[0];
  composition p(call, in, static_cast<std::size_t>(transitions_at + 4 * doublings));
  const value x = by_channel(p, samples(p, p.input(0), in));
  const std::int64_t channels = x.extent(0);
  const value v = p.add(p.add(p.mul(x, p.operand(0)), p.mul(delayed(p, x, 1, 1), p.operand(1))),
                        p.mul(delayed(p, x, 1, 2), p.operand(2)));
  const value cut = p.reshape(p.pad(v, 0, {0, 0}, {0, blocks * block - n}), {channels, blocks, block});
  const value responses = p.reshape(p.part(p.operands(), 0, responses_at, states_at), {block, block});
  const value own = p.dot(cut, responses, {}, {}, {2}, {1});
  // The last two results of each block.
  std::array<value, 2> state;
  for (std::size_t k = 0; k < 2; ++k) {
    const std::int64_t at = block - 1 - static_cast<std::int64_t>(k);
    state[k] = p.reshape(p.part(own, 2, at, at + 1), {channels, blocks});
  }
  for (std::int64_t j = 0; j < doublings; ++j) {
    const value first = delayed(p, state[0], 1, std::int64_t{1} << j),
                second = delayed(p, state[1], 1, std::int64_t{1} << j);
    for (std::size_t k = 0; k < 2; ++k) {
      const std::int64_t at = transitions_at + 4 * j + 2 * static_cast<std::int64_t>(k);
      state[k] = p.add(state[k], p.add(p.mul(first, p.operand(at)), p.mul(second, p.operand(at + 1))));
    }
  }
  const value after = p.reshape(p.part(p.operands(), 0, states_at, transitions_at), {block, 2});
  value y = own;
  for (std::int64_t k = 0; k < 2; ++k) {
    const value before = delayed(p, state[static_cast<std::size_t>(k)], 1, 1);
    const value column = p.reshape(p.part(after, 1, k, k + 1), {block});
    y = p.add(y, p.mul(p.broadcast(before, {0, 1}, y.dims()), p.broadcast(column, {2}, y.dims())));
  }
  y = p.part(p.reshape(y, {channels, blocks * block}), 1, 0, n);
  return p.returning(stored(p, interleaved(p, y, type.dims.rank()), type.element));
}

}  // namespace

void add_biquad(named_kernels& to) {
  add(to,
      {.name = "biquad_filter",
       .family = "audio",
       .formula = "y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2], from silence, each "
                  "channel by itself; computed in f64 where the device has it",
       .inputs = {{"x", signal_text}},
       .output = "as x",
       .parameters = {operand(choice("type",
                                     {"lowpass", "highpass", "bandpass", "notch", "allpass", "peaking",
                                      "lowshelf", "highshelf"},
                                     "the formulas of R. Bristow-Johnson; bandpass with 0 dB at its peak")),
                      above(operand(
                          number("frequency", 1000, 0, 1e9, "in Hz, less than half the sample rate"))),
                      above(operand(number("sample_rate", 48000, 0, 1e9, "samples a second"))),
                      above(operand(number("q", 0.7071067811865476, 0, 1e6, "quality, of the shelves too"))),
                      operand(number("gain", 0, -300, 300, "in dB, of peaking and shelves")),
                      operand(numbers("coefficients", std::vector<double>{}, -1e9, 1e9,
                                      "b0, b1, b2, a1, a2 with a0 = 1, in place of all above"))}},
      biquad_filter, biquad_operands);
}

}  // namespace wherry::named
