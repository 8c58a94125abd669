// yuv.cpp: from luma and chroma to red, green and blue (ITU-R BT.601 and BT.709).
#include "frames.hpp"

namespace wherry::named {
namespace {

/// A plane [..., h, w] as [..., to_h, to_w], each sample standing for up to two rows and columns.
value doubled(writer& p, const value& plane, std::int64_t to_h, std::int64_t to_w) {
  value x = plane;
  for (const bool is_row : {true, false}) {
    const std::size_t axis = x.rank() - (is_row ? 2 : 1);
    const std::int64_t wanted = is_row ? to_h : to_w, n = x.extent(axis);
    if (n == wanted) continue;
    extents dims(x.dims().begin(), x.dims().end()), from;
    dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, 2);
    for (std::size_t i = 0; i < x.rank(); ++i)
      from.push_back(static_cast<std::int64_t>(i <= axis ? i : i + 1));
    const value twice = p.broadcast(x, from, shape(dims));
    dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
    dims[axis] = 2 * n;
    x = p.part(p.reshape(twice, shape(dims)), axis, 0, wanted);
  }
  return x;
}

bool is_chroma_of(std::int64_t chroma, std::int64_t luma) {
  return chroma == luma || chroma == (luma + 1) / 2;
}

/// Checks planes of luma [..., H, W] and chroma, whose rows and columns may be halved, rounded up.
void require_planes(const kernel_call& call) {
  const tensor_type& y = call.input(0);
  const std::size_t rank = y.dims.rank();
  bool fits = rank >= 2 && (y.element == dtype::ui8 || is_common_float(y.element));
  for (std::size_t i = 0; fits && i < rank; ++i) fits = y.dims[i] > 0;
  if (!fits) call.refuse_input(0, "a plane [..., H, W] of ui8, f16, bf16, f32 or f64 that is not empty");
  const bool is_paired = call.inputs().size() == 2;
  for (std::size_t k = 1; k < call.inputs().size(); ++k) {
    const tensor_type& c = call.input(k);
    fits = c.element == y.element && c.dims.rank() == rank + (is_paired ? 1 : 0);
    for (std::size_t i = 0; fits && i < rank; ++i)
      fits = i + 2 < rank ? c.dims[i] == y.dims[i] : is_chroma_of(c.dims[i], y.dims[i]);
    if (fits && is_paired) fits = c.dims[rank] == 2;
    if (fits && k == 2) fits = c == call.input(1);
    if (!fits) {
      call.refuse_input(k, std::string(is_paired ? "U and V [..., H, W, 2]" : "a plane [..., H, W]") +
                               " of " + std::string(name_of(y.element)) + " with the rows and columns of " +
                               to_string(y) + " or half of them, rounded up" +
                               (k == 2 ? ", as input 1" : ""));
    }
  }
}

kernel_program yuv_to_rgb(const kernel_call& call) {
  const std::size_t count = call.inputs().size();
  if (count == 1) {
    require_frame(call, 0, {3});
  } else {
    require_planes(call);
  }
  const dtype type = call.input(0).element;
  composition p(call);
  std::vector<value> yuv;
  if (count == 1) {
    const value x = load(p, p.input(0));
    for (std::int64_t c = 0; c < 3; ++c) yuv.push_back(channel(p, x, c));
  } else {
    yuv.push_back(load(p, p.input(0)));
    const std::int64_t h = yuv[0].extent(yuv[0].rank() - 2), w = yuv[0].extent(yuv[0].rank() - 1);
    for (std::int64_t c = 0; c < 2; ++c) {
      const value plane = count == 2 ? channel(p, p.input(1), c) : p.input(static_cast<std::size_t>(c) + 1);
      yuv.push_back(doubled(p, load(p, plane), h, w));
    }
  }
  const bool is_full = call.text("range") == "full";
  const double red = call.text("matrix") == "bt601" ? 0.299 : 0.2126;
  const double blue = call.text("matrix") == "bt601" ? 0.114 : 0.0722;
  const double green = 1 - red - blue;
  const double luma = is_full ? 1 : 255.0 / 219, chroma = is_full ? 1 : 255.0 / 224;
  const value y = p.mul(p.sub(yuv[0], is_full ? 0 : 16.0 / 255), luma);
  const value u = p.mul(p.sub(yuv[1], 128.0 / 255), chroma), v = p.mul(p.sub(yuv[2], 128.0 / 255), chroma);
  const value r = p.add(y, p.mul(v, 2 * (1 - red)));
  const value b = p.add(y, p.mul(u, 2 * (1 - blue)));
  const value g =
      p.sub(p.sub(y, p.mul(u, 2 * blue * (1 - blue) / green)), p.mul(v, 2 * red * (1 - red) / green));
  return p.returning(store(p, interleave(p, {p.clamp(0, r, 1), p.clamp(0, g, 1), p.clamp(0, b, 1)}), type));
}

}  // namespace

void add_yuv(named_kernels& to) {
  add(to,
      {.name = "yuv_to_rgb",
       .family = "video",
       .formula = "with y, u, v from 0, -1/2, -1/2 to 1, 1/2, 1/2: R = y + 2 (1 - kr) v, B = y + 2 (1 - kb) "
                  "u, G such that y = kr R + kg G + kb B; clamped to 0 to 1, for floats too",
       .inputs =
           {{"luma",
             "the plane Y [..., H, W], or alone a frame [..., H, W, 3] of Y, U, V; ui8, f16, bf16, f32, f64"},
            {"chroma",
             "the plane U, or U and V interleaved [..., H, W, 2] (NV12); rows and columns may be halved, "
             "rounded up; each sample then stands for two",
             true},
            {"chroma_v", "the plane V (I420 and its like)", true}},
       .output = "[..., H, W, 3], red, green, blue; the element type of luma",
       .parameters = {choice("range", {"limited", "full"},
                             "'limited': Y from 16 to 235, U and V from 16 to 240, of 255"),
                      choice("matrix", {"bt601", "bt709"}, "kr, kb: 0.299, 0.114 or 0.2126, 0.0722")}},
      yuv_to_rgb);
}

}  // namespace wherry::named
