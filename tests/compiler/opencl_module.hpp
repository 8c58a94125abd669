// opencl_module.hpp: OpenCL C of test kernels, built and run on a CPU device.
#pragma once

#include <CL/cl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>
#include <wherry/exec/opencl_build.hpp>

#include "compiler/kernel_module.hpp"

namespace wherry::testing {

inline void require(cl_int code, const char* call) {
  if (code != CL_SUCCESS) throw std::runtime_error(std::string(call) + ": " + std::to_string(code));
}

// The first CPU device: PoCL's `basic` driver, unless the environment chose otherwise.
class cpu_device {
 public:
  static cpu_device& instance() {
    static cpu_device device;
    return device;
  }

  cl_context context() const { return context_; }
  cl_command_queue queue() const { return queue_; }
  cl_device_id id() const { return id_; }
  bool usable() const { return queue_ != nullptr; }

 private:
  cpu_device() {
    ::setenv("POCL_DEVICES", "basic", /*overwrite=*/0);
    cl_uint count = 0;
    std::vector<cl_platform_id> platforms(8);
    if (clGetPlatformIDs(8, platforms.data(), &count) != CL_SUCCESS) return;
    for (cl_uint i = 0; i < std::min(count, 8u) && id_ == nullptr; ++i)
      if (clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_CPU, 1, &id_, nullptr) != CL_SUCCESS) id_ = nullptr;
    if (id_ == nullptr) return;
    cl_int code = CL_SUCCESS;
    context_ = clCreateContext(nullptr, 1, &id_, nullptr, nullptr, &code);
    require(code, "clCreateContext");
    queue_ = clCreateCommandQueueWithProperties(context_, id_, nullptr, &code);
    require(code, "clCreateCommandQueueWithProperties");
  }

  cl_device_id id_ = nullptr;
  cl_context context_ = nullptr;
  cl_command_queue queue_ = nullptr;
};

inline std::string print_opencl(std::string_view text) {
  kernel_module source(text);
  auto printed = compile::emitOpenCL(source.get(), /*fp64=*/true);
  if (mlir::failed(printed)) throw std::runtime_error(source.diagnostics());
  return *printed;
}

// A built program of OpenCL C.
class opencl_module {
 public:
  explicit opencl_module(std::string_view text) : source_(print_opencl(text)) {
    auto& device = cpu_device::instance();
    cl_int code = CL_SUCCESS;
    const char* source = source_.c_str();
    program_ = clCreateProgramWithSource(device.context(), 1, &source, nullptr, &code);
    require(code, "clCreateProgramWithSource");
    cl_device_id id = device.id();
    cl_device_fp_config config = 0;
    clGetDeviceInfo(id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof config, &config, nullptr);
    const std::string options(opencl_options((config & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0));
    if (clBuildProgram(program_, 1, &id, options.c_str(), nullptr, nullptr) == CL_SUCCESS) return;
    std::size_t size = 0;
    clGetProgramBuildInfo(program_, id, CL_PROGRAM_BUILD_LOG, 0, nullptr, &size);
    std::string log(size, '\0');
    clGetProgramBuildInfo(program_, id, CL_PROGRAM_BUILD_LOG, size, log.data(), nullptr);
    throw std::runtime_error("clBuildProgram: " + log + source_);
  }
  opencl_module(const opencl_module&) = delete;
  opencl_module& operator=(const opencl_module&) = delete;
  ~opencl_module() { clReleaseProgram(program_); }

  const std::string& source() const { return source_; }

  /// Runs all `units` of kernel `name` on `slots`; launches a few work items too many. Every slot
  /// starts 64 bytes into its buffer.
  void run(const char* name, std::vector<bytes>& slots, std::int64_t units) const {
    auto& device = cpu_device::instance();
    cl_int code = CL_SUCCESS;
    cl_kernel kernel = clCreateKernel(program_, name, &code);
    require(code, "clCreateKernel");
    const cl_ulong offset = 64;
    std::vector<cl_mem> buffers;
    cl_uint argument = 0;
    for (bytes& slot : slots) {
      bytes padded(offset + slot.size());
      std::memcpy(padded.data() + offset, slot.data(), slot.size());
      buffers.push_back(
          clCreateBuffer(device.context(), CL_MEM_COPY_HOST_PTR, padded.size(), padded.data(), &code));
      require(code, "clCreateBuffer");
      require(clSetKernelArg(kernel, argument++, sizeof(cl_mem), &buffers.back()), "clSetKernelArg");
      require(clSetKernelArg(kernel, argument++, sizeof offset, &offset), "clSetKernelArg");
    }
    const cl_ulong extent = static_cast<cl_ulong>(units);
    require(clSetKernelArg(kernel, argument, sizeof extent, &extent), "clSetKernelArg");
    const std::size_t global = (extent + 3) / 4 * 4;
    const std::size_t local = 1;
    require(clEnqueueNDRangeKernel(device.queue(), kernel, 1, nullptr, &global, &local, 0, nullptr, nullptr),
            "clEnqueueNDRangeKernel");
    for (std::size_t i = 0; i < slots.size(); ++i)
      require(clEnqueueReadBuffer(device.queue(), buffers[i], CL_TRUE, offset, slots[i].size(),
                                  slots[i].data(), 0, nullptr, nullptr),
              "clEnqueueReadBuffer");
    for (cl_mem buffer : buffers) clReleaseMemObject(buffer);
    clReleaseKernel(kernel);
  }

 private:
  std::string source_;
  cl_program program_ = nullptr;
};

// Skips its tests where no OpenCL CPU device is installed.
class needs_opencl : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cpu_device::instance().usable()) GTEST_SKIP() << "no OpenCL CPU device";
  }
};

}  // namespace wherry::testing
