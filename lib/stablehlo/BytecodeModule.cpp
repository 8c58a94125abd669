// BytecodeModule.cpp: see BytecodeModule.h.
//
// Operations lie one after the other, each followed by its regions. Values are numbered in the order of
// their definitions: those of a region follow those of the regions around it, up to one that is isolated,
// which starts again from zero and is a section of its own from version 2 of the format on.
#include "BytecodeModule.h"

#include "BytecodeValues.h"
#include "mlir/Bytecode/Encoding.h"
#include "stablehlo/Parse.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace mlir::stablehlo;
namespace Mask = mlir::bytecode::OpEncodingMask;

namespace {

/// The regions of an operation that are being read.
struct OpenRegions {
  MutableArrayRef<Region> left;
  bool isIsolated = false;
  /// They are a section of their own.
  bool isSection = false;
  /// Of the first of `left`, once it has been begun:
  SmallVector<Block *> blocks;
  size_t block = 0;
  uint64_t operationsLeft = 0;
  size_t valueCount = 0, nextValue = 0;
};

class ModuleReader {
public:
  explicit ModuleReader(const BytecodeFile &file)
      : file(file), context(file.location->getContext()), values(file), numbers(1), streams{file.program} {}
  ~ModuleReader() {
    for (Operation *placeholder : placeholders) {
      placeholder->dropAllUses();
      placeholder->destroy();
    }
  }

  OwningOpRef<ModuleOp> read() {
    OwningOpRef<ModuleOp> top = ModuleOp::create(file.location);
    open.emplace_back();
    open.back().left = (*top)->getRegions();
    open.back().isIsolated = true;
    open.back().isSection = true;
    open.back().blocks.push_back(top->getBody());
    if (failed(beginBlock()))
      return {};
    while (!open.empty())
      if (failed(step()))
        return {};
    if (!placeholders.empty()) {
      file.program.emitError() << "the program uses a value that it does not define";
      return {};
    }
    // The file of a module has that alone; other operations are put into one.
    Block *body = top->getBody();
    if (body->getOperations().size() != 1 || !isa<ModuleOp>(body->front()))
      return top;
    OwningOpRef<ModuleOp> module(cast<ModuleOp>(body->front()));
    (*module)->remove();
    return module;
  }

private:
  /// The numbered values of an isolated region and those inside it; null are those not yet defined.
  using Values = std::vector<Value>;

  ByteStream &stream() { return streams.back(); }

  /// Reads the next operation of the innermost region, or ends what is complete.
  LogicalResult step() {
    OpenRegions &regions = open.back();
    if (regions.left.empty())
      return endRegions();
    if (regions.blocks.empty())
      return beginRegion();
    if (regions.operationsLeft > 0) {
      --regions.operationsLeft;
      return readOperation();
    }
    if (++regions.block < regions.blocks.size())
      return beginBlock();
    regions.blocks.clear();
    regions.left = regions.left.drop_front();
    numbers.back().resize(numbers.back().size() - regions.valueCount);
    return success();
  }

  LogicalResult endRegions() {
    if (open.back().isSection) {
      if (failed(stream().expectEnd("the regions of an operation")))
        return failure();
      streams.pop_back();
    }
    if (open.back().isIsolated)
      numbers.pop_back();
    open.pop_back();
    return success();
  }

  LogicalResult beginRegion() {
    OpenRegions &regions = open.back();
    uint64_t blockCount = 0, valueCount = 0;
    if (failed(stream().readCount(blockCount, "blocks")))
      return failure();
    if (blockCount == 0) {
      regions.left = regions.left.drop_front();
      return success();
    }
    if (failed(stream().readCount(valueCount, "values")))
      return failure();
    for (; blockCount > 0; --blockCount)
      regions.blocks.push_back(&regions.left.front().emplaceBlock());
    regions.block = 0;
    regions.valueCount = valueCount;
    regions.nextValue = numbers.back().size();
    numbers.back().resize(numbers.back().size() + valueCount);
    return beginBlock();
  }

  LogicalResult beginBlock() {
    OpenRegions &regions = open.back();
    Block *block = regions.blocks[regions.block];
    bool hasArguments = false;
    uint8_t hasOrders = 0;
    if (failed(stream().readFlagged(regions.operationsLeft, hasArguments)) ||
        failed(stream().checkCount(regions.operationsLeft, "operations")))
      return failure();
    if (!hasArguments)
      return success();
    if (failed(readArguments(block)))
      return failure();
    if (file.version < bytecode::kUseListOrdering)
      return success();
    if (failed(stream().readByte(hasOrders)))
      return failure();
    return hasOrders != 0 ? skipUseOrders(block->getNumArguments()) : success();
  }

  LogicalResult readArguments(Block *block) {
    uint64_t count = 0;
    if (failed(stream().readCount(count, "arguments")))
      return failure();
    for (; count > 0; --count) {
      uint64_t type = 0;
      bool hasLocation = true;
      LocationAttr location = UnknownLoc::get(context);
      if (failed(file.version >= bytecode::kElideUnknownBlockArgLocation
                     ? stream().readFlagged(type, hasLocation)
                     : stream().readNumber(type)))
        return failure();
      const Type read = values.type(type, stream());
      if (!read || (hasLocation && failed(readAttribute(location))))
        return failure();
      block->addArgument(read, location);
    }
    return define(block->getArguments());
  }

  /// Says in which order the uses of values are listed, which matters to nobody here.
  LogicalResult skipUseOrders(unsigned valueCount) {
    uint64_t count = 1, unused = 0;
    if (valueCount > 1 && failed(stream().readCount(count, "lists of uses")))
      return failure();
    for (; count > 0; --count) {
      uint64_t uses = 0;
      bool isPairs = false;
      if ((valueCount > 1 && failed(stream().readIndex(unused, valueCount, "value"))) ||
          failed(stream().readFlagged(uses, isPairs)) || failed(stream().checkCount(uses, "uses")))
        return failure();
      for (; uses > 0; --uses)
        if (failed(stream().readNumber(unused)))
          return failure();
    }
    return success();
  }

  template <typename Wanted> LogicalResult readAttribute(Wanted &result) {
    Attribute read;
    if (failed(values.readAttribute(stream(), read)))
      return failure();
    result = dyn_cast<Wanted>(read);
    if (!result)
      return stream().emitError() << "an attribute of another kind is expected than " << read;
    return success();
  }

  template <typename Range> LogicalResult define(Range defined) {
    size_t &next = open.back().nextValue;
    Values &all = numbers.back();
    for (Value value : defined) {
      if (next == all.size())
        return stream().emitError() << "a region has more values than it says";
      if (Value placeholder = all[next]) {
        placeholder.replaceAllUsesWith(value);
        placeholders.erase(placeholder.getDefiningOp());
        placeholder.getDefiningOp()->destroy();
      }
      all[next++] = value;
    }
    return success();
  }

  LogicalResult readOperand(Value &value) {
    uint64_t index = 0;
    if (failed(stream().readIndex(index, numbers.back().size(), "value")))
      return failure();
    value = numbers.back()[index];
    if (value)
      return success();
    // Defined later: an operation whose result stands for it until then.
    OperationState state(UnknownLoc::get(context), "builtin.unrealized_conversion_cast");
    state.addTypes(NoneType::get(context));
    Operation *placeholder = Operation::create(state);
    placeholders.insert(placeholder);
    value = numbers.back()[index] = placeholder->getResult(0);
    return success();
  }

  LogicalResult readOperation() {
    uint64_t index = 0;
    uint8_t mask = 0;
    LocationAttr location;
    if (failed(stream().readIndex(index, file.operations.size(), "operation")) ||
        failed(stream().readByte(mask)) || failed(readAttribute(location)))
      return failure();
    const BytecodeOperation &operation = file.operations[index];
    OperationState state(location, operation.name);
    uint64_t regionCount = 0;
    bool isIsolated = false;
    if (failed(readAttributes(mask, operation, state)) || failed(readTypesAndOperands(mask, state)) ||
        ((mask & Mask::kHasInlineRegions) && (failed(stream().readFlagged(regionCount, isIsolated)) ||
                                              failed(stream().checkCount(regionCount, "regions")))))
      return failure();
    for (uint64_t i = 0; i < regionCount; ++i)
      state.addRegion();
    const Attribute properties = std::exchange(state.propertiesAttr, {});
    Operation *op = Operation::create(state);
    OpenRegions &regions = open.back();
    regions.blocks[regions.block]->push_back(op);
    if (properties &&
        failed(op->setPropertiesFromAttribute(properties, [&] { return stream().emitError(); })))
      return failure();
    if (failed(define(op->getResults())))
      return failure();
    return regionCount != 0 ? openRegions(op, isIsolated) : success();
  }

  LogicalResult readAttributes(uint8_t mask, const BytecodeOperation &operation, OperationState &state) {
    DictionaryAttr attributes;
    if ((mask & Mask::kHasAttrs) && failed(readAttribute(attributes)))
      return failure();
    if (attributes)
      state.attributes = attributes;
    if (!(mask & Mask::kHasProperties))
      return success();
    if (!operation.wasRegistered)
      return stream().emitError() << "an operation has properties, which version " << file.version
                                  << " does not know";
    if (!*operation.wasRegistered)
      return values.readAttribute(stream(), state.propertiesAttr);
    uint64_t index = 0;
    if (failed(stream().readIndex(index, file.properties.size(), "properties")))
      return failure();
    return values.readProperties(file.properties[index], state);
  }

  LogicalResult readTypesAndOperands(uint8_t mask, OperationState &state) {
    uint64_t count = 0;
    if ((mask & Mask::kHasResults) && failed(stream().readCount(count, "results")))
      return failure();
    for (; count > 0; --count)
      if (failed(values.readType(stream(), state.types.emplace_back())))
        return failure();
    if ((mask & Mask::kHasOperands) && failed(stream().readCount(count, "operands")))
      return failure();
    for (; count > 0; --count)
      if (failed(readOperand(state.operands.emplace_back())))
        return failure();
    const ArrayRef<Block *> blocks = open.back().blocks;
    if ((mask & Mask::kHasSuccessors) && failed(stream().readCount(count, "successors")))
      return failure();
    for (; count > 0; --count) {
      uint64_t index = 0;
      if (failed(stream().readIndex(index, blocks.size(), "block")))
        return failure();
      state.addSuccessors(blocks[index]);
    }
    if (file.version >= bytecode::kUseListOrdering && (mask & Mask::kHasUseListOrders))
      return skipUseOrders(static_cast<unsigned>(state.types.size()));
    return success();
  }

  LogicalResult openRegions(Operation *op, bool isIsolated) {
    if (open.size() > maximumNesting)
      return stream().emitError() << "regions nest deeper than " << maximumNesting << " levels";
    OpenRegions regions;
    regions.left = op->getRegions();
    regions.isIsolated = isIsolated;
    if (isIsolated && file.version >= bytecode::kLazyLoading) {
      uint8_t id = 0;
      ArrayRef<uint8_t> bytes;
      if (failed(stream().readSection(id, bytes)))
        return failure();
      if (id != bytecode::Section::kIR)
        return stream().emitError() << "section " << unsigned{id} << " where regions are expected";
      regions.isSection = true;
      streams.push_back(stream().at(bytes));
    }
    if (isIsolated)
      numbers.emplace_back();
    open.push_back(std::move(regions));
    return success();
  }

  const BytecodeFile &file;
  MLIRContext *context;
  BytecodeValues values;
  SmallVector<OpenRegions> open;
  std::vector<Values> numbers;
  std::vector<ByteStream> streams;
  llvm::SmallPtrSet<Operation *, 4> placeholders;
};

} // namespace

OwningOpRef<ModuleOp> mlir::stablehlo::readBytecode(MLIRContext &context, StringRef bytecode,
                                                    StringRef name) {
  BytecodeFile file(bytecode, FileLineColLoc::get(&context, name, 1, 1));
  if (failed(file.read()))
    return {};
  return ModuleReader(file).read();
}
