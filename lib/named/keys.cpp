// keys.cpp: chroma keying.
#include <algorithm>

#include "frames.hpp"

namespace wherry::named {
namespace {

kernel_program chroma_key(const kernel_call& call) {
  require_frame(call, 0, {3});
  if (call.inputs().size() > 1) require_same(call, 1, 0);
  const dtype type = call.input(0).element;
  composition p(call, wide(type), 5);
  const value x = load(p, p.input(0));
  std::vector<value> colour, off;
  for (std::int64_t c = 0; c < 3; ++c) {
    colour.push_back(channel(p, x, c));
    off.push_back(p.sub(colour.back(), p.operand(2 + c)));
  }
  // The chroma of the difference from the key (BT.601).
  const auto weighted = [&](double r, double g, double b) {
    return p.add(p.add(p.mul(off[0], r), p.mul(off[1], g)), p.mul(off[2], b));
  };
  const value u = weighted(-0.168736, -0.331264, 0.5), v = weighted(0.5, -0.418688, -0.081312);
  const value distance = p.unary("sqrt", p.add(p.mul(u, u), p.mul(v, v)));
  const value alpha = p.clamp(0, p.mul(p.sub(distance, p.operand(0)), p.operand(1)), 1);
  if (call.inputs().size() == 1) {
    colour.push_back(alpha);
    return p.returning(store(p, interleave(p, colour), type));
  }
  const value under = load(p, p.input(1));
  extents leading;
  for (std::size_t i = 0; i < alpha.rank(); ++i) leading.push_back(static_cast<std::int64_t>(i));
  return p.returning(store(p, p.mix(under, x, p.broadcast(alpha, leading, x.dims())), type));
}

std::vector<double> chroma_key_operands(const kernel_call& call) {
  const double softness = call.number("softness");
  const std::vector<double>& key = call.list("key");
  // Without softness the ramp is so steep that it is a step.
  return {call.number("threshold"), softness > 0 ? std::min(1 / softness, 1e30) : 1e30, key[0] / 255,
          key[1] / 255, key[2] / 255};
}

}  // namespace

void add_keys(named_kernels& to) {
  add(to,
      {.name = "chroma_key",
       .family = "video",
       .formula =
           "alpha = clamp((d - threshold) / softness, 0, 1), where d is the distance from the key in the "
           "plane of chroma (Cb, Cr of BT.601, on the range 0 to 1 of R, G, B): brightness does not count",
       .inputs = {{"frame", "[..., H, W, 3], red, green, blue; ui8, f16, bf16, f32, f64"},
                  {"background", "as frame", true}},
       .output = "without a background [..., H, W, 4], with alpha; else frame over background, as frame",
       .parameters = {operand(number("threshold", 0.3, 0, 2, "what is nearer to the key is transparent")),
                      operand(number("softness", 0, 0, 2, "width of the edge; 0: transparent or not")),
                      operand(
                          numbers("key", std::vector<double>{0, 177, 64}, 0, 255, "red, green, blue", 3))}},
      chroma_key, chroma_key_operands);
}

}  // namespace wherry::named
