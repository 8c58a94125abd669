// Printer.h: one kernel as OpenCL C.
//
// Every result becomes one declared local, so the text follows the IR line by line and the device's own
// compiler finds what MLIR left. The three files of the class are its three subjects: Printer.cpp
// (kernels, control flow, memory), Scalar.cpp (arith and math), Vector.cpp (lanes).
//
// Threads: one printer per thread.
#pragma once

#include "Spelling.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace wherry::compile::opencl {

class Printer {
 public:
  /// Prints `kernel`. Fails with a diagnostic at the op or argument that has no OpenCL C form.
  mlir::LogicalResult printKernel(mlir::func::FuncOp kernel);

  /// Returns everything printed so far as a program; `usesDoubles` is true if it needs fp64.
  std::string takeProgram();
  bool usesDoubles() const { return usesDoubles_; }

 private:
  // Printer.cpp
  mlir::LogicalResult printBlock(mlir::Block& block);
  mlir::LogicalResult printOp(mlir::Operation* op);
  mlir::LogicalResult print(mlir::scf::ForOp op);
  mlir::LogicalResult print(mlir::scf::IfOp op);
  mlir::LogicalResult print(mlir::scf::WhileOp op);
  mlir::LogicalResult print(mlir::memref::AllocaOp op);
  mlir::LogicalResult print(mlir::memref::LoadOp op);
  mlir::LogicalResult print(mlir::memref::StoreOp op);

  // Scalar.cpp; false: not one of its ops.
  mlir::FailureOr<bool> printArith(mlir::Operation* op);
  mlir::FailureOr<bool> printMath(mlir::Operation* op);
  std::string convert(Shape from, Shape to, const std::string& text, bool isSigned);
  std::string compare(mlir::arith::CmpIOp op);
  std::string compare(mlir::arith::CmpFOp op);
  std::string choose(mlir::arith::SelectOp op);

  // Vector.cpp
  mlir::FailureOr<bool> printVector(mlir::Operation* op);
  std::string gather(mlir::vector::GatherOp op);
  mlir::FailureOr<std::string> reduce(mlir::vector::ReductionOp op);
  std::string shuffle(mlir::vector::ShuffleOp op);

  // What C would promote to int is computed as uint and cut back: `(uchar)((uint)a + (uint)b)`.
  std::string arithmetic(Shape shape, const char* symbol, const std::string& a, const std::string& b);
  // `maximumf` or `minimumf` of `a` and `b`, through a function that is printed with the program.
  std::string extremum(Shape shape, bool isMaximum, const std::string& a, const std::string& b);

  // Names and declarations.
  std::string fresh() { return "v" + std::to_string(next_++); }
  const std::string& name(mlir::Value value) const { return names_.find(value)->second; }
  Shape shape(mlir::Value value) const { return *shapeOf(value.getType()); }
  void define(mlir::Value value, const std::string& text);
  void declare(mlir::ValueRange values, mlir::ValueRange initial = {});
  void assign(llvm::ArrayRef<std::string> targets, mlir::ValueRange values);
  std::string element(mlir::Value memref, mlir::ValueRange indices) const;
  llvm::raw_ostream& line() { return out_.indent(depth_ * 2); }

  std::string text_;
  llvm::raw_string_ostream out_{text_};
  std::string functions_;          // what kernels call, before them
  llvm::StringSet<> functionSet_;  // names in `functions_`
  llvm::DenseMap<mlir::Value, std::string> names_;
  mlir::Value lo_, hi_;  // of the kernel being printed
  unsigned next_ = 0;
  unsigned depth_ = 0;
  bool usesDoubles_ = false;
};

}  // namespace wherry::compile::opencl
