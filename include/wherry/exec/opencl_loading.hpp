// opencl_loading.hpp: how an OpenCL executable builds its programs and finds the targets of its calls; the
// definitions behind `opencl_executable`.
//
// Threads: who makes the executable.
#pragma once

#include <wherry/exec/opencl_executable.hpp>

namespace wherry {

inline opencl_executable::target opencl_executable::find(const custom_call& call, const file_cache& cache) {
  const plan& p = code();
  registered_target found = host_call::find(p.name, call);
  target to;
  if (!found.device) {
    to.host = host_call::checked(p, call, std::move(found.host));
    needs_host_ = true;
    return to;
  }
  detail::check_named(p.name, call, [&] {
    const device_kernel& k = *found.device;
    detail::check_call(k, call);
    to.size = detail::size_of_work(k, call);
    for (const target& other : calls_) {
      if (other.device == found.device) to.program = other.program;
    }
    if (!to.program) to.program = build(k.entry, detail::wrapped_source(k), k.options, cache);
    cl_int code = CL_SUCCESS;
    to.kernel =
        cl_handle<cl_kernel>(clCreateKernel(to.program.get(), detail::wrapper_name(k).c_str(), &code));
    cl_check(code, "clCreateKernel", k.entry);
  });
  to.device = std::move(found.device);
  return to;
}

/// Returns the built program of `source`; `name` and `extra` options are for messages and the driver.
inline cl_handle<cl_program> opencl_executable::build(const std::string& name, const std::string& source,
                                                      const std::string& extra,
                                                      const file_cache& cache) const {
  cl_device_fp_config config = 0;
  (void)clGetDeviceInfo(place_.device, CL_DEVICE_SINGLE_FP_CONFIG, sizeof config, &config, nullptr);
  std::string options(opencl_options((config & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0));
  if (!extra.empty()) options += " " + extra;
  const std::string key = "opencl" + std::string(1, '\0') + place_.key() + '\0' + options + '\0' + source;
  const bool keeps_binaries = place_.platform != "Portable Computing Language" && cache.is_enabled();
  cl_handle<cl_program> made;
  cl_int code = CL_SUCCESS;
  const auto compile = [&](const char* what) {
    const cl_int built = clBuildProgram(made.get(), 1, &place_.device, options.c_str(), nullptr, nullptr);
    if (built == CL_SUCCESS) return true;
    std::size_t size = 0;
    (void)clGetProgramBuildInfo(made.get(), place_.device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &size);
    std::string text(size, '\0');
    (void)clGetProgramBuildInfo(made.get(), place_.device, CL_PROGRAM_BUILD_LOG, size, text.data(), nullptr);
    if (std::string_view(what) == "source") cl_check(built, "clBuildProgram", name + ":\n" + text);
    return false;
  };
  if (keeps_binaries) {
    if (const auto stored = cache.find(key)) {
      const auto* bytes = reinterpret_cast<const unsigned char*>(stored->data());
      const std::size_t size = stored->size();
      made = cl_handle<cl_program>(
          clCreateProgramWithBinary(place_.context, 1, &place_.device, &size, &bytes, nullptr, &code));
      if (code == CL_SUCCESS && compile("binary")) return made;
    }
  }
  const char* text = source.c_str();
  const std::size_t length = source.size();
  made = cl_handle<cl_program>(clCreateProgramWithSource(place_.context, 1, &text, &length, &code));
  cl_check(code, "clCreateProgramWithSource");
  compile("source");
  if (!keeps_binaries) return made;
  std::size_t size = 0;
  if (clGetProgramInfo(made.get(), CL_PROGRAM_BINARY_SIZES, sizeof size, &size, nullptr) != CL_SUCCESS ||
      size == 0)
    return made;
  std::vector<std::byte> binary(size);
  auto* bytes = reinterpret_cast<unsigned char*>(binary.data());
  if (clGetProgramInfo(made.get(), CL_PROGRAM_BINARIES, sizeof bytes, &bytes, nullptr) == CL_SUCCESS)
    cache.store(key, binary);
  return made;
}

inline void opencl_executable::upload_constants() {
  const auto& bytes = code().constants;
  if (bytes.empty()) return;
  cl_int code = CL_SUCCESS;
  constants_ = cl_handle<cl_mem>(clCreateBuffer(place_.context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                                bytes.size(), const_cast<std::byte*>(bytes.data()), &code));
  cl_check(code, "clCreateBuffer", "constants");
}

}  // namespace wherry
