// variants.hpp: the prebuilt kernels of each instruction set, before one of them gets the public name.
#pragma once

#include <cstdint>

namespace wherry::kernels {

using kernel_function = void (*)(void* const* slots, std::int64_t lo, std::int64_t hi);

struct gemm_functions {
  kernel_function pack;
  kernel_function compute;
  kernel_function dot;
  kernel_function contract_pack;
  kernel_function contract;
};

struct kernel_functions {
  gemm_functions f32;
  gemm_functions f64;
};

namespace generic {
const kernel_functions& functions();
}
namespace avx2 {
const kernel_functions& functions();
}
namespace avx512 {
const kernel_functions& functions();
}

enum class instruction_set : std::uint8_t { generic = 0, avx2 = 1, avx512 = 2 };

/// Returns the best instruction set that this processor and its operating system support.
instruction_set best_instruction_set() noexcept;

/// Returns the name that compilers use: `x86-64`, `x86-64-v3` or `x86-64-v4`.
const char* name_of(instruction_set set) noexcept;

/// Returns the kernels of `set`. Calling them needs a processor that has it.
const kernel_functions& functions_of(instruction_set set) noexcept;

}  // namespace wherry::kernels
