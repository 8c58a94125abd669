// What kernels by name refuse, and what they say: kernel, argument, what was expected, what came.
#include <gtest/gtest.h>

#include "named/run.hpp"

namespace wherry::testing_support {
namespace {

tensor_type f32(const shape& dims) { return {dtype::f32, dims}; }
tensor_type i32(const shape& dims) { return {dtype::i32, dims}; }
tensor_type ui8(const shape& dims) { return {dtype::ui8, dims}; }

TEST(NamedKernelRefusal, of_an_unknown_name_gives_the_nearest) {
  EXPECT_EQ(refusal("relo", {f32({1})}),
            "no kernel 'relo'; known with similar names: 'relu', 'tanh', 'denoise', 'reshape'");
  const std::string blur = refusal("blur", {f32({1})});
  EXPECT_EQ(blur.find("no kernel 'blur'; known with similar names: 'gaussian_blur', "), 0U) << blur;
}

TEST(NamedKernelRefusal, of_a_wrong_number_of_inputs) {
  EXPECT_EQ(refusal("relu", {}), "relu: expected 1 input, got 0");
  EXPECT_EQ(refusal("elementwise_add", {f32({1})}), "elementwise_add: expected 2 inputs, got 1");
  EXPECT_EQ(refusal("layer_norm", {f32({1}), f32({1}), f32({1}), f32({1})}),
            "layer_norm: expected 1 to 3 inputs, got 4");
  EXPECT_EQ(refusal("pcm_mix", {}), "pcm_mix: expected at least 1 input, got 0");
}

TEST(NamedKernelRefusal, of_an_unknown_parameter_gives_the_nearest) {
  EXPECT_EQ(refusal("gaussian_blur", {f32({1, 1, 1})}, {{"raduis", 2}}),
            "gaussian_blur: unknown parameter 'raduis'; expected 'radius', 'sigma'");
  EXPECT_EQ(refusal("relu", {f32({1})}, {{"slope", 2}}), "relu: unknown parameter 'slope'; it takes none");
}

TEST(NamedKernelRefusal, of_a_parameter_of_another_kind) {
  const tensor_type frame = f32({4, 4, 3});
  EXPECT_EQ(refusal("gaussian_blur", {frame}, {{"radius", 1.5}}),
            "gaussian_blur: parameter 'radius': expected an integer from 0 to 256, got 1.5");
  EXPECT_EQ(refusal("gaussian_blur", {frame}, {{"radius", "big"}}),
            "gaussian_blur: parameter 'radius': expected an integer from 0 to 256, got 'big'");
  EXPECT_EQ(refusal("gaussian_blur", {frame}, {{"radius", true}}),
            "gaussian_blur: parameter 'radius': expected an integer from 0 to 256, got true");
  EXPECT_EQ(refusal("matmul", {f32({1, 1}), f32({1, 1})}, {{"transpose_a", 1}}),
            "matmul: parameter 'transpose_a': expected true or false, got 1");
  EXPECT_EQ(refusal("chroma_key", {frame}, {{"key", 3}}),
            "chroma_key: parameter 'key': expected a list of 3 numbers from 0 to 255, got 3");
  EXPECT_EQ(refusal("gaussian_blur", {frame}, {{"radius", 2.0}}), "");  // an integer all the same
  EXPECT_EQ(refusal("gaussian_blur", {frame}, {{"sigma", 2}}), "");
}

TEST(NamedKernelRefusal, of_a_parameter_out_of_range) {
  const tensor_type frame = f32({4, 4, 3});
  EXPECT_EQ(refusal("gaussian_blur", {frame}, {{"radius", -1}}),
            "gaussian_blur: parameter 'radius': expected an integer from 0 to 256, got -1");
  EXPECT_EQ(refusal("video_mix", {frame, frame}, {{"ratio", 1.5}}),
            "video_mix: parameter 'ratio': expected a number from 0 to 1, got 1.5");
  EXPECT_EQ(refusal("video_mix", {frame, frame}, {{"ratio", std::numeric_limits<double>::quiet_NaN()}}),
            "video_mix: parameter 'ratio': expected a number from 0 to 1, got nan");
  EXPECT_EQ(refusal("video_mix", {frame, frame}, {{"mode", "screen"}}),
            "video_mix: parameter 'mode': expected 'dissolve', 'add' or 'multiply', got 'screen'");
  EXPECT_EQ(refusal("lut_apply", {frame}, {{"gamma", 0}}),
            "lut_apply: parameter 'gamma': expected a number above 0, at most 1000, got 0");
  EXPECT_EQ(refusal("chroma_key", {frame}, {{"key", {0, 177, 300}}}),
            "chroma_key: parameter 'key': expected a list of 3 numbers from 0 to 255, got [0, 177, 300]");
  EXPECT_EQ(refusal("chroma_key", {frame}, {{"key", {0, 177}}}),
            "chroma_key: parameter 'key': expected a list of 3 numbers from 0 to 255, got [0, 177]");
  EXPECT_EQ(refusal("layer_norm", {frame}, {{"epsilon", -1}}),
            "layer_norm: parameter 'epsilon': expected a number of at least 0, got -1");
  EXPECT_EQ(refusal("resample_linear", {f32({8})}, {{"from", 0}, {"to", 8000}}),
            "resample_linear: parameter 'from': expected an integer from 1 to 1073741824, got 0");
  EXPECT_EQ(refusal("resample_linear", {f32({8})}, {{"from", 8000}, {"to", -8000}}),
            "resample_linear: parameter 'to': expected an integer from 1 to 1073741824, got -8000");
}

TEST(NamedKernelRefusal, of_a_parameter_that_is_missing) {
  EXPECT_EQ(refusal("bicubic_scale", {f32({4, 4, 3})}, {{"width", 8}}),
            "bicubic_scale: parameter 'height': expected an integer from 1 to 1048576, got none");
  EXPECT_EQ(refusal("reshape", {f32({4})}),
            "reshape: parameter 'shape': expected a list of numbers, got none");
}

TEST(NamedKernelRefusal, of_types_in_arithmetic_and_activations) {
  EXPECT_EQ(refusal("elementwise_add", {{dtype::boolean, {1}}, {dtype::boolean, {1}}}),
            "elementwise_add: input 0 'a': expected elements of integers of 8 to 64 bits, f16, bf16, f32 or "
            "f64, got tensor<1xi1>");
  EXPECT_EQ(
      refusal("elementwise_mul", {f32({2, 3}), f32({3, 2})}),
      "elementwise_mul: input 1 'b': expected tensor<2x3xf32>, the type of input 0, got tensor<3x2xf32>");
  EXPECT_EQ(refusal("elementwise_sub", {f32({2}), i32({2})}),
            "elementwise_sub: input 1 'b': expected tensor<2xf32>, the type of input 0, got tensor<2xi32>");
  EXPECT_EQ(refusal("sigmoid", {i32({2})}),
            "sigmoid: input 0 'x': expected elements of f16, bf16, f32 or f64, got tensor<2xi32>");
  EXPECT_EQ(refusal("relu", {{dtype::c64, {2}}}),
            "relu: input 0 'x': expected elements of integers of 8 to 64 bits, f16, bf16, f32 or f64, got "
            "tensor<2xcomplex<f32>>");
}

TEST(NamedKernelRefusal, of_axes) {
  EXPECT_EQ(refusal("reduce_sum", {f32({2, 3})}, {{"axes", {2}}}),
            "reduce_sum: parameter 'axes': expected axes from -2 to 1, got [2]");
  EXPECT_EQ(refusal("reduce_sum", {f32({2, 3})}, {{"axes", {0.5}}}),
            "reduce_sum: parameter 'axes': expected axes from -2 to 1, got [0.5]");
  EXPECT_EQ(refusal("reduce_sum", {f32({2, 3})}, {{"axes", {1, -1}}}),
            "reduce_sum: parameter 'axes': expected axes that differ, got [1, -1]");
  EXPECT_EQ(refusal("softmax", {f32({})}), "softmax: parameter 'axis': expected no axes of a scalar, got -1");
  EXPECT_EQ(refusal("transpose", {f32({2, 3})}, {{"permutation", {0, 0}}}),
            "transpose: parameter 'permutation': expected each axis from 0 to 1 once, got [0, 0]");
  EXPECT_EQ(refusal("layer_norm", {f32({2, 3}), f32({2})}),
            "layer_norm: input 1 'scale': expected tensor<3xf32>, got tensor<2xf32>");
}

TEST(NamedKernelRefusal, of_shapes) {
  EXPECT_EQ(refusal("reshape", {f32({2, 3})}, {{"shape", {4, 2}}}),
            "reshape: parameter 'shape': expected a shape of 6 elements like tensor<2x3xf32>, got [4, 2]");
  EXPECT_EQ(refusal("reshape", {f32({2, 3})}, {{"shape", {4, -1}}}),
            "reshape: parameter 'shape': expected a shape of 6 elements like tensor<2x3xf32>, got [4, -1]");
  EXPECT_EQ(
      refusal("reshape", {f32({2, 3})}, {{"shape", {-1, -1}}}),
      "reshape: parameter 'shape': expected extents of 0 or more, at most one of them -1, got [-1, -1]");
  EXPECT_EQ(refusal("reshape", {f32({2, 3})}, {{"shape", {1e15, 1e15, 1e15}}}),
            "reshape: parameter 'shape': expected a shape of 6 elements like tensor<2x3xf32>, got [1e+15, "
            "1e+15, 1e+15]");
  EXPECT_EQ(refusal("matmul", {f32({3}), f32({3})}),
            "matmul: input 0 'a': expected at least two dimensions, got tensor<3xf32>");
  EXPECT_EQ(refusal("matmul", {f32({2, 3, 4}), f32({2, 5, 6})}),
            "matmul: input 1 'b': expected tensor<2x4xNxf32>, got tensor<2x5x6xf32>");
  EXPECT_EQ(refusal("matmul", {f32({3, 4}), f32({5, 6})}, {{"transpose_b", true}}),
            "matmul: input 1 'b': expected tensor<Nx4xf32>, got tensor<5x6xf32>");
  EXPECT_EQ(refusal("matmul", {ui8({3, 4}), ui8({4, 6})}),
            "matmul: input 0 'a': expected elements of f16, bf16, f32, f64, i32 or i64, got tensor<3x4xui8>");
}

TEST(NamedKernelRefusal, of_convolutions) {
  const tensor_type x = f32({1, 4, 8, 8}), k = f32({6, 4, 3, 3});
  EXPECT_EQ(refusal("conv2d", {f32({4, 8, 8}), k}),
            "conv2d: input 0 'x': expected four axes [N, C, H, W], got tensor<4x8x8xf32>");
  EXPECT_EQ(refusal("conv2d", {x, f32({4, 3, 3})}),
            "conv2d: input 1 'kernel': expected tensor<OxIxKHxKWxf32>, got tensor<4x3x3xf32>");
  EXPECT_EQ(refusal("conv2d", {x, f32({6, 2, 3, 3})}),
            "conv2d: input 1 'kernel': expected kernels of 4 input channels, got tensor<6x2x3x3xf32>");
  EXPECT_EQ(refusal("conv2d", {x, k, f32({4})}),
            "conv2d: input 2 'bias': expected tensor<6xf32>, got tensor<4xf32>");
  EXPECT_EQ(refusal("conv2d", {x, k}, {{"groups", 4}}),
            "conv2d: parameter 'groups': expected a divisor of 4 input and 6 output channels, got 4");
  EXPECT_EQ(refusal("conv2d", {x, k}, {{"stride", {1, 2, 3}}}),
            "conv2d: parameter 'stride': expected one or two integers, got [1, 2, 3]");
  EXPECT_EQ(refusal("conv2d", {x, k}, {{"padding", {1, 2, 3}}}),
            "conv2d: parameter 'padding': expected one, two or four integers, got [1, 2, 3]");
  EXPECT_EQ(refusal("conv2d", {x, k}, {{"padding", {0.5}}}),
            "conv2d: parameter 'padding': expected one, two or four integers, got [0.5]");
}

TEST(NamedKernelRefusal, of_what_is_no_frame) {
  const std::string frame = " of ui8, f16, bf16, f32 or f64 that is not empty, got ";
  for (const char* kernel : {"gaussian_blur", "sharpen", "denoise", "brightness_contrast", "lut_apply"}) {
    const std::string start =
        std::string(kernel) + ": input 0 'frame': expected a frame [..., H, W, C]" + frame;
    EXPECT_EQ(refusal(kernel, {f32({4, 4})}), start + "tensor<4x4xf32>");
    EXPECT_EQ(refusal(kernel, {i32({4, 4, 3})}), start + "tensor<4x4x3xi32>");
    EXPECT_EQ(refusal(kernel, {f32({0, 4, 3})}), start + "tensor<0x4x3xf32>");
  }
  EXPECT_EQ(refusal("chroma_key", {f32({4, 4, 4})}),
            "chroma_key: input 0 'frame': expected a frame [..., H, W, 3]" + frame + "tensor<4x4x4xf32>");
  EXPECT_EQ(refusal("chroma_key", {f32({4, 4, 3}), f32({4, 5, 3})}),
            "chroma_key: input 1 'background': expected tensor<4x4x3xf32>, the type of input 0, got "
            "tensor<4x5x3xf32>");
  EXPECT_EQ(refusal("lut_apply", {ui8({4, 4, 3}), ui8({255})}),
            "lut_apply: input 1 'table': expected tensor<256xui8> or tensor<256x3xui8>, got tensor<255xui8>");
}

TEST(NamedKernelRefusal, of_frames_that_do_not_go_together) {
  EXPECT_EQ(refusal("video_mix", {ui8({4, 4, 3}), ui8({4, 4, 4})}),
            "video_mix: input 1 'b': expected tensor<4x4x3xui8>, the type of input 0, got tensor<4x4x4xui8>");
  EXPECT_EQ(refusal("overlay_alpha", {ui8({4, 4, 2}), ui8({4, 4, 2})}),
            "overlay_alpha: input 0 'base': expected a frame [..., H, W, 1 or 3 or 4] of ui8, f16, bf16, f32 "
            "or f64 that is not empty, got tensor<4x4x2xui8>");
  EXPECT_EQ(refusal("overlay_alpha", {ui8({4, 4, 3}), ui8({4, 4, 1})}),
            "overlay_alpha: input 1 'overlay': expected a frame [..., H, W, 3 or 4] of ui8, f16, bf16, f32 "
            "or f64 that is not empty, got tensor<4x4x1xui8>");
  EXPECT_EQ(refusal("overlay_alpha", {ui8({4, 4, 3}), f32({4, 4, 3})}),
            "overlay_alpha: input 1 'overlay': expected the element type and leading axes of input 0, "
            "tensor<4x4x3xui8>, got tensor<4x4x3xf32>");
  EXPECT_EQ(refusal("yuv_to_rgb", {ui8({4, 4}), ui8({3, 2}), ui8({3, 2})}),
            "yuv_to_rgb: input 1 'chroma': expected a plane [..., H, W] of ui8 with the rows and columns of "
            "tensor<4x4xui8> or half of them, rounded up, got tensor<3x2xui8>");
  EXPECT_EQ(refusal("yuv_to_rgb", {ui8({4, 4}), ui8({2, 2, 3})}),
            "yuv_to_rgb: input 1 'chroma': expected U and V [..., H, W, 2] of ui8 with the rows and columns "
            "of tensor<4x4xui8> or half of them, rounded up, got tensor<2x2x3xui8>");
  EXPECT_EQ(refusal("yuv_to_rgb", {ui8({4, 4}), ui8({2, 2}), ui8({4, 4})}),
            "yuv_to_rgb: input 2 'chroma_v': expected a plane [..., H, W] of ui8 with the rows and columns "
            "of tensor<4x4xui8> or half of them, rounded up, as input 1, got tensor<4x4xui8>");
}

TEST(NamedKernelRefusal, of_a_crop_outside_of_the_frame) {
  const tensor_type frame = ui8({9, 12, 3});
  EXPECT_EQ(refusal("video_crop", {frame}, {{"width", 13}, {"height", 4}}),
            "video_crop: parameter 'width': expected at most 12, the width of the frame, got 13");
  EXPECT_EQ(refusal("video_crop", {frame}, {{"width", 12}, {"height", 10}}),
            "video_crop: parameter 'height': expected at most 9, the height of the frame, got 10");
  EXPECT_EQ(refusal("video_crop", {frame}, {{"width", 5}, {"height", 4}, {"x", 8}}),
            "video_crop: parameter 'x': expected at most 7, so that the part lies in the frame, got 8");
  EXPECT_EQ(refusal("video_crop", {frame}, {{"width", 5}, {"height", 4}, {"x", 7}}), "");
  EXPECT_EQ(refusal("video_crop", {frame}, {{"width", 5}, {"height", 4}, {"y", 6}}),
            "video_crop: parameter 'y': expected at most 5, so that the part lies in the frame, got 6");
}

TEST(NamedKernelRefusal, of_signals) {
  EXPECT_EQ(refusal("pcm_normalize", {f32({0})}),
            "pcm_normalize: input 0 'x': expected a signal [N] or [N, C] of i16, f32 or f64 that is not "
            "empty, got tensor<0xf32>");
  EXPECT_EQ(refusal("biquad_filter", {i32({8})}),
            "biquad_filter: input 0 'x': expected a signal [N] or [N, C] of i16, f32 or f64 that is not "
            "empty, got tensor<8xi32>");
  EXPECT_EQ(refusal("pcm_mix", {f32({8}), f32({9})}),
            "pcm_mix: input 1 'x': expected tensor<8xf32>, the type of input 0, got tensor<9xf32>");
  EXPECT_EQ(refusal("pcm_mix", {f32({8}), f32({8})}, {{"gains", {1}}}),
            "pcm_mix: parameter 'gains': expected a list of 2 numbers, one for each input, got [1]");
  EXPECT_EQ(refusal("fft_convolve", {f32({8, 2}), f32({8, 3})}),
            "fft_convolve: input 1 'h': expected an impulse response [M], or [M, C] with the channels of "
            "input 0, of f32, got tensor<8x3xf32>");
  EXPECT_EQ(
      refusal("biquad_filter", {f32({8})}, {{"frequency", 24000}}),
      "biquad_filter: parameter 'frequency': expected less than half the sample rate, 24000, got 24000");
  EXPECT_EQ(refusal("biquad_filter", {f32({8})}, {{"coefficients", {1, 2}}}),
            "biquad_filter: parameter 'coefficients': expected none, or b0, b1, b2, a1, a2, got [1, 2]");
  EXPECT_EQ(refusal("dynamics_compress", {f32({8})}, {{"ratio", 0.5}}),
            "dynamics_compress: parameter 'ratio': expected a number from 1 to 1e+09, got 0.5");
  EXPECT_EQ(refusal("resample_linear", {f32({1000000})}, {{"from", 1}, {"to", 1 << 30}}),
            "resample_linear: parameter 'to': expected a rate for which the result has at most 2^40 samples, "
            "got 1073741824");
}

}  // namespace
}  // namespace wherry::testing_support
