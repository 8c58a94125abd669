// resampling.cpp: signals at another sample rate.
#include <numeric>

#include "signals.hpp"

namespace wherry::named {
namespace {

kernel_program resample_linear(const kernel_call& call) {
  require_signal(call, 0);
  const tensor_type& type = call.input(0);
  const std::int64_t divisor = std::gcd(call.integer("from"), call.integer("to"));
  const std::int64_t from = call.integer("from") / divisor, to = call.integer("to") / divisor,
                     n = type.dims[0];
  std::int64_t scaled = 0;
  if (__builtin_mul_overflow(n, to, &scaled) || scaled / from > (std::int64_t{1} << 40))
    call.refuse_parameter("to", "a rate for which the result has at most 2^40 samples");
  const std::int64_t count = std::max<std::int64_t>(1, scaled / from);
  const dtype in = wide(type.element);
  composition p(call);
  const value x = samples(p, p.input(0), in);
  // Result i lies at i * from / to of the source; in integers, so that it is exact.
  const bool is_large = static_cast<double>(count) * static_cast<double>(from) > 2e9;
  const value scaled_index =
      p.mul(p.iota(0, {is_large ? dtype::i64 : dtype::i32, {count}}), static_cast<double>(from));
  const value left = p.div(scaled_index, static_cast<double>(to));
  const value rest = p.sub(scaled_index, p.mul(left, static_cast<double>(to)));
  value t = p.div(p.convert(rest, in), static_cast<double>(to));
  const value low = p.take(x, left, 0), high = p.take(x, p.add(left, 1), 0);
  t = p.broadcast(t, {0}, low.dims());
  return p.returning(stored(p, p.mix(low, high, t), type.element));
}

}  // namespace

void add_resampling(named_kernels& to) {
  add(to,
      {.name = "resample_linear",
       .family = "audio",
       .formula = "sample i is x at i * from / to, interpolated linearly; behind the end the last sample",
       .inputs = {{"x", signal_text}},
       .output = "[M] or [M, C] with M = max(1, floor(N * to / from)); the element type of x",
       .parameters = {integer("from", std::nullopt, 1, 1 << 30, "the rate of x"),
                      integer("to", std::nullopt, 1, 1 << 30, "the rate of the result")}},
      resample_linear);
}

}  // namespace wherry::named
