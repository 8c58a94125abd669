// Vector.cpp: loads, stores and lanes of vectors as OpenCL C.

#include "Printer.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace wherry::compile::opencl {
namespace {

bool isAllTrue(Value mask) {
  if (auto splat = mask.getDefiningOp<vector::BroadcastOp>()) mask = splat.getSource();
  return matchPattern(mask, m_One());
}

}  // namespace

std::string Printer::gather(vector::GatherOp op) {
  const Shape result = shape(op.getResult()), index = shape(op.getIndices()), mask = shape(op.getMask());
  const std::string base = name(op.getBase()) + " + " + element(op.getBase(), op.getOffsets());
  const bool all = isAllTrue(op.getMask());
  SmallVector<std::string> parts;
  for (unsigned i = 0; i < result.lanes; ++i) {
    const std::string at = asSigned(index.scalar(), name(op.getIndices()) + lane(index, i));
    std::string part = "(" + base + ")[" + at + "]";
    if (!all)
      part = name(op.getMask()) + lane(mask, i) + " ? " + part + " : " + name(op.getPassThru()) +
             lane(result, i);
    parts.push_back(std::move(part));
  }
  return build(result, parts);
}

// Halves: the order that the native exit uses, so floating sums agree bit for bit.
FailureOr<std::string> Printer::reduce(vector::ReductionOp op) {
  Shape current = shape(op.getVector());
  auto combine = [&](Shape s, const std::string& a, const std::string& b) -> std::string {
    auto chosen = [&](const char* function, bool isSigned) {
      if (!isSigned) return function + ("(" + a + ", " + b + ")");
      return asUnsigned(s, function + ("(" + asSigned(s, a) + ", " + asSigned(s, b) + ")"));
    };
    using Kind = vector::CombiningKind;
    switch (op.getKind()) {
      case Kind::ADD:
        return s.isMask() ? "" : arithmetic(s, "+", a, b);
      case Kind::MUL:
        return s.isMask() ? "" : arithmetic(s, "*", a, b);
      case Kind::AND:
        return arithmetic(s, "&", a, b);
      case Kind::OR:
        return arithmetic(s, "|", a, b);
      case Kind::XOR:
        return arithmetic(s, "^", a, b);
      case Kind::MAXIMUMF:
        return extremum(s, true, a, b);
      case Kind::MINIMUMF:
        return extremum(s, false, a, b);
      case Kind::MAXSI:
        return s.isMask() ? "" : chosen("max", true);
      case Kind::MINSI:
        return s.isMask() ? "" : chosen("min", true);
      case Kind::MAXUI:
        return s.isMask() ? "" : chosen("max", false);
      case Kind::MINUI:
        return s.isMask() ? "" : chosen("min", false);
      default:
        return "";
    }
  };
  std::string value = name(op.getVector());
  while (current.isVector()) {
    const Shape half = current.half();
    const std::string next = fresh(), text = combine(half, value + ".lo", value + ".hi");
    if (text.empty()) return op.emitOpError("has no OpenCL C form for this kind");
    line() << "const " << spell(half) << " " << next << " = " << text << ";\n";
    value = next;
    current = half;
  }
  return op.getAcc() ? combine(current, name(op.getAcc()), value) : value;
}

std::string Printer::shuffle(vector::ShuffleOp op) {
  const Shape first = shape(op.getV1()), second = shape(op.getV2()), result = shape(op.getResult());
  SmallVector<std::string> parts;
  for (int64_t index : op.getMask()) {
    const unsigned i = index < 0 ? 0 : static_cast<unsigned>(index);  // a poison lane may hold anything
    const bool low = i < first.lanes;
    const Shape from = low ? first : second;
    const std::string part = name(low ? op.getV1() : op.getV2()) + lane(from, low ? i : i - first.lanes);
    parts.push_back(toLane(result, fromLane(from, part)));
  }
  return build(result, parts);
}

FailureOr<bool> Printer::printVector(Operation* op) {
  auto result = [&](const std::string& text) {
    define(op->getResult(0), text);
    return true;
  };
  auto position = [&](auto known) -> FailureOr<std::string> {
    const Shape s = shape(known->getOperand(isa<vector::InsertOp>(op) ? 1 : 0));
    if (known.getNumIndices() != 1) return op->emitOpError("must name one lane to have an OpenCL C form");
    if (!known.hasDynamicPosition()) return lane(s, static_cast<unsigned>(known.getStaticPosition()[0]));
    return "[" + name(known.getDynamicPosition()[0]) + "]";
  };

  return llvm::TypeSwitch<Operation*, FailureOr<bool>>(op)
      .Case([&](vector::LoadOp known) {
        const Shape s = shape(known.getResult());
        const std::string p = name(known.getBase()), at = element(known.getBase(), known.getIndices());
        return result(s.isVector() ? "vload" + std::to_string(s.lanes) + "(0, " + p + " + " + at + ")"
                                   : p + "[" + at + "]");
      })
      .Case([&](vector::StoreOp known) {
        const Shape s = shape(known.getValueToStore());
        const std::string p = name(known.getBase()), at = element(known.getBase(), known.getIndices());
        if (s.isVector())
          line() << "vstore" << s.lanes << "(" << name(known.getValueToStore()) << ", 0, " << p << " + " << at
                 << ");\n";
        else
          line() << p << "[" << at << "] = " << name(known.getValueToStore()) << ";\n";
        return true;
      })
      .Case([&](vector::BroadcastOp known) -> FailureOr<bool> {
        const Shape from = shape(known.getSource()), to = shape(known.getResult());
        if (from.lanes == to.lanes) return result(name(known.getSource()));
        if (from.isVector()) return op->emitOpError("must start from a scalar to have an OpenCL C form");
        return result(build(to, {toLane(to, name(known.getSource()))}));
      })
      .Case([&](vector::GatherOp known) { return result(gather(known)); })
      .Case([&](vector::ReductionOp known) -> FailureOr<bool> {
        auto text = reduce(known);
        if (failed(text)) return failure();
        return result(*text);
      })
      .Case([&](vector::ShuffleOp known) { return result(shuffle(known)); })
      .Case([&](vector::StepOp known) {
        const Shape s = shape(known.getResult());
        SmallVector<std::string> parts;
        for (unsigned i = 0; i < s.lanes; ++i) parts.push_back(std::to_string(i) + "ul");
        return result(build(s, parts));
      })
      .Case([&](vector::FromElementsOp known) {
        const Shape s = shape(known.getResult());
        SmallVector<std::string> parts;
        for (Value value : known.getElements()) parts.push_back(toLane(s, name(value)));
        return result(build(s, parts));
      })
      .Case([&](vector::ToElementsOp known) {
        const Shape s = shape(known.getSource());
        for (auto [i, value] : llvm::enumerate(known.getElements()))
          define(value, fromLane(s, name(known.getSource()) + lane(s, static_cast<unsigned>(i))));
        return true;
      })
      .Case([&](vector::BitCastOp known) -> FailureOr<bool> {
        if (shape(known.getSource()).isMask() || shape(known.getResult()).isMask())
          return op->emitOpError("has no OpenCL C form on i1");
        return result("as_" + spell(shape(known.getResult())) + "(" + name(known.getSource()) + ")");
      })
      .Case([&](vector::ExtractOp known) -> FailureOr<bool> {
        const Shape s = shape(known.getSource());
        auto at = position(known);
        if (failed(at)) return failure();
        const bool indexed = StringRef(*at).starts_with("[");
        // A lane chosen at run time is read through memory: C indexes no vectors.
        const std::string from = indexed ? "((const " + spellLane(s) + " *)&" + name(known.getSource()) + ")"
                                         : name(known.getSource());
        return result(fromLane(s, from + *at));
      })
      .Case([&](vector::InsertOp known) -> FailureOr<bool> {
        const Shape s = shape(known.getResult());
        auto at = position(known);
        if (failed(at)) return failure();
        const std::string local = fresh(), value = toLane(s, name(known.getValueToStore()));
        line() << spell(s) << " " << local << " = " << name(known.getDest()) << ";\n";
        if (StringRef(*at).starts_with("["))
          line() << "((" << spellLane(s) << " *)&" << local << ")" << *at << " = " << value << ";\n";
        else
          line() << local << *at << " = " << value << ";\n";
        names_[known.getResult()] = local;
        return true;
      })
      .Default([](Operation*) { return false; });
}

}  // namespace wherry::compile::opencl
