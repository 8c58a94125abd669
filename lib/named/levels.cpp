// levels.cpp: loudness: mixing, normalising, compressing.
#include <cmath>

#include "signals.hpp"

namespace wherry::named {
namespace {

kernel_program pcm_mix(const kernel_call& call) {
  const std::size_t count = call.inputs().size();
  require_signal(call, 0);
  for (std::size_t i = 1; i < count; ++i) require_same(call, i, 0);
  const std::size_t gains = call.list("gains").size();
  if (gains != 0 && gains != count)
    call.refuse_parameter("gains", "a list of " + std::to_string(count) + " numbers, one for each input");
  const dtype type = call.input(0).element;
  composition p(call, wide(type), count);
  std::optional<value> sum;
  for (std::size_t i = 0; i < count; ++i) {
    const value x = p.mul(samples(p, p.input(i), wide(type)), p.operand(static_cast<std::int64_t>(i)));
    sum = sum ? p.add(*sum, x) : x;
  }
  return p.returning(stored(p, p.clamp(-1, *sum, 1), type));
}

std::vector<double> pcm_mix_operands(const kernel_call& call) {
  const std::vector<double>& given = call.list("gains");
  return given.empty() ? std::vector<double>(call.inputs().size(), 1.0) : given;
}

kernel_program pcm_normalize(const kernel_call& call) {
  require_signal(call, 0);
  const tensor_type& type = call.input(0);
  composition p(call, wide(type.element));
  const value x = samples(p, p.input(0), wide(type.element));
  extents all(type.dims.rank(), 0);
  if (all.size() == 2) all[1] = 1;
  const value highest = p.reduce("maximum", p.unary("abs", x), 0, all);
  const value is_silent = p.compare("EQ", highest, p.scalar(0, x.element()));
  const value factor = p.div(p.operand(0), p.select(is_silent, p.scalar(1, x.element()), highest));
  return p.returning(stored(p, p.mul(x, factor), type.element));
}

/// y[n] = max(x[n], a y[n-1] + (1 - a) x[n]) along the last axis, from y[-1] = 0, for x >= 0; `a` is a
/// scalar.
///
/// Each step maps y to max(p, q y + r), and so does any number of them; the stretches double in length.
value held(writer& p, const value& x, const value& a) {
  value least = x, offset = p.mul(x, p.sub(p.scalar(1, x.element()), a)), factor = a;
  const std::size_t axis = x.rank() - 1;
  for (std::int64_t step = 1; step < x.extent(axis); step *= 2) {
    const value before = delayed(p, least, axis, step);
    least = p.max(least, p.add(p.mul(before, factor), offset));
    offset = p.add(p.mul(delayed(p, offset, axis, step), factor), offset);
    factor = p.mul(factor, factor);
  }
  return p.max(least, offset);
}

/// y[n] = a y[n-1] + (1 - a) x[n] along the last axis, from y[-1] = 0.
value smoothed(writer& p, const value& x, const value& a) {
  value y = p.mul(x, p.sub(p.scalar(1, x.element()), a)), factor = a;
  const std::size_t axis = x.rank() - 1;
  for (std::int64_t step = 1; step < x.extent(axis); step *= 2) {
    y = p.add(y, p.mul(delayed(p, y, axis, step), factor));
    factor = p.mul(factor, factor);
  }
  return y;
}

kernel_program dynamics_compress(const kernel_call& call) {
  require_signal(call, 0);
  const tensor_type& type = call.input(0);
  const dtype in = wide(type.element);
  composition p(call, in, 5);
  const value x = samples(p, p.input(0), in);
  // In units of the natural logarithm; the least level keeps silence finite.
  const value level = p.unary("log", p.max(p.unary("abs", x), 1e-30));
  value reduction = p.mul(p.max(p.sub(level, p.operand(0)), 0), p.operand(1));
  if (call.text("envelope") == "smooth") {
    const value peaks = held(p, by_channel(p, reduction), p.operand(3));
    reduction = interleaved(p, smoothed(p, peaks, p.operand(4)), type.dims.rank());
  }
  const value gain = p.unary("exponential", p.sub(p.operand(2), reduction));
  return p.returning(stored(p, p.mul(x, gain), type.element));
}

std::vector<double> dynamics_compress_operands(const kernel_call& call) {
  const double nepers = std::log(10.0) / 20;  // of a decibel
  const auto decay = [&](const char* time) {
    const double samples = call.number(time) / 1000 * call.number("sample_rate");
    return samples > 0 ? std::exp(-1 / samples) : 0.0;
  };
  return {call.number("threshold") * nepers, 1 - 1 / call.number("ratio"), call.number("makeup") * nepers,
          decay("release"), decay("attack")};
}

}  // namespace

void add_levels(named_kernels& to) {
  add(to,
      {.name = "pcm_mix",
       .family = "audio",
       .formula = "the sum of gains[i] * x[i], clamped to -1 to 1",
       .inputs = {{"x", std::string(signal_text) + "; all of one type", false, true}},
       .output = "as x",
       .parameters = {operand(
           numbers("gains", std::vector<double>{}, -1e6, 1e6, "one for each input; none: all 1"))}},
      pcm_mix, pcm_mix_operands);
  add(to,
      {.name = "pcm_normalize",
       .family = "audio",
       .formula = "x * peak / max |x| over all samples and channels; silence stays silence",
       .inputs = {{"x", signal_text}},
       .output = "as x",
       .parameters = {operand(number("peak", 1, 0, 1e6, "the greatest magnitude of the result"))}},
      pcm_normalize);
  add(to,
      {.name = "dynamics_compress",
       .family = "audio",
       .formula = "x * 10^((makeup - r) / 20), where r = (1 - 1 / ratio) * max(20 log10 |x| - threshold, 0); "
                  "a smooth envelope h of r is used in its place if asked for: g[n] = max(r[n], a g[n-1] + "
                  "(1 - a) r[n]), h[n] = b h[n-1] + (1 - b) g[n], a and b being exp(-1 / (time * "
                  "sample_rate)) of release and attack; each channel by itself",
       .inputs = {{"x", signal_text}},
       .output = "as x",
       .parameters = {operand(number("threshold", -18, -300, 100, "in dB of full scale")),
                      operand(number("ratio", 4, 1, 1e9, "of decibels above the threshold, before to after")),
                      operand(number("makeup", 0, -300, 300, "in dB, added to every level")),
                      choice("envelope", {"instant", "smooth"}, "'instant': each sample by itself"),
                      operand(number("attack", 5, 0, 1e6, "milliseconds, of a smooth envelope")),
                      operand(number("release", 50, 0, 1e6, "milliseconds, of a smooth envelope")),
                      above(operand(
                          number("sample_rate", 48000, 0, 1e9, "samples a second, of a smooth envelope")))}},
      dynamics_compress, dynamics_compress_operands);
}

}  // namespace wherry::named
