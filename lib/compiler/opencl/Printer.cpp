// Printer.cpp: kernels, control flow and memory as OpenCL C.

#include "Printer.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace wherry::compile::opencl {
namespace {

bool isIdentifier(StringRef name) {
  if (name.empty() || llvm::isDigit(name.front())) return false;
  return llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

}  // namespace

void Printer::define(Value value, const std::string& text) {
  std::string local = fresh();
  line() << "const " << spell(shape(value)) << " " << local << " = " << text << ";\n";
  names_[value] = std::move(local);
}

// Declares one mutable local per value; with `initial`, holding its values.
void Printer::declare(ValueRange values, ValueRange initial) {
  for (auto [i, value] : llvm::enumerate(values)) {
    const std::string local = fresh();
    line() << spell(shape(value)) << " " << local;
    if (!initial.empty()) out_ << " = " << name(initial[i]);
    out_ << ";\n";
    names_[value] = local;
  }
}

// Assigns as if all at once: a loop may swap its values.
void Printer::assign(ArrayRef<std::string> targets, ValueRange values) {
  SmallVector<std::string> sources;
  for (auto [target, value] : llvm::zip_equal(targets, values)) {
    const bool overwritten = llvm::is_contained(targets, name(value)) && name(value) != target;
    sources.push_back(name(value));
    if (!overwritten) continue;
    sources.back() = fresh();
    line() << "const " << spell(shape(value)) << " " << sources.back() << " = " << name(value) << ";\n";
  }
  for (auto [target, source] : llvm::zip_equal(targets, sources))
    if (target != source) line() << target << " = " << source << ";\n";
}

LogicalResult Printer::printKernel(func::FuncOp kernel) {
  FunctionType type = kernel.getFunctionType();
  const unsigned inputs = type.getNumInputs();
  if (!isIdentifier(kernel.getName())) return kernel.emitOpError("has a name that is no C identifier");
  if (kernel.isExternal() || inputs < 2 || type.getNumResults() != 0 || !kernel.getBody().hasOneBlock() ||
      !llvm::all_of(type.getInputs().drop_front(inputs - 2), llvm::IsaPred<IndexType>))
    return kernel.emitOpError("is not a kernel: expected static memrefs and two indices, got ") << type;

  names_.clear();
  next_ = 0;
  out_ << "\n__kernel void " << kernel.getName() << "(";
  for (unsigned i = 0; i + 2 < inputs; ++i) out_ << "__global uchar *b" << i << ", ulong o" << i << ", ";
  out_ << "ulong units) {\n";
  depth_ = 1;
  line() << "const ulong lo = get_global_id(0);\n";
  line() << "if (lo >= units) return;\n";
  line() << "const ulong hi = lo + 1ul;\n";
  for (unsigned i = 0; i + 2 < inputs; ++i) {
    auto memref = dyn_cast<MemRefType>(type.getInput(i));
    auto element = memref && memref.hasStaticShape() && memref.getLayout().isIdentity()
                       ? shapeOf(memref.getElementType())
                       : FailureOr<Shape>();
    if (failed(element) || element->isMask() || element->isVector())
      return kernel.emitOpError("argument ")
             << i << " is no dense buffer of a storage type: " << type.getInput(i);
    const std::string pointer = "__global " + spell(*element) + " *";
    names_[kernel.getArgument(i)] = "p" + std::to_string(i);
    line() << pointer << "const p" << i << " = (" << pointer << ")(b" << i << " + o" << i << ");\n";
    usesDoubles_ |= element->isReal() && element->width == 64;
  }
  lo_ = kernel.getArgument(inputs - 2);
  hi_ = kernel.getArgument(inputs - 1);
  names_[lo_] = "lo";
  names_[hi_] = "hi";
  if (failed(printBlock(kernel.getBody().front()))) return failure();
  out_ << "}\n";
  return success();
}

LogicalResult Printer::printBlock(Block& block) {
  for (Operation& op : block.without_terminator())
    if (failed(printOp(&op))) return failure();
  return success();
}

LogicalResult Printer::printOp(Operation* op) {
  for (Type type : op->getResultTypes()) {
    if (isa<MemRefType>(type)) continue;
    auto shape = shapeOf(type);
    if (failed(shape)) return op->emitOpError("has a result that OpenCL C has no type for: ") << type;
    usesDoubles_ |= shape->isReal() && shape->width == 64;
  }
  auto structured =
      llvm::TypeSwitch<Operation*, std::optional<LogicalResult>>(op)
          .Case<scf::ForOp, scf::IfOp, scf::WhileOp, memref::AllocaOp, memref::LoadOp, memref::StoreOp>(
              [&](auto known) { return print(known); })
          .Default([](Operation*) { return std::nullopt; });
  if (structured) return *structured;
  for (auto group : {&Printer::printArith, &Printer::printMath, &Printer::printVector}) {
    FailureOr<bool> printed = (this->*group)(op);
    if (failed(printed)) return failure();
    if (*printed) return success();
  }
  return op->emitOpError("has no OpenCL C form");
}

LogicalResult Printer::print(scf::ForOp op) {
  declare(op.getRegionIterArgs(), op.getInitArgs());
  const std::string index = fresh();
  names_[op.getInductionVar()] = index;
  const std::string type = spell(shape(op.getInductionVar()));
  // The loop over units runs once: a work item is one unit.
  if (op.getLowerBound() == lo_ && op.getUpperBound() == hi_ && op.getNumRegionIterArgs() == 0) {
    line() << "const " << type << " " << index << " = lo;\n";
    return printBlock(*op.getBody());
  }
  const Shape bound = shape(op.getInductionVar());
  auto ordered = [&](const std::string& text) { return op.getUnsignedCmp() ? text : asSigned(bound, text); };
  line() << "for (" << type << " " << index << " = " << name(op.getLowerBound()) << "; " << ordered(index)
         << " < " << ordered(name(op.getUpperBound())) << "; " << index << " += " << name(op.getStep())
         << ") {\n";
  ++depth_;
  if (failed(printBlock(*op.getBody()))) return failure();
  SmallVector<std::string> carried;
  for (Value value : op.getRegionIterArgs()) carried.push_back(name(value));
  assign(carried, op.getYieldedValues());
  --depth_;
  line() << "}\n";
  for (auto [result, local] : llvm::zip_equal(op.getResults(), carried)) names_[result] = local;
  return success();
}

LogicalResult Printer::print(scf::IfOp op) {
  declare(op.getResults());
  SmallVector<std::string> results;
  for (Value value : op.getResults()) results.push_back(name(value));
  line() << "if (" << name(op.getCondition()) << ") {\n";
  for (Region* region : {&op.getThenRegion(), &op.getElseRegion()}) {
    if (region->empty()) continue;
    if (region == &op.getElseRegion()) line() << "} else {\n";
    ++depth_;
    if (failed(printBlock(region->front()))) return failure();
    assign(results, region->front().getTerminator()->getOperands());
    --depth_;
  }
  line() << "}\n";
  return success();
}

LogicalResult Printer::print(scf::WhileOp op) {
  declare(op.getBeforeArguments(), op.getInits());
  declare(op.getResults());
  SmallVector<std::string> before, after;
  for (Value value : op.getBeforeArguments()) before.push_back(name(value));
  for (auto [result, argument] : llvm::zip_equal(op.getResults(), op.getAfterArguments())) {
    after.push_back(name(result));
    names_[argument] = after.back();
  }
  line() << "while (true) {\n";
  ++depth_;
  if (failed(printBlock(op.getBefore().front()))) return failure();
  assign(after, op.getConditionOp().getArgs());
  line() << "if (!" << name(op.getConditionOp().getCondition()) << ") break;\n";
  if (failed(printBlock(op.getAfter().front()))) return failure();
  assign(before, op.getYieldOp().getResults());
  --depth_;
  line() << "}\n";
  return success();
}

std::string Printer::element(Value memref, ValueRange indices) const {
  auto type = cast<MemRefType>(memref.getType());
  std::string linear;
  for (auto [axis, index] : llvm::enumerate(indices)) {
    if (!linear.empty()) linear = "(" + linear + ") * " + std::to_string(type.getDimSize(axis)) + "ul + ";
    linear += name(index);
  }
  return linear.empty() ? "0" : linear;
}

LogicalResult Printer::print(memref::AllocaOp op) {
  MemRefType type = op.getType();
  auto element = shapeOf(type.getElementType());
  if (failed(element) || element->isVector() || element->isMask() || !type.hasStaticShape() ||
      !type.getLayout().isIdentity())
    return op.emitOpError("is no dense scratch array of a scalar type");
  usesDoubles_ |= element->isReal() && element->width == 64;
  const std::string local = fresh();
  names_[op.getResult()] = local;
  line() << spell(*element) << " " << local << "[" << std::max<int64_t>(1, type.getNumElements()) << "];\n";
  return success();
}

LogicalResult Printer::print(memref::LoadOp op) {
  define(op.getResult(), name(op.getMemref()) + "[" + element(op.getMemref(), op.getIndices()) + "]");
  return success();
}

LogicalResult Printer::print(memref::StoreOp op) {
  line() << name(op.getMemref()) << "[" << element(op.getMemref(), op.getIndices())
         << "] = " << name(op.getValue()) << ";\n";
  return success();
}

std::string Printer::takeProgram() {
  // Contraction is off so that only an explicit fma fuses, as in the native exit.
  std::string program = "#pragma OPENCL FP_CONTRACT OFF\n";
  if (usesDoubles_) program += "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n";
  return program + functions_ + text_;
}

}  // namespace wherry::compile::opencl
