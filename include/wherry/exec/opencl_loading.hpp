// opencl_loading.hpp: how an OpenCL executable finds the targets of its calls and loads constants; the
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
    if (!to.program)
      to.program = opencl_programs::compile(place_, detail::wrapped_source(k), k.entry, k.options, cache);
    cl_int code = CL_SUCCESS;
    to.kernel =
        cl_handle<cl_kernel>(clCreateKernel(to.program.get(), detail::wrapper_name(k).c_str(), &code));
    cl_check(code, "clCreateKernel", k.entry);
  });
  to.device = std::move(found.device);
  return to;
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
