# MLIR and LLVM: the targets that lib/stablehlo and lib/compiler build on.
#
#   wherry_mlir         INTERFACE: include folders and definitions, and MLIR itself to link. Static
#                       archives with lld where they exist, the shared libraries (with a notice) otherwise.
#   wherry_llvm         INTERFACE: the parts of LLVM that generate x86 code in process, linked the same way.
#   wherry_mlir_tablegen(<target> <file.td> <output> <mlir-tblgen options>...)
#                       Adds a rule that generates <output> below the target's binary folder.
#   wherry_mlir_precompile(<target>)
#                       Compiles the common MLIR headers of <target> once.

find_package(MLIR 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
find_program(WHERRY_MLIR_TBLGEN NAMES mlir-tblgen mlir-tblgen-22 HINTS ${LLVM_TOOLS_BINARY_DIR} REQUIRED)
find_program(WHERRY_LLVM_CONFIG NAMES llvm-config llvm-config-22 HINTS ${LLVM_TOOLS_BINARY_DIR} REQUIRED)

add_library(wherry_mlir_headers INTERFACE)
target_include_directories(wherry_mlir_headers SYSTEM INTERFACE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
separate_arguments(wherry_llvm_definitions UNIX_COMMAND "${LLVM_DEFINITIONS}")
target_compile_definitions(wherry_mlir_headers INTERFACE ${wherry_llvm_definitions})

# The archives form one cycle, so they are one group. Those that only serve tests, the C interface, the
# language servers or `mlir-reduce`, and those that register everything, stay out.
file(GLOB wherry_mlir_archives ${LLVM_LIBRARY_DIR}/libMLIR*.a)
list(FILTER wherry_mlir_archives EXCLUDE REGEX "Test|CAPI|RegisterAll|RegisterEverything|Lsp|Reduce|MlirOptMain")
find_program(WHERRY_LLD NAMES ld.lld ld.lld-22 HINTS ${LLVM_TOOLS_BINARY_DIR})

add_library(wherry_mlir INTERFACE)
add_library(wherry_llvm INTERFACE)
target_link_libraries(wherry_mlir INTERFACE wherry_mlir_headers)
target_link_libraries(wherry_llvm INTERFACE wherry_mlir_headers)
if(wherry_mlir_archives AND WHERRY_LLD)
  set(WHERRY_MLIR_STATIC TRUE)
  execute_process(COMMAND ${WHERRY_LLVM_CONFIG} --link-static --libs
                          core support irreader bitwriter passes x86codegen x86asmparser orcjit native
                  OUTPUT_VARIABLE wherry_llvm_libraries OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${WHERRY_LLVM_CONFIG} --link-static --system-libs
                  OUTPUT_VARIABLE wherry_llvm_system OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(wherry_llvm_libraries UNIX_COMMAND "${wherry_llvm_libraries}")
  separate_arguments(wherry_llvm_system UNIX_COMMAND "${wherry_llvm_system}")
  set(wherry_llvm_archives)
  foreach(library IN LISTS wherry_llvm_libraries)
    string(REGEX REPLACE "^-l" "" library ${library})
    list(APPEND wherry_llvm_archives ${LLVM_LIBRARY_DIR}/lib${library}.a)
  endforeach()
  target_link_options(wherry_llvm INTERFACE -fuse-ld=lld -Wl,--gc-sections -Wl,--as-needed)
  target_link_libraries(wherry_llvm INTERFACE -Wl,--start-group ${wherry_llvm_archives} -Wl,--end-group
                                              ${wherry_llvm_system})
  target_link_libraries(wherry_mlir INTERFACE -Wl,--start-group ${wherry_mlir_archives} -Wl,--end-group wherry_llvm)
else()
  set(WHERRY_MLIR_STATIC FALSE)
  message(NOTICE "wherry: no static MLIR archives or no lld: linking the shared libraries, which "
                 "makes every process start slower and larger")
  target_link_libraries(wherry_llvm INTERFACE ${LLVM_LIBRARY_DIR}/libLLVM.so)
  target_link_libraries(wherry_mlir INTERFACE ${LLVM_LIBRARY_DIR}/libMLIR.so wherry_llvm)
endif()

function(wherry_mlir_tablegen target source output)
  get_filename_component(source ${source} ABSOLUTE)
  set(path ${CMAKE_CURRENT_BINARY_DIR}/include/${output})
  get_filename_component(folder ${path} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${path}
    COMMAND ${WHERRY_MLIR_TBLGEN} ${ARGN} -I ${CMAKE_CURRENT_SOURCE_DIR}/include -I ${MLIR_INCLUDE_DIRS}
            ${source} -o ${path} -d ${path}.d --write-if-changed
    DEPENDS ${source} DEPFILE ${path}.d
    COMMENT "Generating ${output}" VERBATIM)
  set_property(TARGET ${target} APPEND PROPERTY WHERRY_GENERATED ${path})
endfunction()

function(wherry_mlir_precompile target)
  target_precompile_headers(${target} PRIVATE
    <mlir/IR/Builders.h> <mlir/IR/BuiltinAttributes.h> <mlir/IR/BuiltinOps.h> <mlir/IR/BuiltinTypes.h>
    <mlir/IR/DialectImplementation.h> <mlir/IR/MLIRContext.h> <mlir/IR/Matchers.h> <mlir/IR/OpImplementation.h>
    <mlir/IR/PatternMatch.h> <mlir/Interfaces/InferTypeOpInterface.h> <mlir/Interfaces/SideEffectInterfaces.h>
    <mlir/Dialect/Func/IR/FuncOps.h> <mlir/Dialect/Quant/IR/QuantTypes.h> <llvm/ADT/TypeSwitch.h> ${ARGN})
  # Without the time in it, ccache can reuse the header and all that includes it.
  target_compile_options(${target} PRIVATE "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endfunction()
