// How long programs take to compile, in a process that is running. Prints one JSON object for each file.
//
//   compile_benchmark native FILE.mlir...   on cpu:0: with no cache at all, and from the cache on disk
//   compile_benchmark opencl FILE.mlir...   OpenCL C on cpu:0, the driver's part included
//   compile_benchmark driver FILE.mlir...   the driver alone, with the same OpenCL C: the build of the
//   program,
//                                           and the first launch of each kernel, in which PoCL compiles it
//
// Drivers have caches of their own: give each run a POCL_CACHE_DIR that is empty.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <wherry/wherry.hpp>

namespace wh = wherry;
using clock_type = std::chrono::steady_clock;

namespace {

double seconds_since(clock_type::time_point start) {
  return std::chrono::duration<double>(clock_type::now() - start).count();
}

double median_of(int rounds, auto measured) {
  std::vector<double> times;
  for (int k = 0; k < rounds; ++k) {
    const auto start = clock_type::now();
    measured();
    times.push_back(seconds_since(start));
  }
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  return times[static_cast<std::size_t>(rounds / 2)];
}

/// The first program of a process pays for what the driver and the compiler set up once.
const wh::program first = wh::program::from_text(R"(
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = stablehlo.add %x, %x : tensor<4xf32>
      return %0 : tensor<4xf32>
    })");

void measure_native(const wh::client& client, const wh::program& source) {
  wh::compile_options fresh;
  fresh.cache = false;
  const double cold = median_of(5, [&] { (void)client.compile(source, fresh); });
  (void)client.compile(source);  // fills the cache
  const double warm = median_of(7, [&] { (void)client.compile(source); });
  std::printf("{\"file\": \"%s\", \"cold_s\": %.6f, \"warm_s\": %.6f}\n", source.name().c_str(), cold, warm);
}

void measure_opencl(const wh::client& client, const wh::compile_options& options, const wh::program& source) {
  const double once = median_of(1, [&] { (void)client.compile(source, options); });
  std::printf("{\"file\": \"%s\", \"compile_s\": %.6f}\n", source.name().c_str(), once);
}

/// Launches each kernel for no work items: each begins with a test for that.
void launch_all(const wh::opencl_place& place, cl_program program, const wh::plan& code) {
  cl_int status = CL_SUCCESS;
  const wh::cl_handle<cl_command_queue> queue(
      clCreateCommandQueueWithProperties(place.context, place.device, nullptr, &status));
  wh::cl_check(status, "clCreateCommandQueueWithProperties");
  const wh::cl_handle<cl_mem> memory(clCreateBuffer(place.context, CL_MEM_READ_WRITE, 64, nullptr, &status));
  wh::cl_check(status, "clCreateBuffer");
  cl_mem buffer = memory.get();
  for (const wh::kernel& k : code.kernels) {
    const wh::cl_handle<cl_kernel> kernel(clCreateKernel(program, k.name.c_str(), &status));
    wh::cl_check(status, "clCreateKernel", k.name);
    cl_uint count = 0;
    wh::cl_check(clGetKernelInfo(kernel.get(), CL_KERNEL_NUM_ARGS, sizeof count, &count, nullptr),
                 "clGetKernelInfo");
    const cl_ulong zero = 0;
    for (cl_uint k2 = 0; k2 < count; ++k2) {
      const bool is_buffer = k2 % 2 == 0 && k2 + 1 < count;
      wh::cl_check(is_buffer ? clSetKernelArg(kernel.get(), k2, sizeof buffer, &buffer)
                             : clSetKernelArg(kernel.get(), k2, sizeof zero, &zero),
                   "clSetKernelArg");
    }
    const std::size_t one = 1;
    wh::cl_check(
        clEnqueueNDRangeKernel(queue.get(), kernel.get(), 1, nullptr, &one, &one, 0, nullptr, nullptr),
        "clEnqueueNDRangeKernel");
  }
  wh::cl_check(clFinish(queue.get()), "clFinish");
}

void measure_driver(const wh::opencl_place& place, const wh::plan& code, const char* name) {
  wh::cl_handle<cl_program> program;
  const double build = median_of(1, [&] {
    const char* text = code.opencl_source.c_str();
    cl_int status = CL_SUCCESS;
    program = wh::cl_handle<cl_program>(clCreateProgramWithSource(place.context, 1, &text, nullptr, &status));
    wh::cl_check(status, "clCreateProgramWithSource");
    cl_device_fp_config config = 0;
    (void)clGetDeviceInfo(place.device, CL_DEVICE_SINGLE_FP_CONFIG, sizeof config, &config, nullptr);
    const std::string options(wh::opencl_options((config & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0));
    wh::cl_check(clBuildProgram(program.get(), 1, &place.device, options.c_str(), nullptr, nullptr),
                 "clBuildProgram");
  });
  const double launch = median_of(1, [&] { launch_all(place, program.get(), code); });
  std::printf("{\"file\": \"%s\", \"build_s\": %.6f, \"launch_s\": %.6f}\n", name, build, launch);
}

int run(std::string_view mode, int count, char** files) {
  // A cache of its own, which starts empty.
  const auto folder = std::filesystem::temp_directory_path() / ("wherry-compile-" + std::to_string(getpid()));
  setenv("WHERRY_CACHE_DIR", folder.c_str(), 1);
  const wh::client client;
  wh::compile_options options;
  options.cache = false;
  if (mode != "native") options.codegen = "opencl";
  (void)client.compile(first, options);
  if (mode == "native") (void)client.compile(first);
  for (int k = 0; k < count; ++k) {
    const wh::program source = wh::program::from_file(files[k]);
    if (mode == "native") {
      measure_native(client, source);
    } else if (mode == "opencl") {
      measure_opencl(client, options, source);
    } else {
      const wh::plan code = wh::compiler::installed()->compile(
          {source.text(), source.name(), source.function(), client.target_for(options)});
      measure_driver(wh::opencl_place::of(*client.device().core()), code, files[k]);
    }
    std::fflush(stdout);
  }
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (argc < 3 || (mode != "native" && mode != "opencl" && mode != "driver")) {
    std::fprintf(stderr, "usage: compile_benchmark native|opencl|driver FILE.mlir...\n");
    return 2;
  }
  try {
    return run(mode, argc - 2, argv + 2);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "compile_benchmark: %s\n", e.what());
    return 3;
  }
}
