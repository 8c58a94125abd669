# wherry::wherry, the header-only runtime, and the private settings of the project's own targets.

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endif()

find_package(OpenCL REQUIRED)
find_package(absl REQUIRED)
find_package(Threads REQUIRED)
find_path(WHERRY_LIBURING_INCLUDE liburing.h REQUIRED)
find_library(WHERRY_LIBURING uring REQUIRED)

add_library(wherry INTERFACE)
add_library(wherry::wherry ALIAS wherry)
file(GLOB_RECURSE wherry_headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/include/wherry/*.hpp)
target_sources(wherry INTERFACE FILE_SET HEADERS BASE_DIRS ${CMAKE_CURRENT_SOURCE_DIR}/include
                                FILES ${wherry_headers})
target_compile_features(wherry INTERFACE cxx_std_20)
target_compile_definitions(wherry INTERFACE CL_TARGET_OPENCL_VERSION=300)
target_link_libraries(wherry INTERFACE OpenCL::OpenCL uring absl::status absl::statusor
                                       absl::inlined_vector absl::flat_hash_map absl::strings Threads::Threads)

# Warnings are errors in our own targets only; consumers never see this one.
add_library(wherry_private INTERFACE)
target_compile_options(wherry_private INTERFACE -Wall -Wextra -Wpedantic -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wno-c99-extensions -Wno-gnu-anonymous-struct -Wno-nested-anon-types>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-pedantic -Wno-mismatched-new-delete -Wno-uninitialized -Wno-maybe-uninitialized>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Symmetric transfer is a real call without this below -O2 (GCC PR94794).
  target_compile_options(wherry_private INTERFACE -foptimize-sibling-calls)
endif()
if(WHERRY_SANITIZE)
  add_compile_options(-fsanitize=${WHERRY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${WHERRY_SANITIZE})
endif()

# wherry::files: what <wherry/array/safetensors.hpp> needs beyond the runtime.
find_package(nlohmann_json QUIET)
find_package(ZLIB QUIET)
if(nlohmann_json_FOUND AND ZLIB_FOUND)
  add_library(wherry_files INTERFACE)
  add_library(wherry::files ALIAS wherry_files)
  target_link_libraries(wherry_files INTERFACE wherry nlohmann_json::nlohmann_json ZLIB::ZLIB)
endif()
