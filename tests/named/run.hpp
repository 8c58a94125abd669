// run.hpp: runs kernels by name for the tests: arrays of doubles in, arrays of doubles out.
//
// The reference of a test works in double; values go to the device in the element type of the tensor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>
#include <wherry/array/shape.hpp>
#include <wherry/exec/kernel_parameters.hpp>

namespace wherry::testing_support {

struct tensor {
  tensor_type type;
  std::vector<double> values;  // row-major

  std::int64_t extent(std::size_t axis) const { return type.dims[axis]; }
};

/// Where a kernel runs: as native code on cpu:0, as OpenCL C on cpu:0, on a driver's queue.
enum class place { native, opencl, queue };

/// True if the driver that `place::queue` means is on the machine.
bool has_queue();

/// Numbers from `low` to `high` that depend on `seed` only, rounded to the type.
tensor noise(dtype type, const shape& dims, unsigned seed, double low = -1, double high = 1);
/// All values of ui8, in some order, as often as there is room.
tensor bytes(const shape& dims, unsigned seed);
/// The values as `type` stores them: rounded to it.
tensor rounded(const tensor& t);

tensor run(const std::string& kernel, const std::vector<tensor>& inputs,
           const kernel_parameters& parameters = {}, place where = place::native);
/// The message of the error that the call throws; empty if it throws none.
std::string refusal(const std::string& kernel, const std::vector<tensor_type>& inputs,
                    const kernel_parameters& parameters = {});

/// Checks types, and that no value differs by more than `absolute` + `relative` * magnitude. NaN equals NaN.
void expect_near(const tensor& actual, const tensor& expected, double absolute, double relative = 0);
/// For results of ui8 or i16 computed in f32: the reference, not yet rounded, is met to within half a step
/// and a little.
void expect_rounded(const tensor& actual, const tensor& unrounded, double slack = 0.51);

}  // namespace wherry::testing_support
