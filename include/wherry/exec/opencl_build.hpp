// opencl_build.hpp: how the OpenCL C of a plan is to be built.
//
// The compiler prints OpenCL C 1.2, which every device of version 1.2 or later compiles. Nothing here
// relaxes arithmetic: the two exits of the compiler give the same bits where the device rounds division
// and square root correctly, and by default f32 division may be off by 2.5 ULP (OpenCL C specification,
// "Relative Error as ULPs").
//
// Threads: any (constants).
#pragma once

#include <string_view>

namespace wherry {

/// Options for `clBuildProgram` on a device that reports `CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT` in
/// `CL_DEVICE_SINGLE_FP_CONFIG`; other devices refuse the second one.
inline constexpr std::string_view opencl_build_options =
    "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt";

/// Options for devices that do not.
inline constexpr std::string_view opencl_build_options_inexact = "-cl-std=CL1.2";

/// Returns the options for a device by what it reports.
constexpr std::string_view opencl_options(bool correctly_rounded) noexcept {
  return correctly_rounded ? opencl_build_options : opencl_build_options_inexact;
}

}  // namespace wherry
