// Kernels of audio against plain loops in double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "named/run.hpp"

namespace wherry::testing_support {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// A signal of i16 on the range -1 to 1 and back.
tensor unit(const tensor& t) {
  tensor r = t;
  if (t.type.element == dtype::i16)
    for (double& v : r.values) v /= 32768;
  return r;
}

/// The kernel on signals of f32, f64 and i16 against `reference`, which works on the range -1 to 1.
void check(const std::string& kernel, const std::vector<shape>& shapes, const kernel_parameters& parameters,
           const std::function<tensor(const std::vector<tensor>&)>& reference, double tolerance = 2e-6) {
  for (const dtype type : {dtype::f32, dtype::f64, dtype::i16}) {
    std::vector<tensor> inputs, units;
    for (const shape& dims : shapes) {
      const double range = type == dtype::i16 ? 32767 : 1;
      inputs.push_back(noise(type, dims, static_cast<unsigned>(inputs.size() + 40), -range, range));
      units.push_back(unit(inputs.back()));
    }
    tensor expected = reference(units);
    const tensor actual = run(kernel, inputs, parameters);
    if (type == dtype::i16) {
      for (double& v : expected.values) v *= 32768;
      expect_rounded(actual, expected, 0.51 + tolerance * 32768);
    } else {
      expect_near(actual, expected, type == dtype::f32 ? tolerance : 1e-12);
    }
  }
}

TEST(NamedPcmMix, adds_and_clamps) {
  check("pcm_mix", {{1000}, {1000}, {1000}}, {}, [](const auto& x) {
    tensor y = x[0];
    for (std::size_t i = 0; i < 1000; ++i)
      y.values[i] = std::clamp(x[0].values[i] + x[1].values[i] + x[2].values[i], -1.0, 1.0);
    return y;
  });
  check("pcm_mix", {{50, 2}, {50, 2}}, {{"gains", {0.25, -1.5}}}, [](const auto& x) {
    tensor y = x[0];
    for (std::size_t i = 0; i < 100; ++i)
      y.values[i] = std::clamp(0.25 * x[0].values[i] - 1.5 * x[1].values[i], -1.0, 1.0);
    return y;
  });
  check("pcm_mix", {{10}}, {{"gains", {0.5}}}, [](const auto& x) {
    tensor y = x[0];
    for (double& v : y.values) v *= 0.5;
    return y;
  });
}

TEST(NamedPcmNormalize, brings_the_peak_to_its_value) {
  for (const double peak : {1.0, 0.25}) {
    check("pcm_normalize", {{300, 2}}, {{"peak", peak}}, [&](const auto& x) {
      tensor y = x[0];
      double highest = 0;
      for (const double v : y.values) highest = std::max(highest, std::abs(v));
      for (double& v : y.values) v *= peak / highest;
      return y;
    });
  }
  const tensor silence{{dtype::f32, {4}}, {0, 0, 0, 0}};
  expect_near(run("pcm_normalize", {silence}), silence, 0);
}

tensor biquad_reference(const tensor& x, const std::array<double, 5>& k) {
  tensor y = x;
  const std::int64_t channels = x.type.dims.rank() == 2 ? x.extent(1) : 1, n = x.extent(0);
  for (std::int64_t c = 0; c < channels; ++c) {
    double x1 = 0, x2 = 0, y1 = 0, y2 = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const double now = x.values[index(i * channels + c)];
      const double out = k[0] * now + k[1] * x1 + k[2] * x2 - k[3] * y1 - k[4] * y2;
      x2 = std::exchange(x1, now);
      y2 = std::exchange(y1, out);
      y.values[index(i * channels + c)] = out;
    }
  }
  return y;
}

TEST(NamedBiquadFilter, is_the_recurrence_of_its_coefficients) {
  const std::array<double, 5> k = {0.2, -0.3, 0.1, -1.2, 0.5};
  for (const shape& dims : {shape{1}, shape{31}, shape{32}, shape{33}, shape{1000}, shape{333, 2}}) {
    check("biquad_filter", {dims}, {{"coefficients", std::vector<double>(k.begin(), k.end())}},
          [&](const auto& x) { return biquad_reference(x[0], k); });
  }
}

TEST(NamedBiquadFilter, stays_accurate_for_low_frequencies_and_long_signals) {
  // A low pass at 20 Hz for 48 kHz: poles at distance 0.002 from the unit circle.
  const double w = 2 * std::numbers::pi * 20 / 48000, alpha = std::sin(w) / std::sqrt(2.0), c = std::cos(w),
               a0 = 1 + alpha;
  const std::array<double, 5> k = {(1 - c) / 2 / a0, (1 - c) / a0, (1 - c) / 2 / a0, -2 * c / a0,
                                   (1 - alpha) / a0};
  const tensor x = noise(dtype::f32, {100000}, 44);
  expect_near(run("biquad_filter", {x}, {{"frequency", 20}}), biquad_reference(x, k), 1e-8, 1e-7);
}

double gain_at(const kernel_parameters& parameters, double frequency) {
  tensor impulse{{dtype::f64, {20000}}, std::vector<double>(20000)};
  impulse.values[0] = 1;
  const tensor h = run("biquad_filter", {impulse}, parameters);
  double re = 0, im = 0;
  for (std::size_t i = 0; i < h.values.size(); ++i) {
    const double angle = 2 * std::numbers::pi * frequency / 48000 * static_cast<double>(i);
    re += h.values[i] * std::cos(angle);
    im -= h.values[i] * std::sin(angle);
  }
  return 20 * std::log10(std::max(std::hypot(re, im), 1e-9));
}

TEST(NamedBiquadFilter, has_the_response_of_each_type) {
  const double half = 20 * std::log10(std::sqrt(0.5));
  EXPECT_NEAR(gain_at({{"type", "lowpass"}}, 1), 0, 0.01);
  EXPECT_NEAR(gain_at({{"type", "lowpass"}}, 1000), half, 0.01);
  EXPECT_LT(gain_at({{"type", "lowpass"}}, 20000), -60);
  EXPECT_NEAR(gain_at({{"type", "highpass"}}, 1000), half, 0.01);
  EXPECT_NEAR(gain_at({{"type", "highpass"}}, 23999), 0, 0.01);
  EXPECT_LT(gain_at({{"type", "highpass"}}, 10), -60);
  EXPECT_NEAR(gain_at({{"type", "bandpass"}, {"q", 2}}, 1000), 0, 0.01);
  EXPECT_LT(gain_at({{"type", "bandpass"}, {"q", 2}}, 50), -30);
  EXPECT_LT(gain_at({{"type", "notch"}}, 1000), -60);
  EXPECT_NEAR(gain_at({{"type", "notch"}}, 10), 0, 0.01);
  EXPECT_NEAR(gain_at({{"type", "allpass"}}, 700), 0, 0.001);
  EXPECT_NEAR(gain_at({{"type", "peaking"}, {"gain", 6}}, 1000), 6, 0.001);
  EXPECT_NEAR(gain_at({{"type", "peaking"}, {"gain", -6}}, 10), 0, 0.01);
  EXPECT_NEAR(gain_at({{"type", "lowshelf"}, {"gain", 9}}, 1), 9, 0.01);
  EXPECT_NEAR(gain_at({{"type", "lowshelf"}, {"gain", 9}}, 23000), 0, 0.01);
  EXPECT_NEAR(gain_at({{"type", "highshelf"}, {"gain", -9}}, 23999), -9, 0.01);
  EXPECT_NEAR(gain_at({{"type", "highshelf"}, {"gain", -9}}, 1), 0, 0.01);
  EXPECT_NEAR(gain_at({{"type", "lowpass"}, {"frequency", 3000}, {"sample_rate", 24000}}, 6000), half, 0.01);
}

tensor convolution_reference(const tensor& x, const tensor& h, double wet, bool tail) {
  const std::int64_t channels = x.type.dims.rank() == 2 ? x.extent(1) : 1, n = x.extent(0), m = h.extent(0);
  const std::int64_t length = tail ? n + m - 1 : n, own = h.type.dims.rank() == 2 ? channels : 1;
  tensor y{{x.type.element, x.type.dims.rank() == 2 ? shape{length, channels} : shape{length}},
           std::vector<double>(index(length * channels))};
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t i = 0; i < length; ++i) {
      double sum = 0;
      for (std::int64_t k = std::max<std::int64_t>(0, i - n + 1); k < m && k <= i; ++k)
        sum += h.values[index(k * own + (own == 1 ? 0 : c))] * x.values[index((i - k) * channels + c)];
      y.values[index(i * channels + c)] =
          (1 - wet) * (i < n ? x.values[index(i * channels + c)] : 0) + wet * sum;
    }
  return y;
}

TEST(NamedFftConvolve, is_a_linear_convolution) {
  struct {
    shape x, h;
    bool tail;
  } const cases[] = {{{300}, {50}, false},    {{300}, {50}, true},      {{50}, {300}, false},
                     {{50}, {300}, true},     {{7}, {1}, true},         {{1}, {9}, false},
                     {{200, 2}, {31}, false}, {{200, 2}, {31, 2}, true}};
  for (const auto& [x, h, tail] : cases) {
    const kernel_parameters parameters = {{"wet", 0.3}, {"tail", tail}};
    const bool is_long = tail;
    check(
        "fft_convolve", {x, h}, parameters,
        [is_long](const auto& in) { return convolution_reference(in[0], in[1], 0.3, is_long); }, 1e-5);
  }
}

TEST(NamedFftConvolve, cuts_long_signals_into_blocks) {
  for (const bool tail : {false, true}) {
    for (const std::int64_t n : {5000, 4096 - 127, 9 * (1024 - 99)}) {
      const tensor x = noise(dtype::f64, {n}, 50), h = noise(dtype::f64, {100}, 51);
      expect_near(run("fft_convolve", {x, h}, {{"wet", 1}, {"tail", tail}}),
                  convolution_reference(x, h, 1, tail), 1e-11);
    }
  }
}

TEST(NamedResampleLinear, interpolates_between_neighbours) {
  for (const auto& [from, to] : {std::pair<std::int64_t, std::int64_t>{44100, 48000},
                                 {48000, 44100},
                                 {1, 3},
                                 {3, 1},
                                 {8000, 8000},
                                 {2, 1000000007}}) {
    for (const shape& dims : {shape{2}, shape{40, 2}}) {
      if (to > 1000000 && dims.rank() == 2) continue;
      const std::int64_t n = to > 1000000 ? 0 : dims[0];
      if (n == 0) continue;
      check("resample_linear", {dims}, {{"from", from}, {"to", to}}, [&](const auto& x) {
        const std::int64_t channels = dims.rank() == 2 ? 2 : 1,
                           count = std::max<std::int64_t>(1, n * to / from);
        tensor y{{x[0].type.element, dims.rank() == 2 ? shape{count, 2} : shape{count}}, {}};
        for (std::int64_t i = 0; i < count; ++i)
          for (std::int64_t c = 0; c < channels; ++c) {
            const double at = static_cast<double>(i) * static_cast<double>(from) / static_cast<double>(to);
            const auto left = std::min<std::int64_t>(static_cast<std::int64_t>(at + 1e-9), n - 1),
                       right = std::min(left + 1, n - 1);
            const double t = std::max(0.0, at - static_cast<double>(left));
            y.values.push_back(x[0].values[index(left * channels + c)] * (1 - t) +
                               x[0].values[index(right * channels + c)] * t);
          }
        return y;
      });
    }
  }
}

TEST(NamedResampleLinear, stays_exact_where_f32_would_not) {
  // Positions beyond 2^24 have no fraction in f32.
  const std::int64_t n = 40000;
  tensor x{{dtype::f64, {n}}, {}};
  for (std::int64_t i = 0; i < n; ++i) x.values.push_back(static_cast<double>(i));
  const tensor y = run("resample_linear", {x}, {{"from", 44100}, {"to", 48000}});
  for (std::int64_t i = 0; i < y.extent(0) - 2; ++i)
    ASSERT_NEAR(y.values[index(i)], static_cast<double>(i) * 44100 / 48000, 1e-9);
}

tensor compressed(const tensor& x, double threshold, double ratio, double makeup,
                  const std::function<void(std::vector<double>&)>& follow = {}) {
  tensor y = x;
  std::vector<double> reduction;
  for (const double v : x.values)
    reduction.push_back((1 - 1 / ratio) *
                        std::max(20 * std::log10(std::max(std::abs(v), 1e-30)) - threshold, 0.0));
  if (follow) follow(reduction);
  for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] *= std::pow(10, (makeup - reduction[i]) / 20);
  return y;
}

TEST(NamedDynamicsCompress, reduces_what_is_above_the_threshold) {
  check("dynamics_compress", {{700}}, {}, [](const auto& x) { return compressed(x[0], -18, 4, 0); });
  check("dynamics_compress", {{70, 2}}, {{"threshold", -6}, {"ratio", 1}},
        [](const auto& x) { return x[0]; });
  check("dynamics_compress", {{70, 2}}, {{"threshold", -30}, {"ratio", 20}, {"makeup", 6}},
        [](const auto& x) { return compressed(x[0], -30, 20, 6); });
  const tensor quiet{{dtype::f32, {3}}, {0, -0.0, 1e-3}};
  expect_near(run("dynamics_compress", {quiet}), quiet, 1e-9);
}

TEST(NamedDynamicsCompress, follows_a_smooth_envelope) {
  const double a = std::exp(-1 / (0.050 * 8000)), b = std::exp(-1 / (0.005 * 8000));
  for (const std::int64_t channels : {1, 2}) {
    check(
        "dynamics_compress", {channels == 1 ? shape{1500} : shape{900, 2}},
        {{"envelope", "smooth"}, {"sample_rate", 8000}},
        [&](const auto& x) {
          return compressed(x[0], -18, 4, 0, [&](std::vector<double>& r) {
            for (std::size_t c = 0; c < index(channels); ++c) {
              double g = 0, h = 0;
              for (std::size_t i = c; i < r.size(); i += index(channels)) {
                g = std::max(r[i], a * g + (1 - a) * r[i]);
                h = b * h + (1 - b) * g;
                r[i] = h;
              }
            }
          });
        },
        1e-5);
  }
  check("dynamics_compress", {{100}}, {{"envelope", "smooth"}, {"attack", 0}, {"release", 0}},
        [](const auto& x) { return compressed(x[0], -18, 4, 0); });
}

}  // namespace
}  // namespace wherry::testing_support
