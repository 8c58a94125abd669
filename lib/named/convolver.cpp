// convolver.cpp: convolution of a signal with an impulse response through Fourier transforms.
//
// A long signal is cut into blocks, each block transformed with the zeros that its tail needs, and the tails
// added to the next block (overlap-add).
#include "signals.hpp"

namespace wherry::named {
namespace {

/// The least even 2^i 3^j 5^k that is not below `n`: a length whose transform is cheap.
std::int64_t transform_length(std::int64_t n) {
  for (std::int64_t length = n + n % 2;; length += 2) {
    std::int64_t rest = length;
    for (const std::int64_t factor : {2, 3, 5})
      while (rest % factor == 0) rest /= factor;
    if (rest == 1) return length;
  }
}

/// [..., n] with zeros behind up to `length`.
value filled(writer& p, const value& x, std::int64_t length) {
  extents high(x.rank(), 0);
  high.back() = length - x.extent(x.rank() - 1);
  return p.pad(x, 0, extents(x.rank(), 0), high);
}

/// Linear convolution of `x` [C, N] with `response` [C, M] or [1, M]: [C, length], length <= N + M - 1.
value convolved(writer& p, const value& x, const value& response, std::int64_t length) {
  const std::int64_t channels = x.extent(0), n = x.extent(1), m = response.extent(1);
  // Blocks of about three lengths of the response; one block if the signal is not much longer.
  const std::int64_t size = transform_length(std::max<std::int64_t>(4 * m, 1024));
  const bool is_whole = n + m - 1 <= 2 * size;
  const std::int64_t transform = is_whole ? transform_length(n + m - 1) : size;
  const std::int64_t step = is_whole ? n : size - m + 1, blocks = (n + step - 1) / step;
  const value cut = p.reshape(filled(p, x, blocks * step), {channels, blocks, step});
  const value spectrum = p.real_fft(filled(p, cut, transform), transform);
  value other = p.real_fft(filled(p, response, transform), transform);
  other = response.extent(0) == 1 ? p.broadcast(p.reshape(other, {other.extent(1)}), {2}, spectrum.dims())
                                  : p.broadcast(other, {0, 2}, spectrum.dims());
  const value y = p.inverse_real_fft(p.mul(spectrum, other), transform);
  if (is_whole) return p.part(p.reshape(y, {channels, transform}), 1, 0, length);
  const value heads = p.pad(p.part(y, 2, 0, step), 0, {0, 0, 0}, {0, 1, 0});
  const value tails = p.pad(filled(p, p.part(y, 2, step, transform), step), 0, {0, 1, 0}, {0, 0, 0});
  return p.part(p.reshape(p.add(heads, tails), {channels, (blocks + 1) * step}), 1, 0, length);
}

kernel_program fft_convolve(const kernel_call& call) {
  require_signal(call, 0);
  require_signal(call, 1);
  const tensor_type &x = call.input(0), &h = call.input(1);
  const bool is_each = h.dims.rank() == 2;
  if (h.element != x.element || (is_each && (x.dims.rank() != 2 || h.dims[1] != x.dims[1]))) {
    call.refuse_input(1, "an impulse response [M], or [M, C] with the channels of input 0, of " +
                             std::string(name_of(x.element)));
  }
  const dtype in = wide(x.element);
  composition p(call, in);
  const value signal = by_channel(p, samples(p, p.input(0), in));
  const value response = by_channel(p, samples(p, p.input(1), in));
  const std::int64_t length = x.dims[0] + (call.boolean("tail") ? h.dims[0] - 1 : 0);
  const value wet = convolved(p, signal, response, length);
  const value y = p.mix(filled(p, signal, length), wet, p.operand(0));
  return p.returning(stored(p, interleaved(p, y, x.dims.rank()), x.element));
}

}  // namespace

void add_convolver(named_kernels& to) {
  add(to,
      {.name = "fft_convolve",
       .family = "audio",
       .formula = "x + wet * (z - x), where z[n] is the sum over m of h[m] x[n - m]",
       .inputs = {{"x", signal_text},
                  {"h", "the impulse response [M], or [M, C], one for each channel; the element type of x"}},
       .output = "as x; with tail N + M - 1 samples",
       .parameters = {operand(number("wet", 0.2, -1000, 1000, "0: x; 1: the convolution alone")),
                      flag("tail", false, "keep what sounds after the end of x")}},
      fft_convolve);
}

}  // namespace wherry::named
