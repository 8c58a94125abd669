// PlanText.cpp: a plan for people to read.
#include "compiler/Compiler.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace wherry::compile {
namespace {

const char* nameOf(slot::region region) {
  switch (region) {
    case slot::region::input:
      return "input";
    case slot::region::output:
      return "output";
    case slot::region::arena:
      return "arena";
    case slot::region::constant:
      return "constant";
  }
  return "?";
}

const char* nameOf(kernel::origin origin) {
  switch (origin) {
    case kernel::origin::image:
      return "image";
    case kernel::origin::prebuilt:
      return "prebuilt";
    case kernel::origin::opencl:
      return "opencl";
  }
  return "?";
}

void writeSlot(llvm::raw_ostream& out, const slot& slot) {
  out << nameOf(slot.where);
  if (slot.where == slot::region::input || slot.where == slot::region::output)
    out << slot.index;
  else
    out << "+" << slot.offset;
  out << ":" << slot.bytes;
}

void writeStep(llvm::raw_ostream& out, const plan& plan, const step& step) {
  switch (step.what) {
    case step::kind::launch:
      out << "launch " << plan.kernels[step.kernel].name;
      break;
    case step::kind::copy:
      out << "copy";
      break;
    case step::kind::loop:
      out << "loop";
      break;
    case step::kind::branch:
      out << "branch";
      break;
    case step::kind::call:
      out << "call " << plan.calls[step.kernel].target;
      break;
  }
  for (std::uint32_t index : step.slots) {
    out << " ";
    writeSlot(out, plan.slots[index]);
  }
  if (step.what == step::kind::launch)
    out << " extent " << step.extent << llvm::format(" cost %.0f ns", step.cost_ns);
  if (!step.blocks.empty()) out << " blocks";
  for (std::uint32_t block : step.blocks) out << " " << block;
  if (step.trips >= 0) out << " trips " << step.trips;
}

}  // namespace

std::string textOf(const plan& plan) {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << "plan " << plan.name << "\n";
  out << "code "
      << (plan.anywhere ? "none"
          : plan.opencl ? "opencl"
                        : "native")
      << (plan.features.empty() ? "" : " ") << plan.features << "\n";
  for (size_t i = 0; i < plan.inputs.size(); ++i)
    out << "input " << i << " " << to_string(plan.inputs[i]) << "\n";
  for (size_t i = 0; i < plan.outputs.size(); ++i)
    out << "output " << i << " " << to_string(plan.outputs[i]) << "\n";
  for (const alias& pair : plan.aliases)
    out << "output " << pair.output << " may be input " << pair.input << "\n";
  out << "arena " << plan.arena_bytes << " constants " << plan.constants.size() << " image "
      << plan.image.size() << llvm::format(" cost %.0f ns", plan.cost_ns)
      << (plan.bounded ? "" : " unbounded") << "\n";
  for (const kernel& kernel : plan.kernels)
    out << "kernel " << kernel.name << " " << nameOf(kernel.from) << "\n";
  for (size_t i = 0; i < plan.blocks.size(); ++i) {
    out << "block " << i << "\n";
    for (const step& step : plan.blocks[i]) {
      out << "  ";
      writeStep(out, plan, step);
      out << "\n";
    }
  }
  return text;
}

}  // namespace wherry::compile
