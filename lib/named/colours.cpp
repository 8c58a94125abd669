// colours.cpp: what changes each pixel by itself: brightness and contrast, look-up tables.
#include "frames.hpp"

namespace wherry::named {
namespace {

kernel_program brightness_contrast(const kernel_call& call) {
  require_frame(call, 0);
  const dtype type = call.input(0).element;
  composition p(call, wide(type));
  const value x = load(p, p.input(0));
  const value y = p.add(p.mul(p.sub(x, 0.5), p.operand(1)), 0.5);
  return p.returning(store(p, p.add(y, p.operand(0)), type));
}

kernel_program lut_apply(const kernel_call& call) {
  require_frame(call, 0);
  const tensor_type& type = call.input(0);
  const std::int64_t channels = type.dims[type.dims.rank() - 1];
  const bool is_given = call.inputs().size() > 1;
  const bool is_each = is_given && call.input(1).dims.rank() == 2;
  if (is_given) {
    const shape dims = is_each ? shape{256, channels} : shape{256};
    if (!(call.input(1) == tensor_type{type.element, dims})) {
      const std::string element(name_of(type.element));
      call.refuse_input(
          1, "tensor<256x" + element + "> or tensor<256x" + std::to_string(channels) + "x" + element + ">");
    }
  }
  const dtype in = wide(type.element);
  composition p(call, in);
  // The table in the element type of the frame, all channels one after the other if each has its own.
  value table;
  if (is_given) {
    table = p.reshape(p.input(1), {call.input(1).dims.elements()});
  } else {
    const value ramp = p.mul(p.iota(0, {in, {256}}), 1.0 / 255);
    const value exponent = p.div(p.scalar(1, in), p.operand(0));
    table = store(p, p.binary("power", ramp, exponent), type.element);
  }
  const auto entry = [&](const value& index) {
    if (!is_each) return p.look_up(table, index);
    const value c = p.iota(index.rank() - 1, index.type);
    return p.look_up(table, p.add(p.mul(index, static_cast<double>(channels)), c));
  };
  if (type.element == dtype::ui8) return p.returning(entry(p.convert(p.input(0), dtype::i32)));
  const value position = p.mul(p.clamp(0, p.convert(p.input(0), in), 1), 255);
  const value whole = p.min(p.unary("floor", position), 254);
  const value index = p.convert(whole, dtype::i32);
  const value low = p.convert(entry(index), in), high = p.convert(entry(p.add(index, 1)), in);
  return p.returning(p.convert(p.mix(low, high, p.sub(position, whole)), type.element));
}

}  // namespace

void add_colours(named_kernels& to) {
  add(to,
      {.name = "brightness_contrast",
       .family = "video",
       .formula = "(x - 0.5) * contrast + 0.5 + brightness",
       .inputs = {{"frame", frame_text}},
       .output = "as frame",
       .parameters = {operand(number("brightness", 0, -1000, 1000, "1 is the whole range")),
                      operand(number("contrast", 1, -1000, 1000, "around the middle of the range"))}},
      brightness_contrast);
  add(to,
      {.name = "lut_apply",
       .family = "video",
       .formula = "table[x] for ui8; for floats the table at 255 * x, x clamped to 0 to 1, interpolated "
                  "linearly between entries",
       .inputs = {{"frame", frame_text},
                  {"table",
                   "[256] or [256, C]; the element type of frame; left out: entry v is (v / 255)^(1 / gamma)",
                   true}},
       .output = "as frame",
       .parameters = {above(operand(number("gamma", 1.2, 0, 1000, "of the table, where none is given")))}},
      lut_apply);
}

}  // namespace wherry::named
