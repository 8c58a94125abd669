// Kernels of video against plain loops in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "named/run.hpp"

namespace wherry::testing_support {
namespace {

/// The elements of a frame [H, W, C] on the range 0 to 1, and back to the range of its type, not rounded.
struct image {
  std::int64_t h, w, c;
  std::vector<double> values;

  image(std::int64_t rows, std::int64_t columns, std::int64_t channels)
      : h(rows), w(columns), c(channels), values(static_cast<std::size_t>(rows * columns * channels)) {}
  explicit image(const tensor& t) : image(t.extent(0), t.extent(1), t.extent(2)) {
    const double range = t.type.element == dtype::ui8 ? 255 : 1;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = t.values[i] / range;
  }
  double& at(std::int64_t i, std::int64_t j, std::int64_t k) {
    return values[static_cast<std::size_t>((i * w + j) * c + k)];
  }
  double at(std::int64_t i, std::int64_t j, std::int64_t k) const {
    return values[static_cast<std::size_t>((i * w + j) * c + k)];
  }
  /// With the pixels at the edges beyond them.
  double edge(std::int64_t i, std::int64_t j, std::int64_t k) const {
    return at(std::clamp<std::int64_t>(i, 0, h - 1), std::clamp<std::int64_t>(j, 0, w - 1), k);
  }
  tensor as(dtype type) const {
    tensor t{{type, {h, w, c}}, values};
    for (double& v : t.values) v *= type == dtype::ui8 ? 255 : 1;
    return t;
  }
};

/// The kernel on frames of ui8 and of f32 (and f64) against `reference`.
void check(const std::string& kernel, const std::vector<shape>& shapes, const kernel_parameters& parameters,
           const std::function<image(const std::vector<image>&)>& reference, double tolerance = 2e-6) {
  for (const dtype type : {dtype::ui8, dtype::f32, dtype::f64}) {
    std::vector<tensor> inputs;
    std::vector<image> images;
    for (const shape& dims : shapes) {
      const auto seed = static_cast<unsigned>(inputs.size() + 20);
      inputs.push_back(type == dtype::ui8 ? bytes(dims, seed) : noise(type, dims, seed, 0, 1));
      images.emplace_back(inputs.back());
    }
    const tensor expected = reference(images).as(type), actual = run(kernel, inputs, parameters);
    if (type == dtype::ui8) {
      expect_rounded(actual, expected);
    } else {
      expect_near(actual, expected, type == dtype::f32 ? tolerance : 1e-12);
    }
  }
}

std::vector<double> weights_of(std::int64_t radius, double sigma) {
  std::vector<double> w;
  double sum = 0;
  for (std::int64_t k = -radius; k <= radius; ++k) {
    w.push_back(std::exp(-static_cast<double>(k * k) / (2 * sigma * sigma)));
    sum += w.back();
  }
  for (double& v : w) v /= sum;
  return w;
}

image blur_reference(const image& x, std::int64_t radius, double sigma) {
  const std::vector<double> w = weights_of(radius, sigma);
  image y(x.h, x.w, x.c);
  for (std::int64_t i = 0; i < x.h; ++i)
    for (std::int64_t j = 0; j < x.w; ++j)
      for (std::int64_t k = 0; k < x.c; ++k)
        for (std::int64_t u = -radius; u <= radius; ++u)
          for (std::int64_t v = -radius; v <= radius; ++v)
            y.at(i, j, k) += w[static_cast<std::size_t>(u + radius)] *
                             w[static_cast<std::size_t>(v + radius)] * x.edge(i + u, j + v, k);
  return y;
}

TEST(NamedGaussianBlur, is_a_gaussian_in_both_directions) {
  check("gaussian_blur", {{13, 17, 3}}, {}, [](const auto& x) { return blur_reference(x[0], 1, 0.8); });
  check("gaussian_blur", {{13, 17, 3}}, {{"radius", 4}},
        [](const auto& x) { return blur_reference(x[0], 4, 1.7); });
  check("gaussian_blur", {{5, 40, 1}}, {{"radius", 3}, {"sigma", 2.5}},
        [](const auto& x) { return blur_reference(x[0], 3, 2.5); });
}

TEST(NamedGaussianBlur, reaches_beyond_small_frames) {
  check("gaussian_blur", {{2, 1, 4}}, {{"radius", 6}},
        [](const auto& x) { return blur_reference(x[0], 6, 2.3); });
  check("gaussian_blur", {{3, 4, 2}}, {{"radius", 0}}, [](const auto& x) { return x[0]; });
}

TEST(NamedGaussianBlur, takes_several_frames_at_once) {
  const tensor both = noise(dtype::f32, {2, 6, 7, 3}, 5, 0, 1);
  const tensor blurred = run("gaussian_blur", {both}, {{"radius", 2}});
  for (std::size_t f = 0; f < 2; ++f) {
    const auto part = [&](const tensor& t) {
      return tensor{{dtype::f32, {6, 7, 3}},
                    {t.values.begin() + static_cast<std::ptrdiff_t>(f * 126),
                     t.values.begin() + static_cast<std::ptrdiff_t>(f * 126 + 126)}};
    };
    expect_near(part(blurred), blur_reference(image(part(both)), 2, 1.1).as(dtype::f32), 2e-6);
  }
}

TEST(NamedGaussianBlur, keeps_16_bit_floats) {
  const tensor x = noise(dtype::f16, {6, 7, 3}, 6, 0, 1);
  expect_near(run("gaussian_blur", {x}), blur_reference(image(x), 1, 0.8).as(dtype::f16), 1e-3);
}

TEST(NamedSharpen, adds_what_a_blur_takes_away) {
  for (const double strength : {1.0, 0.4, -1.0}) {
    check("sharpen", {{9, 11, 3}}, {{"strength", strength}, {"radius", 2}}, [&](const auto& x) {
      image y = blur_reference(x[0], 2, 1.1);
      for (std::size_t i = 0; i < y.values.size(); ++i)
        y.values[i] = x[0].values[i] + strength * (x[0].values[i] - y.values[i]);
      return y;
    });
  }
}

TEST(NamedDenoise, is_a_bilateral_filter) {
  for (const std::int64_t radius : {1, 2}) {
    for (const double strength : {0.5, 2.0}) {
      check(
          "denoise", {{9, 11, 3}}, {{"strength", strength}, {"radius", radius}},
          [&](const auto& in) {
            const image& x = in[0];
            image y(x.h, x.w, x.c);
            const double s = 0.3 * static_cast<double>(radius - 1) + 0.8, t = 0.2 * strength;
            for (std::int64_t i = 0; i < x.h; ++i)
              for (std::int64_t j = 0; j < x.w; ++j) {
                double total = 0;
                for (std::int64_t u = -radius; u <= radius; ++u)
                  for (std::int64_t v = -radius; v <= radius; ++v) {
                    double d = 0;
                    for (std::int64_t k = 0; k < x.c; ++k)
                      d += std::pow(x.edge(i + u, j + v, k) - x.at(i, j, k), 2);
                    const double w =
                        std::exp(-static_cast<double>(u * u + v * v) / (2 * s * s) - d / (2 * t * t));
                    total += w;
                    for (std::int64_t k = 0; k < x.c; ++k) y.at(i, j, k) += w * x.edge(i + u, j + v, k);
                  }
                for (std::int64_t k = 0; k < x.c; ++k) y.at(i, j, k) /= total;
              }
            return y;
          },
          1e-5);
    }
  }
  check("denoise", {{4, 5, 1}}, {{"strength", 0}}, [](const auto& x) { return x[0]; });
}

double keys(double x) {  // the kernel of cubic convolution with a = -1/2
  x = std::abs(x);
  if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
  return x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

TEST(NamedBicubicScale, is_cubic_convolution) {
  for (const auto& [h, w] :
       {std::pair<std::int64_t, std::int64_t>{20, 31}, {4, 5}, {7, 9}, {1, 1}, {7, 40}}) {
    check("bicubic_scale", {{7, 9, 3}}, {{"width", w}, {"height", h}}, [&](const auto& in) {
      const image& x = in[0];
      image y(h, w, x.c);
      for (std::int64_t i = 0; i < h; ++i)
        for (std::int64_t j = 0; j < w; ++j) {
          const double r =
              (static_cast<double>(i) + 0.5) * static_cast<double>(x.h) / static_cast<double>(h) - 0.5;
          const double s =
              (static_cast<double>(j) + 0.5) * static_cast<double>(x.w) / static_cast<double>(w) - 0.5;
          for (auto u = static_cast<std::int64_t>(std::floor(r)) - 1; u <= std::floor(r) + 2; ++u)
            for (auto v = static_cast<std::int64_t>(std::floor(s)) - 1; v <= std::floor(s) + 2; ++v)
              for (std::int64_t k = 0; k < x.c; ++k)
                y.at(i, j, k) +=
                    keys(r - static_cast<double>(u)) * keys(s - static_cast<double>(v)) * x.edge(u, v, k);
        }
      return y;
    });
  }
}

TEST(NamedBicubicScale, of_a_single_pixel_is_its_colour) {
  check("bicubic_scale", {{1, 1, 3}}, {{"width", 5}, {"height", 4}}, [](const auto& x) {
    image y(4, 5, 3);
    for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] = x[0].values[i % 3];
    return y;
  });
}

TEST(NamedBrightnessContrast, moves_and_stretches_the_range) {
  for (const auto& [b, c] : {std::pair{0.0, 1.0}, {0.2, 1.0}, {-0.1, 1.7}, {0.0, 0.0}}) {
    check("brightness_contrast", {{16, 16, 3}}, {{"brightness", b}, {"contrast", c}}, [&](const auto& x) {
      image y = x[0];
      for (double& v : y.values) v = (v - 0.5) * c + 0.5 + b;
      return y;
    });
  }
}

TEST(NamedLutApply, looks_ui8_up_in_a_table_by_gamma) {
  const tensor x = bytes({16, 16, 1}, 3);
  for (const double gamma : {1.2, 0.5, 2.2}) {
    tensor expected = x;
    for (double& v : expected.values) v = 255 * std::pow(v / 255, 1 / gamma);
    expect_rounded(run("lut_apply", {x}, {{"gamma", gamma}}), expected);
  }
}

TEST(NamedLutApply, interpolates_floats_in_the_table) {
  const tensor x = noise(dtype::f32, {8, 9, 3}, 4, -0.2, 1.2);
  tensor expected = x;
  for (double& v : expected.values) {
    const double at = std::clamp(v, 0.0, 1.0) * 255, low = std::min(std::floor(at), 254.0);
    const auto entry = [](double k) { return std::pow(k / 255, 1 / 1.2); };
    v = entry(low) + (entry(low + 1) - entry(low)) * (at - low);
  }
  expect_near(run("lut_apply", {x}), expected, 3e-6);
}

TEST(NamedLutApply, takes_a_table_for_all_or_for_each_channel) {
  const tensor x = bytes({4, 5, 3}, 5), one = bytes({256}, 6), each = bytes({256, 3}, 7);
  tensor expected = x;
  for (double& v : expected.values) v = one.values[static_cast<std::size_t>(v)];
  expect_near(run("lut_apply", {x, one}), expected, 0);
  expected = x;
  for (std::size_t i = 0; i < x.values.size(); ++i)
    expected.values[i] = each.values[static_cast<std::size_t>(x.values[i]) * 3 + i % 3];
  expect_near(run("lut_apply", {x, each}), expected, 0);
}

image rgb_reference(const std::function<std::array<double, 3>(std::int64_t, std::int64_t)>& yuv,
                    std::int64_t h, std::int64_t w, bool full, bool hd) {
  const double kr = hd ? 0.2126 : 0.299, kb = hd ? 0.0722 : 0.114;
  image rgb(h, w, 3);
  for (std::int64_t i = 0; i < h; ++i)
    for (std::int64_t j = 0; j < w; ++j) {
      auto [y, u, v] = yuv(i, j);
      y = full ? y : (y * 255 - 16) / 219;
      u = full ? u - 128.0 / 255 : (u * 255 - 128) / 224;
      v = full ? v - 128.0 / 255 : (v * 255 - 128) / 224;
      const double r = y + 2 * (1 - kr) * v, b = y + 2 * (1 - kb) * u;
      rgb.at(i, j, 0) = std::clamp(r, 0.0, 1.0);
      rgb.at(i, j, 1) = std::clamp((y - kr * r - kb * b) / (1 - kr - kb), 0.0, 1.0);
      rgb.at(i, j, 2) = std::clamp(b, 0.0, 1.0);
    }
  return rgb;
}

TEST(NamedYuvToRgb, converts_interleaved_frames_of_both_ranges_and_matrices) {
  for (const bool full : {false, true}) {
    for (const bool hd : {false, true}) {
      check("yuv_to_rgb", {{9, 30, 3}},
            {{"range", full ? "full" : "limited"}, {"matrix", hd ? "bt709" : "bt601"}}, [&](const auto& x) {
              return rgb_reference(
                  [&](std::int64_t i, std::int64_t j) {
                    return std::array{x[0].at(i, j, 0), x[0].at(i, j, 1), x[0].at(i, j, 2)};
                  },
                  9, 30, full, hd);
            });
    }
  }
  const tensor white{{dtype::ui8, {1, 2, 3}}, {235, 128, 128, 16, 128, 128}};
  expect_near(run("yuv_to_rgb", {white}), {{dtype::ui8, {1, 2, 3}}, {255, 255, 255, 0, 0, 0}}, 0);
}

TEST(NamedYuvToRgb, takes_planes_with_halved_chroma_of_odd_frames) {
  for (const std::int64_t h : {6, 7}) {
    for (const bool paired : {false, true}) {
      const std::int64_t w = h + 3, ch = (h + 1) / 2, cw = (w + 1) / 2;
      const tensor y = bytes({h, w}, 8), u = bytes({ch, cw}, 9), v = bytes({ch, cw}, 10);
      tensor uv{{dtype::ui8, {ch, cw, 2}}, {}};
      for (std::size_t i = 0; i < u.values.size(); ++i)
        uv.values.insert(uv.values.end(), {u.values[i], v.values[i]});
      const auto sample = [&](std::int64_t i, std::int64_t j) {
        const auto chroma = static_cast<std::size_t>(i / 2 * cw + j / 2);
        return std::array{y.values[static_cast<std::size_t>(i * w + j)] / 255, u.values[chroma] / 255,
                          v.values[chroma] / 255};
      };
      const tensor actual = paired ? run("yuv_to_rgb", {y, uv}) : run("yuv_to_rgb", {y, u, v});
      expect_rounded(actual, rgb_reference(sample, h, w, false, false).as(dtype::ui8));
    }
  }
  const tensor y = noise(dtype::f32, {4, 6}, 11, 0, 1), u = noise(dtype::f32, {4, 3}, 12, 0, 1),
               v = noise(dtype::f32, {4, 3}, 13, 0, 1);
  const auto sample = [&](std::int64_t i, std::int64_t j) {
    const auto chroma = static_cast<std::size_t>(i * 3 + j / 2);
    return std::array{y.values[static_cast<std::size_t>(i * 6 + j)], u.values[chroma], v.values[chroma]};
  };
  expect_near(run("yuv_to_rgb", {y, u, v}), rgb_reference(sample, 4, 6, false, false).as(dtype::f32), 2e-6);
}

double chroma_distance(const image& x, std::int64_t i, std::int64_t j) {
  const double r = x.at(i, j, 0), g = x.at(i, j, 1) - 177.0 / 255, b = x.at(i, j, 2) - 64.0 / 255;
  return std::hypot(-0.168736 * r - 0.331264 * g + 0.5 * b, 0.5 * r - 0.418688 * g - 0.081312 * b);
}

TEST(NamedChromaKey, gives_alpha_by_the_distance_of_chroma) {
  const tensor x = noise(dtype::f64, {12, 13, 3}, 14, 0, 1);
  const image in(x);
  for (const double softness : {0.0, 0.1}) {
    image y(12, 13, 4);
    for (std::int64_t i = 0; i < 12; ++i)
      for (std::int64_t j = 0; j < 13; ++j) {
        for (std::int64_t k = 0; k < 3; ++k) y.at(i, j, k) = in.at(i, j, k);
        const double d = chroma_distance(in, i, j);
        y.at(i, j, 3) = softness == 0 ? (d > 0.3 ? 1 : 0) : std::clamp((d - 0.3) / softness, 0.0, 1.0);
      }
    expect_near(run("chroma_key", {x}, {{"softness", softness}}), y.as(dtype::f64), 1e-12);
  }
  const tensor key{{dtype::ui8, {1, 2, 3}}, {0, 177, 64, 200, 60, 180}};
  expect_near(run("chroma_key", {key}), {{dtype::ui8, {1, 2, 4}}, {0, 177, 64, 0, 200, 60, 180, 255}}, 0);
}

TEST(NamedChromaKey, puts_the_frame_over_a_background) {
  check("chroma_key", {{12, 13, 3}, {12, 13, 3}}, {{"softness", 0.4}, {"threshold", 0.1}}, [](const auto& x) {
    image y = x[0];
    for (std::int64_t i = 0; i < y.h; ++i)
      for (std::int64_t j = 0; j < y.w; ++j)
        for (std::int64_t k = 0; k < 3; ++k) {
          const double a = std::clamp((chroma_distance(x[0], i, j) - 0.1) / 0.4, 0.0, 1.0);
          y.at(i, j, k) = x[1].at(i, j, k) + a * (x[0].at(i, j, k) - x[1].at(i, j, k));
        }
    return y;
  });
}

image overlay_reference(const image& base, const image& over, std::int64_t x, std::int64_t y, double alpha) {
  image r = base;
  const std::int64_t colours = base.c == 4 ? 3 : base.c;
  for (std::int64_t i = 0; i < over.h; ++i)
    for (std::int64_t j = 0; j < over.w; ++j) {
      if (i + y < 0 || i + y >= base.h || j + x < 0 || j + x >= base.w) continue;
      const double a = alpha * (over.c > colours ? over.at(i, j, colours) : 1);
      const double below = base.c == 4 ? base.at(i + y, j + x, 3) : 1, sum = a + (1 - a) * below;
      for (std::int64_t k = 0; k < colours; ++k)
        r.at(i + y, j + x, k) =
            sum > 0 ? (a * over.at(i, j, k) + (1 - a) * below * base.at(i + y, j + x, k)) / sum : 0;
      if (base.c == 4) r.at(i + y, j + x, 3) = sum;
    }
  return r;
}

TEST(NamedOverlayAlpha, lies_anywhere_and_is_cut_off_outside) {
  for (const auto& [x, y] : {std::pair<std::int64_t, std::int64_t>{0, 0},
                             {3, 2},
                             {-2, -1},
                             {9, 6},
                             {12, 0},
                             {0, 9},
                             {-5, 0},
                             {1000, -1000}}) {
    check("overlay_alpha", {{8, 12, 3}, {3, 5, 3}}, {{"x", x}, {"y", y}, {"alpha", 0.7}},
          [&](const auto& in) { return overlay_reference(in[0], in[1], x, y, 0.7); });
  }
}

TEST(NamedOverlayAlpha, honours_alpha_above_and_below) {
  check("overlay_alpha", {{8, 12, 3}, {3, 5, 4}}, {{"x", 2}, {"y", 1}},
        [](const auto& in) { return overlay_reference(in[0], in[1], 2, 1, 1); });
  check("overlay_alpha", {{8, 12, 1}, {3, 5, 2}}, {{"x", 2}, {"y", 1}},
        [](const auto& in) { return overlay_reference(in[0], in[1], 2, 1, 1); });
  check(
      "overlay_alpha", {{8, 12, 4}, {10, 14, 4}}, {{"x", -1}, {"y", -1}, {"alpha", 0.5}},
      [](const auto& in) { return overlay_reference(in[0], in[1], -1, -1, 0.5); }, 1e-5);
}

TEST(NamedVideoMix, dissolves_adds_and_multiplies) {
  for (const char* const mode : {"dissolve", "add", "multiply"}) {
    for (const double ratio : {0.5, 0.2, 1.0}) {
      check("video_mix", {{9, 7, 3}, {9, 7, 3}}, {{"mode", mode}, {"ratio", ratio}}, [&](const auto& x) {
        image y = x[0];
        for (std::size_t i = 0; i < y.values.size(); ++i) {
          const double a = x[0].values[i], b = x[1].values[i];
          const double blend = mode[0] == 'd' ? b : mode[0] == 'a' ? a + b : a * b;
          y.values[i] = a + ratio * (blend - a);
        }
        return y;
      });
    }
  }
}

TEST(NamedVideoCrop, takes_a_part) {
  for (const auto& [x, y] : {std::pair<std::int64_t, std::int64_t>{0, 0}, {3, 2}, {7, 5}}) {
    check("video_crop", {{9, 12, 3}}, {{"x", x}, {"y", y}, {"width", 5}, {"height", 4}}, [&](const auto& in) {
      image r(4, 5, 3);
      for (std::int64_t i = 0; i < 4; ++i)
        for (std::int64_t j = 0; j < 5; ++j)
          for (std::int64_t k = 0; k < 3; ++k) r.at(i, j, k) = in[0].at(i + y, j + x, k);
      return r;
    });
  }
}

}  // namespace
}  // namespace wherry::testing_support
