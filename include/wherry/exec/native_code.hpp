// native_code.hpp: a plan whose kernels are functions of this process, ready to be walked over memory.
//
// Loading resolves every kernel once: entries of the plan's image, and prebuilt kernels by name. A walk takes
// one block of scratch memory from its caller, the plan's arena; in front of it the table of slots, if that
// is too large for the stack.
//
// Threads: any; constant after construction.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>
#include <wherry/device/host_block.hpp>
#include <wherry/exec/image.hpp>
#include <wherry/exec/kernel_registry.hpp>
#include <wherry/exec/native_walker.hpp>

namespace wherry {

class native_code {
 public:
  /// Throws failed_precondition if the image needs another CPU, or a prebuilt kernel is not linked in;
  /// not_found if the target of a custom call is not registered.
  explicit native_code(std::shared_ptr<const plan> p)
      : plan_(std::move(p)), constants_(plan_->constants.size()) {
    if (!plan_->constants.empty())
      std::memcpy(constants_.data(), plan_->constants.data(), plan_->constants.size());
    if (!plan_->image.empty()) image_.emplace(*plan_);
    for (const kernel& k : plan_->kernels) kernels_.push_back(resolve(k));
    calls_ = host_call::find_all(*plan_);
    if (plan_->slots.size() > few_slots) table_bytes_ = (plan_->slots.size() * sizeof(void*) + 63) / 64 * 64;
  }

  /// How much scratch memory a walk needs, 64-byte aligned; 0: none.
  std::size_t scratch_bytes() const noexcept { return table_bytes_ + plan_->arena_bytes; }

  /// Runs the plan over the memory of its inputs and outputs, and records its kernels in `traced`; null, or
  /// why a custom call failed.
  failure walk(void* scratch, std::span<std::byte* const> inputs, std::span<std::byte* const> outputs,
               const kernel_trace& traced) const noexcept {
    void* few[few_slots];
    void** const table = table_bytes_ == 0 ? few : static_cast<void**>(scratch);
    std::byte* arena = static_cast<std::byte*>(scratch) + table_bytes_;
    for (std::size_t k = 0; k < plan_->slots.size(); ++k) {
      const slot& s = plan_->slots[k];
      std::byte* base = arena;
      switch (s.where) {
        case slot::region::input:
          base = inputs[s.index];
          break;
        case slot::region::output:
          base = outputs[s.index];
          break;
        case slot::region::constant:
          base = constants_.data();
          break;
        case slot::region::arena:
          break;
      }
      table[k] = base + s.offset;
    }
    return native_walker(*plan_, kernels_.data(), calls_.data(), table, traced).run();
  }

 private:
  static constexpr std::size_t few_slots = 64;

  native_kernel resolve(const kernel& k) const {
    if (k.from == kernel::origin::image) return image_.value().entry(k.entry);
    if (k.from == kernel::origin::prebuilt) {
      if (const registered_kernel* found = kernel_registry::instance().find(k.name)) return found->native;
      throw error(absl::StatusCode::kFailedPrecondition,
                  plan_->name + ": prebuilt kernel '" + k.name + "' is not linked in (link wherry::kernels)");
    }
    throw error(absl::StatusCode::kFailedPrecondition,
                plan_->name + ": kernel '" + k.name + "' is OpenCL C; a native executable cannot run it");
  }

  // constant after construction
  std::shared_ptr<const plan> plan_;
  host_block constants_;  // 64-byte aligned, as the plan's offsets assume
  std::optional<image> image_;
  std::vector<native_kernel> kernels_;
  std::vector<host_call> calls_;
  std::size_t table_bytes_ = 0;
};

}  // namespace wherry
