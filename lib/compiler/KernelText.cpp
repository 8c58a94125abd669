// KernelText.cpp: see KernelText.h. Values are numbered in the order in which they appear.
#include "compiler/KernelText.h"

#include "llvm/Support/raw_ostream.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

namespace wherry::compile {
namespace {

constexpr int64_t mostBytes = 4096;  // of constants in one attribute

class Writer {
 public:
  Writer(llvm::raw_ostream& out, llvm::function_ref<const std::string&(Attribute)> attribute,
         llvm::function_ref<const std::string&(Type)> type)
      : out(out), attribute(attribute), type(type) {}

  void write(const Cluster& cluster) {
    for (Value input : cluster.inputs) define(input);
    for (Operation* op : cluster.ops) write(op);
    for (Value output : cluster.outputs) use(output);
    out << cluster.inPlace << static_cast<int>(cluster.stage);
  }

 private:
  void use(Value value) { out << numbers.try_emplace(value, numbers.size()).first->second << ","; }
  void define(Value value) {
    use(value);
    out << type(value.getType()) << ";";
  }

  void write(Operation* op) {
    out << op->getName().getStringRef() << attribute(op->getAttrDictionary()) << "(";
    for (Value operand : op->getOperands()) use(operand);
    out << ")";
    for (Value result : op->getResults()) define(result);
    for (Region& region : op->getRegions()) {
      out << "{";
      for (Block& block : region) {
        out << "^";
        for (Value argument : block.getArguments()) define(argument);
        for (Operation& nested : block) write(&nested);
      }
      out << "}";
    }
    out << "\n";
  }

  llvm::raw_ostream& out;
  llvm::function_ref<const std::string&(Attribute)> attribute;
  llvm::function_ref<const std::string&(Type)> type;
  llvm::DenseMap<Value, size_t> numbers;
};

}  // namespace

bool KernelText::isSmall(Attribute attribute) {
  const WalkResult result = attribute.walk([](Attribute inner) {
    const auto elements = dyn_cast<ElementsAttr>(inner);
    if (!elements) return WalkResult::advance();
    // Other elements are named by a key, which says nothing about them.
    const auto dense = dyn_cast<DenseElementsAttr>(inner);
    const auto array = dyn_cast<DenseArrayAttr>(inner);
    const bool small = (dense && static_cast<int64_t>(dense.getRawData().size()) <= mostBytes) ||
                       (array && static_cast<int64_t>(array.getRawData().size()) <= mostBytes);
    return small ? WalkResult::advance() : WalkResult::interrupt();
  });
  return !result.wasInterrupted();
}

const std::string& KernelText::textOf(Attribute attribute) {
  const auto [entry, isNew] = texts.try_emplace(attribute.getAsOpaquePointer());
  if (isNew && isSmall(attribute)) {
    llvm::raw_string_ostream stream(entry->second);
    attribute.print(stream);
  }
  return entry->second;
}

const std::string& KernelText::textOf(Type type) {
  const auto [entry, isNew] = texts.try_emplace(type.getAsOpaquePointer());
  if (isNew) {
    llvm::raw_string_ostream stream(entry->second);
    type.print(stream);
  }
  return entry->second;
}

std::optional<std::string> KernelText::of(const Cluster& cluster) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  bool isWhole = true;
  const auto attribute = [&](Attribute attribute) -> const std::string& {
    const std::string& printed = textOf(attribute);
    isWhole &= !printed.empty();  // even an empty dictionary is printed as {}
    return printed;
  };
  const auto type = [&](Type type) -> const std::string& { return textOf(type); };
  Writer writer(stream, attribute, type);
  writer.write(cluster);
  if (!isWhole) return std::nullopt;
  return text;
}

}  // namespace wherry::compile
