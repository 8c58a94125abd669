// SlotTable.h: the memory of a plan while it is being made: slots, constants, and who lives when in the
// arena.
//
// Time is the number of steps written so far, over all blocks. A value in the arena lives from the first to
// the last step that touches it; a loop's body runs again and again, so whatever was there before a loop
// and is touched inside lives to its end.
#pragma once

#include <string>
#include <wherry/exec/plan.hpp>

#include "compiler/Arena.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace wherry::compile {

class SlotTable {
 public:
  explicit SlotTable(plan& result) : result(result) {}

  unsigned input(unsigned index, uint64_t bytes) { return add({slot::region::input, index, 0, bytes}); }
  unsigned output(unsigned index, uint64_t bytes) { return add({slot::region::output, index, 0, bytes}); }

  /// Returns a new range of the arena; its offset is known after `finish`.
  unsigned arena(uint64_t bytes);

  /// Returns `bytes` bytes of arena slot `base` from `offset` on; they live and die with it.
  unsigned part(unsigned base, uint64_t offset, uint64_t bytes);

  /// Returns the slot of these bytes, one for equal bytes.
  unsigned constant(llvm::StringRef bytes);

  /// Notes that the step being written uses `slot`.
  void touch(unsigned slot);

  int64_t now() const { return time; }
  void advance() { ++time; }

  /// Lengthens what lived before step `start` and was touched since to the present.
  void closeLoop(int64_t start);

  /// Gives every slot of the arena its offset.
  void finish();

 private:
  unsigned add(const slot& entry);

  plan& result;
  int64_t time = 0;
  std::vector<Lifetime> lifetimes;
  llvm::DenseMap<unsigned, unsigned> lifetimeOf;  // by slot
  llvm::StringMap<unsigned> constants;
};

/// Returns the elements of a constant as they lie in memory: one byte a boolean or narrow integer,
/// little endian, interleaved complex parts. Fails for values that are not plain numbers.
mlir::FailureOr<std::string> bytesOfConstant(mlir::Attribute value);

}  // namespace wherry::compile
