// Scalar.cpp: arith and math, on scalars and lane by lane on vectors, as OpenCL C.

#include "Printer.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace wherry::compile::opencl {

std::string Printer::arithmetic(Shape shape, const char* symbol, const std::string& a, const std::string& b) {
  const std::string plain = a + " " + symbol + " " + b;
  if (shape.isVector() || shape.isReal() || shape.width >= 32) return plain;
  if (shape.isMask()) return "(" + plain + ") != 0";
  return "(" + spell(shape) + ")((uint)" + a + " " + symbol + " (uint)" + b + ")";
}

std::string Printer::extremum(Shape shape, bool isMaximum, const std::string& a, const std::string& b) {
  const std::string type = spell(shape), bits = spell(shape.with(Shape::Kind::integer, shape.width));
  const std::string function = std::string(isMaximum ? "maximum_" : "minimum_") + type;
  if (functionSet_.insert(function).second) {
    const std::string after = isMaximum ? "a > b" : "a < b", before = isMaximum ? "a < b" : "a > b";
    // Equal numbers differ in the sign of zero at most: `and` keeps +0, `or` keeps -0.
    const std::string equal =
        "as_" + type + "(as_" + bits + "(a) " + (isMaximum ? "&" : "|") + " as_" + bits + "(b))";
    functions_ += "\n" + type + " " + function + "(" + type + " a, " + type + " b) {\n";
    if (shape.isVector())
      functions_ += "  const " + type + " r = select(select(" + equal + ", b, " + before + "), a, " + after +
                    ");\n  return select(r, a + b, (a != a) | (b != b));\n";
    else
      functions_ += "  if (a != a || b != b) return a + b;\n  return " + after + " ? a : " + before +
                    " ? b : " + equal + ";\n";
    functions_ += "}\n";
  }
  return function + "(" + a + ", " + b + ")";
}

// Converts numbers; `isSigned` says how the integers in it are read.
std::string Printer::convert(Shape from, Shape to, const std::string& text, bool isSigned) {
  auto number = [&](Shape shape) {
    return isSigned && shape.kind == Shape::Kind::integer ? spellSigned(shape) : spell(shape);
  };
  std::string source = text;
  if (from.isMask()) {
    if (from.isVector() && !isSigned) source = "(" + text + " & (" + spell(from) + ")(1))";
    if (!from.isVector() && isSigned) source = "-(int)" + text;
  } else if (isSigned && !from.isReal()) {
    source = asSigned(from, text);
  }
  if (to.isMask()) {  // truncation keeps the lowest bit
    if (!to.isVector()) return "(" + text + " & 1) != 0";
    return "convert_" + spell(to) + "((" + text + " & " + build(from, {"1"}) + ") != " + build(from, {"0"}) +
           ")";
  }
  std::string result =
      to.isVector() ? "convert_" + number(to) + "(" + source + ")" : "(" + number(to) + ")" + source;
  if (isSigned && !to.isReal()) result = asUnsigned(to, result);
  return result;
}

std::string Printer::compare(arith::CmpIOp op) {
  const Shape operand = shape(op.getLhs());
  std::string a = name(op.getLhs()), b = name(op.getRhs());
  const char* symbol = "==";
  bool isSigned = false;
  switch (op.getPredicate()) {
    case arith::CmpIPredicate::eq:
      break;
    case arith::CmpIPredicate::ne:
      symbol = "!=";
      break;
    case arith::CmpIPredicate::slt:
      isSigned = true;
      [[fallthrough]];
    case arith::CmpIPredicate::ult:
      symbol = "<";
      break;
    case arith::CmpIPredicate::sle:
      isSigned = true;
      [[fallthrough]];
    case arith::CmpIPredicate::ule:
      symbol = "<=";
      break;
    case arith::CmpIPredicate::sgt:
      isSigned = true;
      [[fallthrough]];
    case arith::CmpIPredicate::ugt:
      symbol = ">";
      break;
    case arith::CmpIPredicate::sge:
      isSigned = true;
      [[fallthrough]];
    case arith::CmpIPredicate::uge:
      symbol = ">=";
      break;
  }
  // The one bit of a mask is its sign: as signed numbers true is less than false. A vector of masks
  // is stored as signed 0 and -1, a scalar as unsigned 0 and 1.
  if (operand.isMask() && isSigned != operand.isVector())
    std::swap(a, b);
  else if (isSigned && !operand.isMask())
    a = asSigned(operand, a), b = asSigned(operand, b);
  const std::string test = a + " " + symbol + " " + b;
  return operand.isVector() ? "convert_" + spell(shape(op.getResult())) + "(" + test + ")" : test;
}

std::string Printer::compare(arith::CmpFOp op) {
  const bool isVector = shape(op.getLhs()).isVector();
  const std::string a = name(op.getLhs()), b = name(op.getRhs());
  const std::string any = isVector ? " | " : " || ", both = isVector ? " & " : " && ",
                    no = isVector ? "~" : "!";
  auto test = [&](const char* symbol) { return "(" + a + " " + symbol + " " + b + ")"; };
  auto unless = [&](const std::string& text) { return no + text; };
  std::string text;
  using P = arith::CmpFPredicate;
  switch (op.getPredicate()) {
    case P::OEQ:
      text = test("==");
      break;
    case P::OGT:
      text = test(">");
      break;
    case P::OGE:
      text = test(">=");
      break;
    case P::OLT:
      text = test("<");
      break;
    case P::OLE:
      text = test("<=");
      break;
    case P::ONE:
      text = "(" + test("<") + any + test(">") + ")";
      break;
    case P::ORD:
      text = "((" + a + " == " + a + ")" + both + "(" + b + " == " + b + "))";
      break;
    case P::UEQ:
      text = unless("(" + test("<") + any + test(">") + ")");
      break;
    case P::UGT:
      text = unless(test("<="));
      break;
    case P::UGE:
      text = unless(test("<"));
      break;
    case P::ULT:
      text = unless(test(">="));
      break;
    case P::ULE:
      text = unless(test(">"));
      break;
    case P::UNE:
      text = test("!=");
      break;
    case P::UNO:
      text = "((" + a + " != " + a + ")" + any + "(" + b + " != " + b + "))";
      break;
    case P::AlwaysTrue:
      return isVector ? "(" + spell(shape(op.getResult())) + ")(-1)" : "true";
    case P::AlwaysFalse:
      return isVector ? "(" + spell(shape(op.getResult())) + ")(0)" : "false";
  }
  return isVector ? "convert_" + spell(shape(op.getResult())) + "(" + text + ")" : text;
}

std::string Printer::choose(arith::SelectOp op) {
  const Shape condition = shape(op.getCondition()), value = shape(op.getResult());
  const std::string c = name(op.getCondition()), a = name(op.getTrueValue()), b = name(op.getFalseValue());
  if (!condition.isVector()) return c + " ? " + a + " : " + b;
  return "select(" + b + ", " + a + ", " + widenMask(condition, value.isMask() ? 8 : value.width, c) + ")";
}

FailureOr<bool> Printer::printArith(Operation* op) {
  auto a = [&] { return name(op->getOperand(0)); };
  auto b = [&] { return name(op->getOperand(1)); };
  auto binary = [&](const char* symbol) {
    const Shape s = shape(op->getResult(0));
    define(op->getResult(0), arithmetic(s, symbol, a(), b()));
    return true;
  };
  auto signedBinary = [&](const char* symbol) {
    const Shape s = shape(op->getResult(0));
    define(op->getResult(0), asUnsigned(s, asSigned(s, a()) + " " + symbol + " " + asSigned(s, b())));
    return true;
  };
  auto call = [&](const char* function, bool isSigned) {
    const Shape s = shape(op->getResult(0));
    const std::string x = isSigned ? asSigned(s, a()) : a(), y = isSigned ? asSigned(s, b()) : b();
    const std::string text = std::string(function) + "(" + x + ", " + y + ")";
    define(op->getResult(0), isSigned ? asUnsigned(s, text) : text);
    return true;
  };
  auto converted = [&](bool isSigned) {
    const Value result = op->getResult(0);
    define(result, convert(shape(op->getOperand(0)), shape(result), a(), isSigned));
    return true;
  };
  auto extended = [&](const std::string& low, const std::string& high) {
    define(op->getResult(0), low);
    define(op->getResult(1), high);
    return true;
  };

  if (isa<arith::FPToSIOp, arith::FPToUIOp>(op) && shape(op->getResult(0)).isMask())
    return op->emitOpError("has no OpenCL C form to i1");
  // The integer operations that a mask may take part in are the bitwise ones.
  if (op->getNumOperands() > 0 && shapeOf(op->getOperand(0).getType())->isMask() &&
      isa<arith::AddIOp, arith::SubIOp, arith::MulIOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
          arith::RemUIOp, arith::ShLIOp, arith::ShRSIOp, arith::ShRUIOp, arith::MaxSIOp, arith::MaxUIOp,
          arith::MinSIOp, arith::MinUIOp, arith::BitcastOp, arith::AddUIExtendedOp, arith::MulSIExtendedOp,
          arith::MulUIExtendedOp>(op))
    return op->emitOpError("has no OpenCL C form on i1");

  return llvm::TypeSwitch<Operation*, FailureOr<bool>>(op)
      .Case([&](arith::ConstantOp constant) -> FailureOr<bool> {
        auto text = literal(shape(constant.getResult()), constant.getValue());
        if (failed(text)) return op->emitOpError("is not dense");
        define(constant.getResult(), *text);
        return true;
      })
      .Case<arith::AddIOp, arith::AddFOp>([&](auto) { return binary("+"); })
      .Case<arith::SubIOp, arith::SubFOp>([&](auto) { return binary("-"); })
      .Case<arith::MulIOp, arith::MulFOp>([&](auto) { return binary("*"); })
      .Case<arith::DivUIOp, arith::DivFOp>([&](auto) { return binary("/"); })
      .Case([&](arith::RemUIOp) { return binary("%"); })
      .Case([&](arith::DivSIOp) { return signedBinary("/"); })
      .Case([&](arith::RemSIOp) { return signedBinary("%"); })
      .Case([&](arith::AndIOp) { return binary("&"); })
      .Case([&](arith::OrIOp) { return binary("|"); })
      .Case([&](arith::XOrIOp) { return binary("^"); })
      .Case([&](arith::ShLIOp) { return binary("<<"); })
      .Case([&](arith::ShRUIOp) { return binary(">>"); })
      .Case([&](arith::ShRSIOp) { return signedBinary(">>"); })
      .Case([&](arith::MaxSIOp) { return call("max", true); })
      .Case([&](arith::MaxUIOp) { return call("max", false); })
      .Case([&](arith::MinSIOp) { return call("min", true); })
      .Case([&](arith::MinUIOp) { return call("min", false); })
      .Case<arith::MaximumFOp, arith::MinimumFOp>([&](auto known) {
        define(op->getResult(0), extremum(shape(op->getResult(0)), isa<arith::MaximumFOp>(op),
                                          name(known.getLhs()), name(known.getRhs())));
        return true;
      })
      .Case([&](arith::NegFOp) {
        define(op->getResult(0), "-" + a());
        return true;
      })
      .Case<arith::CmpIOp, arith::CmpFOp>([&](auto known) {
        define(op->getResult(0), compare(known));
        return true;
      })
      .Case([&](arith::SelectOp known) {
        define(op->getResult(0), choose(known));
        return true;
      })
      .Case<arith::ExtSIOp, arith::SIToFPOp, arith::FPToSIOp, arith::IndexCastOp>(
          [&](auto) { return converted(true); })
      .Case<arith::ExtUIOp, arith::TruncIOp, arith::UIToFPOp, arith::FPToUIOp, arith::IndexCastUIOp,
            arith::ExtFOp, arith::TruncFOp>([&](auto) { return converted(false); })
      .Case([&](arith::BitcastOp) {
        define(op->getResult(0), "as_" + spell(shape(op->getResult(0))) + "(" + a() + ")");
        return true;
      })
      .Case([&](arith::AddUIExtendedOp known) {
        const Shape s = shape(known.getSum());
        define(known.getSum(), arithmetic(s, "+", a(), b()));
        const std::string carry = name(known.getSum()) + " < " + a();
        define(known.getOverflow(),
               s.isVector() ? "convert_" + spell(shape(known.getOverflow())) + "(" + carry + ")" : carry);
        return true;
      })
      .Case([&](arith::MulUIExtendedOp known) {
        return extended(arithmetic(shape(known.getLow()), "*", a(), b()), "mul_hi(" + a() + ", " + b() + ")");
      })
      .Case([&](arith::MulSIExtendedOp known) {
        const Shape s = shape(known.getLow());
        return extended(arithmetic(s, "*", a(), b()),
                        asUnsigned(s, "mul_hi(" + asSigned(s, a()) + ", " + asSigned(s, b()) + ")"));
      })
      .Default([](Operation*) { return false; });
}

FailureOr<bool> Printer::printMath(Operation* op) {
  auto call = [&](const char* function) {
    SmallVector<std::string> arguments;
    for (Value value : op->getOperands()) arguments.push_back(name(value));
    define(op->getResult(0), std::string(function) + "(" + llvm::join(arguments, ", ") + ")");
    return true;
  };
  auto counted = [&](const std::string& text) {
    const Shape s = shape(op->getResult(0));
    define(op->getResult(0), s.isVector() ? text : "(" + spell(s) + ")" + text);
    return true;
  };
  return llvm::TypeSwitch<Operation*, FailureOr<bool>>(op)
      .Case<math::FmaOp, vector::FMAOp>([&](auto) { return call("fma"); })
      .Case([&](math::SqrtOp) { return call("sqrt"); })
      .Case([&](math::AbsFOp) { return call("fabs"); })
      .Case([&](math::CopySignOp) { return call("copysign"); })
      .Case([&](math::FloorOp) { return call("floor"); })
      .Case([&](math::CeilOp) { return call("ceil"); })
      .Case([&](math::TruncOp) { return call("trunc"); })
      .Case([&](math::RoundEvenOp) { return call("rint"); })
      .Case([&](math::AbsIOp known) {
        return counted("abs(" + asSigned(shape(known.getOperand()), name(known.getOperand())) + ")");
      })
      .Case([&](math::CountLeadingZerosOp known) { return counted("clz(" + name(known.getOperand()) + ")"); })
      .Case([&](math::CtPopOp known) { return counted("popcount(" + name(known.getOperand()) + ")"); })
      .Case([&](math::CountTrailingZerosOp known) {
        // OpenCL C 1.2 has no ctz: the bits below the lowest one, counted.
        const Shape s = shape(known.getResult());
        const std::string x = name(known.getOperand()), one = build(s, {"1"});
        const std::string below = "~" + x + " & (" + x + " - " + one + ")";
        return counted("popcount(" + (s.isVector() ? below : "(" + spell(s) + ")(" + below + ")") + ")");
      })
      .Default([](Operation*) { return false; });
}

}  // namespace wherry::compile::opencl
