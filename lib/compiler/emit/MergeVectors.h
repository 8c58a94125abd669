// MergeVectors.h: two runs of plain integers merged a vector at a time.
//
// A bitonic network merges two sorted vectors; the lower half is written, the upper half meets the next
// vector of the run whose next element is less (Inoue, Moriyama, Komatsu, Nakatani, "AA-Sort", 2007). Past
// its end a run goes on with the greatest integer. This is not stable, and need not be: equal integers are
// one.
#pragma once

#include "compiler/emit/Emitter.h"

namespace wherry::compile {

class VectorMerger {
 public:
  /// True if `op` sorts integers alone, by themselves.
  static bool handles(mlir::stablehlo::SortOp op);

  /// Sorts and merges what is in `from` into `to`, by vectors of `lanes` lanes, which is at least 2.
  VectorMerger(KernelBuilder& builder, Emitter& emitter, mlir::stablehlo::SortOp op, unsigned lanes,
               mlir::Value from, mlir::Value to);

  /// Sorts positions `start` to `end`, at most `size`, which is at most twice the number of lanes.
  void sort(mlir::Value start, mlir::Value end, int64_t size);

  struct Run {
    mlir::Value next, end;
  };
  struct Part {
    Run first, second;
    mlir::Value out, outEnd;
  };
  /// Writes positions `out` to `outEnd` of every part, by turns: a vector must wait for the one before it,
  /// but not for one of another part. Nothing after position `last` is read.
  void merge(llvm::ArrayRef<Part> parts, mlir::Value last);

 private:
  struct Taken {
    mlir::Value vector, next[2];
  };
  /// The next vector of the run whose next element comes first.
  Taken take(const Run& first, const Run& second, mlir::Value last);
  mlir::Value head(const Run& run, mlir::Value last);
  mlir::Value carefully(const Run& run, mlir::Value last);
  mlir::Value earlier(mlir::Value x, mlir::Value y, bool isEarlier);
  mlir::Value load(const Run& run, mlir::Value last);
  /// Puts every lane and the one at `distance` in order, which is up in every other block of lanes.
  mlir::Value exchanged(mlir::Value x, unsigned distance, unsigned block);
  mlir::Value cleaned(mlir::Value x);  // sorts a bitonic vector
  mlir::Value sorted(mlir::Value x);
  std::pair<mlir::Value, mlir::Value> merged(mlir::Value x, mlir::Value y);  // of sorted vectors
  void store(mlir::Value vector, mlir::Value out, mlir::Value outEnd);
  Index at(mlir::Value position, int64_t step) const;

  KernelBuilder& b_;
  Emitter& emitter_;
  const Element element_;
  const bool descending_;
  const unsigned lanes_;
  mlir::Value from_, to_;
  mlir::Value rest_;  // a vector of which a part is written
};

}  // namespace wherry::compile
