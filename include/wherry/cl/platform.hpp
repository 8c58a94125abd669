// platform.hpp: finding OpenCL platforms and devices without waking drivers nobody asked for.
//
// The ICD loader loads every driver on the machine at its first call (Intel's alone: 88 MiB), so PoCL's own
// library is opened first, through the entry point that the loader itself uses
// (`clIcdGetPlatformIDsKHR`); the loader is the fall-back, and serves all other platforms. PoCL's devices
// are chosen by POCL_DEVICES, read at the first device query: it is set here, before that, unless the user
// has set it.
//
// Threads: any; the queries are made once per process.
#pragma once

#include <CL/cl.h>
#include <CL/cl_ext.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>
#include <wherry/cl/check.hpp>

namespace wherry {

struct cl_device_info_text {
  cl_platform_id platform = nullptr;
  cl_device_id device = nullptr;
  std::string platform_name;
  std::string device_name;
  std::string driver_version;
};

namespace detail {

inline std::string cl_text(cl_device_id device, cl_device_info what) {
  std::size_t size = 0;
  cl_check(clGetDeviceInfo(device, what, 0, nullptr, &size), "clGetDeviceInfo");
  std::string text(size, '\0');
  cl_check(clGetDeviceInfo(device, what, size, text.data(), nullptr), "clGetDeviceInfo");
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

inline std::string cl_text(cl_platform_id platform, cl_platform_info what) {
  std::size_t size = 0;
  cl_check(clGetPlatformInfo(platform, what, 0, nullptr, &size), "clGetPlatformInfo");
  std::string text(size, '\0');
  cl_check(clGetPlatformInfo(platform, what, size, text.data(), nullptr), "clGetPlatformInfo");
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

/// The library that PoCL's .icd file names, or empty.
inline std::string pocl_library() {
  const char* folder = std::getenv("OCL_ICD_VENDORS");
  std::error_code none;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder ? folder : "/etc/OpenCL/vendors", none)) {
    if (entry.path().extension() != ".icd") continue;
    std::ifstream file(entry.path());
    std::string library;
    if (std::getline(file, library) && library.find("libpocl") != std::string::npos) return library;
  }
  return {};
}

/// PoCL's platform straight from its library, or null.
inline cl_platform_id open_pocl() {
  const std::string library = pocl_library();
  if (library.empty()) return nullptr;
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) return nullptr;
  using get_function = void* (*)(const char*);
  using platforms_function = cl_int (*)(cl_uint, cl_platform_id*, cl_uint*);
  const auto get = reinterpret_cast<get_function>(dlsym(handle, "clGetExtensionFunctionAddress"));
  if (!get) return nullptr;
  const auto platforms = reinterpret_cast<platforms_function>(get("clIcdGetPlatformIDsKHR"));
  cl_platform_id platform = nullptr;
  cl_uint count = 0;
  if (!platforms || platforms(1, &platform, &count) != CL_SUCCESS || count == 0) return nullptr;
  return platform;
}

}  // namespace detail

/// Returns PoCL's platform, or null when the machine has none. The first call sets POCL_DEVICES to
/// `basic_devices` basic devices and one pthread device, if the variable is unset.
inline cl_platform_id pocl_platform(unsigned basic_devices) {
  static cl_platform_id found = [&]() -> cl_platform_id {
    if (!std::getenv("POCL_DEVICES")) {
      std::string devices;
      for (unsigned k = 0; k < basic_devices; ++k) devices += "basic ";
      setenv("POCL_DEVICES", (devices + "pthread").c_str(), 0);
    }
    if (cl_platform_id direct = detail::open_pocl()) return direct;
    cl_uint count = 0;
    if (clGetPlatformIDs(0, nullptr, &count) != CL_SUCCESS || count == 0) return nullptr;
    std::vector<cl_platform_id> all(count);
    if (clGetPlatformIDs(count, all.data(), nullptr) != CL_SUCCESS) return nullptr;
    for (cl_platform_id p : all) {
      if (detail::cl_text(p, CL_PLATFORM_NAME) == "Portable Computing Language") return p;
    }
    return nullptr;
  }();
  return found;
}

/// Returns the devices of `platform` in the driver's order; empty when it has none.
inline std::vector<cl_device_id> devices_of(cl_platform_id platform) {
  cl_uint count = 0;
  if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &count) != CL_SUCCESS || count == 0) return {};
  std::vector<cl_device_id> devices(count);
  cl_check(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, devices.data(), nullptr), "clGetDeviceIDs");
  return devices;
}

/// True for PoCL's `basic` device, which runs commands inside the enqueue call.
inline bool is_pocl_basic(cl_device_id device) {
  return detail::cl_text(device, CL_DEVICE_NAME).rfind("basic", 0) == 0;
}

/// Returns every device that is not a PoCL `basic` device, ordered by platform name, then the driver's order.
/// Loads every driver on the machine.
inline std::vector<cl_device_info_text> queue_devices(unsigned basic_devices) {
  cl_platform_id pocl = pocl_platform(basic_devices);
  std::vector<cl_platform_id> all;
  cl_uint count = 0;
  if (clGetPlatformIDs(0, nullptr, &count) == CL_SUCCESS && count > 0) {
    all.resize(count);
    cl_check(clGetPlatformIDs(count, all.data(), nullptr), "clGetPlatformIDs");
  } else if (pocl) {
    all.push_back(pocl);
  }
  std::vector<std::pair<std::string, cl_platform_id>> by_name;
  for (cl_platform_id p : all) by_name.emplace_back(detail::cl_text(p, CL_PLATFORM_NAME), p);
  std::sort(by_name.begin(), by_name.end());
  std::vector<cl_device_info_text> found;
  for (const auto& [name, p] : by_name) {
    for (cl_device_id d : devices_of(p)) {
      if (is_pocl_basic(d)) continue;
      found.push_back(
          {p, d, name, detail::cl_text(d, CL_DEVICE_NAME), detail::cl_text(d, CL_DRIVER_VERSION)});
    }
  }
  return found;
}

}  // namespace wherry
