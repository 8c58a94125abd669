// plan.hpp: what a compiler hands to the runtime: a program as kernels, slots and steps.
//
// A plan names every piece of memory that its kernels touch as a *slot*: an input, an output, a range
// of the one arena that an execution uses, or a constant. Its *steps* launch kernels over slots, copy
// slots, loop and branch; they are grouped in blocks, block 0 being the entry. Steps of a block run in
// order; every step sees the effects of all earlier ones.
//
// A native kernel is `void(void* const* slots, int64_t lo, int64_t hi)`: it does the units of work lo
// (inclusive) to hi (exclusive) of `launch::extent`, in any split and on any threads at once, and calls
// nothing. Results never depend on the split. It lives in `plan::image` (position independent: code,
// then constants; mapped read-execute as a whole) or is a prebuilt kernel found by name in the kernel
// registry. An OpenCL C kernel has the same slots as pairs of arguments, `__global uchar* base, ulong
// offset`, and does unit of work `get_global_id(0)`.
//
// A call step runs what its target names in the kernel registry, on the operands and then the results of the
// call: a handler on the host, or a kernel of the user's own. A handler may fail, which ends the execution.
//
// Donation: `aliases` says which output may live in which input's memory. The steps are right both when
// the two slots are one memory (the input was donated) and when they are not.
//
// An *open* plan is that of a program whose arguments have sizes that are not known: it says what the program
// takes, the extent -1 standing for any, and nothing about how it runs. `exec/open_executable.hpp` compiles
// such a program again for the shapes of a call.
//
// Threads: a plan is immutable once built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <wherry/array/shape.hpp>
#include <wherry/exec/custom_call.hpp>

namespace wherry {

/// One unit of work of a native kernel; see the top of the file.
using native_kernel = void (*)(void* const* slots, std::int64_t lo, std::int64_t hi);

struct slot {
  enum class region : std::uint8_t { input = 0, output = 1, arena = 2, constant = 3 };
  region where = region::arena;
  std::uint32_t index = 0;   // which input or output; 0 otherwise
  std::uint64_t offset = 0;  // bytes from the start of the input, output, arena or constants
  std::uint64_t bytes = 0;
};

struct kernel {
  enum class origin : std::uint8_t { image = 0, prebuilt = 1, opencl = 2 };
  std::string name;
  origin from = origin::image;
  std::uint64_t entry = 0;  // image: byte offset of the entry point
};

/// One step. Which members count depends on `what`; slots and blocks are indices into the plan.
struct step {
  enum class kind : std::uint8_t {
    launch = 0,  // run `kernel` on `slots` for `extent` units of work, `cost_ns` each (an estimate)
    copy = 1,    // slots[1] = slots[0], byte for byte
    loop = 2,    // while (run blocks[0]; slots[0] is a true boolean) run blocks[1]
    branch = 3,  // run blocks[clamp-to-last(slots[0] as i32)]: out of range means the last block
    call = 4,    // run calls[`kernel`] on `slots`: the operands, then the results
  };
  kind what = kind::launch;
  std::uint32_t kernel = 0;
  std::vector<std::uint32_t> slots;
  std::int64_t extent = 1;
  double cost_ns = 0;
  std::vector<std::uint32_t> blocks;
  std::int64_t trips = -1;  // loop: the number of iterations where it is known, else -1
};

struct alias {
  std::uint32_t output = 0;
  std::uint32_t input = 0;
};

struct plan {
  std::string name;       // of the program, for messages
  bool is_named = false;  // the program chose `name`; else it is `function`, for want of one
  std::string function;   // the entry
  // What the program calls its inputs and outputs, each once; empty: `arg0`, `out0`, ... (`input_name`).
  std::vector<std::string> input_names;
  std::vector<std::string> output_names;
  std::vector<tensor_type> inputs;
  bool open = false;                 // only the names, `inputs` and `sizes` count
  std::vector<std::uint32_t> sizes;  // open: inputs whose values are sizes
  std::vector<tensor_type> outputs;
  std::vector<alias> aliases;
  std::vector<slot> slots;
  std::vector<kernel> kernels;
  std::vector<custom_call> calls;
  std::vector<std::vector<step>> blocks;  // blocks[0] is the entry
  std::uint64_t arena_bytes = 0;
  std::vector<std::byte> constants;  // 64-byte aligned entries
  std::vector<std::byte> image;      // native code; empty without image kernels
  std::string opencl_source;         // OpenCL C of all opencl kernels; empty without them
  bool opencl = false;               // made for OpenCL C, which every device runs; else native, for cpu:k
  bool anywhere = false;             // holds no code, whatever `opencl` says: it was not made for a device
  std::string features;              // what the code needs: "x86-64-v4"; OpenCL C: "fp64"; empty: nothing
  double cost_ns = 0;                // estimate of the whole plan; unknown trip counts count as one
  bool bounded = true;               // false: a loop of unknown length or a call inside
};

inline std::string input_name(const plan& p, std::size_t i) {
  return i < p.input_names.size() ? p.input_names[i] : "arg" + std::to_string(i);
}
inline std::string output_name(const plan& p, std::size_t k) {
  return k < p.output_names.size() ? p.output_names[k] : "out" + std::to_string(k);
}

}  // namespace wherry
