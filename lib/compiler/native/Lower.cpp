// Lower.cpp: kernels to the LLVM dialect, in one conversion.

#include "Native.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;

namespace wherry::compile::native {
namespace {

// Ops of the dialects in use whose lowering would call a library, and scratch that would grow the stack.
LogicalResult refuse(ModuleOp kernels) {
  const WalkResult result = kernels.walk([](Operation* op) {
    if (isa<arith::RemFOp, func::CallOp, func::CallIndirectOp>(op)) {
      op->emitOpError("is not allowed in a kernel: its code would call a function");
      return WalkResult::interrupt();
    }
    if (isa<math::MathDialect>(op->getDialect()) &&
        !isa<math::FmaOp, math::SqrtOp, math::AbsFOp, math::AbsIOp, math::CopySignOp, math::FloorOp,
             math::CeilOp, math::TruncOp, math::RoundEvenOp, math::CountLeadingZerosOp,
             math::CountTrailingZerosOp, math::CtPopOp>(op)) {
      op->emitOpError("must be expanded before code generation: its code would call a function");
      return WalkResult::interrupt();
    }
    if (isa<memref::AllocaOp>(op) && !isa<func::FuncOp>(op->getParentOp())) {
      op->emitOpError("must be at the entry of its kernel, not in a loop or branch");
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

bool isBuffer(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  return memref && memref.hasStaticShape() && memref.getLayout().isIdentity();
}

// Moves the body of `kernel` into an llvm.func whose entry block loads the slots. What the old
// arguments were typed as is bridged by casts, which the conversion resolves.
LogicalResult rebuildSignature(func::FuncOp kernel) {
  FunctionType type = kernel.getFunctionType();
  const unsigned slots = type.getNumInputs() < 2 ? 0 : type.getNumInputs() - 2;
  if (kernel.isExternal() || type.getNumInputs() < 2 || type.getNumResults() != 0 ||
      !llvm::all_of(type.getInputs().take_front(slots), isBuffer) ||
      !llvm::all_of(type.getInputs().drop_front(slots), llvm::IsaPred<IndexType>))
    return kernel.emitOpError("is not a kernel: expected static memrefs and two indices, got ") << type;

  OpBuilder builder(kernel);
  Location loc = kernel.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Type i64 = builder.getI64Type();
  auto signature =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()), {pointer, i64, i64});
  auto function = LLVM::LLVMFuncOp::create(builder, loc, kernel.getName(), signature);
  function.setDsoLocal(true);
  function.setNoUnwind(true);
  function.getBody().takeBody(kernel.getBody());
  kernel.erase();

  Block& entry = function.getBody().front();
  builder.setInsertionPointToStart(&entry);
  Value table = entry.insertArgument(0u, pointer, loc);
  Value lo = entry.insertArgument(1u, i64, loc), hi = entry.insertArgument(2u, i64, loc);
  for (unsigned i = 0; i < slots + 2; ++i) {
    Value value = i == slots ? lo : hi;
    if (i < slots) {
      Value address = LLVM::GEPOp::create(builder, loc, pointer, pointer, table,
                                          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
      value = LLVM::LoadOp::create(builder, loc, pointer, address, 8);
    }
    BlockArgument old = entry.getArgument(3);
    auto cast = UnrealizedConversionCastOp::create(builder, loc, old.getType(), value);
    old.replaceAllUsesWith(cast.getResult(0));
    entry.eraseArgument(3);
  }
  for (Block& block : function.getBody())
    if (auto exit = dyn_cast<func::ReturnOp>(block.getTerminator())) {
      builder.setInsertionPoint(exit);
      LLVM::ReturnOp::create(builder, exit.getLoc(), ValueRange{});
      exit.erase();
    }
  return success();
}

}  // namespace

LogicalResult lowerToLLVM(ModuleOp kernels) {
  if (failed(refuse(kernels))) return failure();
  for (auto kernel : llvm::make_early_inc_range(kernels.getOps<func::FuncOp>()))
    if (failed(rebuildSignature(kernel))) return failure();

  MLIRContext* context = kernels.getContext();
  LLVMTypeConverter converter(context);
  converter.addConversion([&](MemRefType type) -> std::optional<Type> {
    if (!isBuffer(type)) return std::nullopt;
    return LLVM::LLVMPointerType::get(context);
  });
  RewritePatternSet patterns(context);
  populateMemoryPatterns(converter, patterns);
  populateLanePatterns(converter, patterns);
  populateSCFToControlFlowConversionPatterns(patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  populateMathToLLVMConversionPatterns(converter, patterns);
  populateVectorToLLVMConversionPatterns(converter, patterns);
  ub::populateUBToLLVMConversionPatterns(converter, patterns);

  LLVMConversionTarget target(*context);
  target.addLegalOp<ModuleOp, UnrealizedConversionCastOp>();
  if (failed(applyFullConversion(kernels, target, std::move(patterns)))) return failure();

  SmallVector<UnrealizedConversionCastOp> casts, unresolved;
  kernels.walk([&](UnrealizedConversionCastOp op) { casts.push_back(op); });
  reconcileUnrealizedCasts(casts, &unresolved);
  if (unresolved.empty()) return success();
  return unresolved.front().emitOpError("is left in a lowered kernel: a buffer is used as a plain value");
}

}  // namespace wherry::compile::native
