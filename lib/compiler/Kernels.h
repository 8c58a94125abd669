// Kernels.h: the mid level, where the parts of the compiler meet.
//
// Clustering groups stablehlo operations into clusters; the emitter writes each cluster as one kernel
// function into a module of kernels; the native exit and the OpenCL C exit turn that module into code.
//
// A kernel is
//   func.func @name(%s0: memref<N0xT0>, ..., %sk: memref<NkxTk>, %lo: index, %hi: index)
// whose body is constants and index arithmetic that do not depend on %lo, then one
// `scf.for %unit = %lo to %hi step %c1` (attribute `wherry.units`), then return. Each iteration is one unit
// of work; units write disjoint elements. Arguments are the cluster's inputs, then its outputs, as dense
// row-major 1-D memrefs of exactly their element count (at least 1). Element types of memrefs are the
// storage types: i8 for booleans and for 2-, 4- and 8-bit integers and f8 (one byte each), i16/i32/i64, i16
// for f16 and bf16 bits, f32, f64; complex<T> is 2N interleaved T. Bodies use arith, math (only fma, sqrt,
// absf, copysign, floor, ceil, trunc, roundeven, ctlz, cttz, ctpop), scf.for/if/while, memref.load/store, 1-D
// vectors (vector.load/store/broadcast/gather/reduction/extract/insert/shuffle/step) of 2, 4, 8 or 16 lanes,
// and memref.alloca of static shape at function entry. No calls, no allocation, no other dialect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "llvm/ADT/SmallVector.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Operation.h"

namespace wherry::compile {

/// What the emitter may assume about the device.
struct EmitOptions {
  unsigned lanes = 16;        // lanes of a 32-bit vector; 64-bit types use half as many, at least 1
  bool smallUnits = false;    // GPU: a unit of work is one vector instead of a row or block
  int64_t unitCostNs = 2000;  // CPU: aim for units of at least this estimated cost
};

/// Operations that become one kernel. `ops` is in topological order; `inputs` are values defined
/// outside that they use; `outputs` are values defined inside that are used outside.
struct Cluster {
  llvm::SmallVector<mlir::Operation*> ops;
  llvm::SmallVector<mlir::Value> inputs;
  llvm::SmallVector<mlir::Value> outputs;
  // One scatter or dynamic_update_slice: the output's memory holds the first operand when the kernel starts,
  // and this operand is no input.
  bool inPlace = false;
  // One sort takes several kernels (emit/Sort.h); its inputs and outputs are its operands and results.
  enum class Stage : uint8_t { Whole, SortTiles, SortMerge };
  Stage stage = Stage::Whole;
};

struct EmittedKernel {
  std::string name;    // of the function in the module of kernels
  int64_t extent = 1;  // units of work
  double unitCostNs = 0;
};

/// Writes `cluster` as a function into `kernels`. Fails with a diagnostic at the op that cannot be emitted.
mlir::FailureOr<EmittedKernel> emitCluster(const Cluster& cluster, mlir::ModuleOp kernels,
                                           llvm::StringRef name, const EmitOptions& options);

/// True when the emitter has a rule for `op` (then it may be part of a cluster).
bool canEmit(mlir::Operation* op);

struct NativeOptions {
  std::string cpu = "native";  // LLVM CPU name
  unsigned optLevel = 1;       // of code generation: 0 to 3
};

/// Position-independent code of all functions of a module of kernels: code, then constants; every
/// relocation is resolved. `entries[i]` is the offset of a function `void(void* const*, int64_t lo, int64_t
/// hi)`.
struct NativeImage {
  std::vector<std::byte> bytes;
  std::vector<std::pair<std::string, uint64_t>> entries;
  std::string cpuFeatures;  // "x86-64-v4", ... the least level that runs it
};

/// Consumes `kernels` (lowers it in place).
mlir::FailureOr<NativeImage> emitNative(mlir::ModuleOp kernels, const NativeOptions& options);

/// Returns one OpenCL C program with a `__kernel void NAME(__global uchar* b0, ulong o0, ..., ulong units)`
/// per function. Work item i does unit i.
mlir::FailureOr<std::string> emitOpenCL(mlir::ModuleOp kernels, bool fp64);

}  // namespace wherry::compile
