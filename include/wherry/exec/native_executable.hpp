// native_executable.hpp: executables on `cpu:k`: a plan walked on host memory, carried as one OpenCL command.
//
// Loading resolves every kernel once: entries of the plan's image, and prebuilt kernels by name. A run takes
// one block of memory, the plan's arena with the table of slots in front of it, and gives it back
// when it has finished.
//
// Threads: any; constant after construction.
#pragma once

#include <wherry/device/cpu_device.hpp>
#include <wherry/exec/executable.hpp>
#include <wherry/exec/image.hpp>
#include <wherry/exec/kernel_registry.hpp>
#include <wherry/exec/native_walker.hpp>

namespace wherry {

class native_executable final : public executable_core {
 public:
  /// Throws failed_precondition if the image needs another CPU, or a prebuilt kernel is not linked in.
  native_executable(std::shared_ptr<const plan> p, ref<device_core> where)
      : executable_core(p, std::move(where)), constants_(p->constants.size()) {
    if (!p->constants.empty()) std::memcpy(constants_.data(), p->constants.data(), p->constants.size());
    if (!p->image.empty()) image_.emplace(*p);
    for (const kernel& k : p->kernels) kernels_.push_back(resolve(k));
    table_bytes_ = (p->slots.size() * sizeof(void*) + 63) / 64 * 64;
  }

  ref<request> new_run(std::span<const ref<storage>> inputs, std::span<const ref<storage>> outputs) override {
    return ref<request>(new run(ref<native_executable>(this), inputs, outputs));
  }

 private:
  class run final : public request {
   public:
    run(ref<native_executable> e, std::span<const ref<storage>> inputs, std::span<const ref<storage>> outputs)
        : code_(std::move(e)) {
      for (const auto& m : inputs) inputs_.push_back(static_cast<std::byte*>(m->host()));
      for (const auto& m : outputs) outputs_.push_back(static_cast<std::byte*>(m->host()));
      for (const auto& m : outputs) add_use(m, true);
      for (const auto& m : inputs) {
        if (std::find(outputs.begin(), outputs.end(), m) == outputs.end()) add_use(m, false);
      }
    }
    std::string describe() const override { return "execution of " + code_->code().name; }

   protected:
    started start(failure& outcome) noexcept override {
      auto& device = static_cast<cpu_device&>(code_->where());
      bytes_ = code_->table_bytes_ + code_->code().arena_bytes;
      block_ = device.pool().allocate(bytes_);
      if (!block_) {
        outcome = make_failure(absl::StatusCode::kResourceExhausted,
                               describe() + ": out of memory for an arena of " + std::to_string(bytes_) + " bytes",
                               reason::out_of_memory, id());
        return started::finished;
      }
      outcome = cpu_device::carrier_of(*where()).run([](void* self) noexcept { static_cast<run*>(self)->walk(); }, this);
      return started::finished;
    }
    void cleanup() noexcept override {
      if (block_) static_cast<cpu_device&>(code_->where()).pool().deallocate(block_, bytes_);
      block_ = nullptr;
    }

   private:
    void walk() noexcept {
      const plan& p = code_->code();
      void** table = static_cast<void**>(block_);
      std::byte* arena = static_cast<std::byte*>(block_) + code_->table_bytes_;
      for (std::size_t k = 0; k < p.slots.size(); ++k) {
        const slot& s = p.slots[k];
        std::byte* base = arena;
        switch (s.where) {
          case slot::region::input:
            base = inputs_[s.index];
            break;
          case slot::region::output:
            base = outputs_[s.index];
            break;
          case slot::region::constant:
            base = code_->constants_.data();
            break;
          case slot::region::arena:
            break;
        }
        table[k] = base + s.offset;
      }
      native_walker(p, code_->kernels_.data(), table).run();
    }

    ref<native_executable> code_;
    absl::InlinedVector<std::byte*, 4> inputs_;
    absl::InlinedVector<std::byte*, 4> outputs_;
    void* block_ = nullptr;
    std::size_t bytes_ = 0;
  };

  native_kernel resolve(const kernel& k) const {
    if (k.from == kernel::origin::image) return image_.value().entry(k.entry);
    if (k.from == kernel::origin::prebuilt) {
      if (const registered_kernel* found = kernel_registry::instance().find(k.name)) return found->native;
      throw error(absl::StatusCode::kFailedPrecondition,
                  code().name + ": prebuilt kernel '" + k.name + "' is not linked in (link wherry::kernels)");
    }
    throw error(absl::StatusCode::kFailedPrecondition,
                code().name + ": kernel '" + k.name + "' is OpenCL C; a native executable cannot run it");
  }

  // constant after construction
  host_block constants_;  // 64-byte aligned, as the plan's offsets assume
  std::optional<image> image_;
  std::vector<native_kernel> kernels_;
  std::size_t table_bytes_ = 0;
};

}  // namespace wherry
