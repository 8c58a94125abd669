// native_executable.hpp: executables on `cpu:k`: a plan walked on host memory, carried as one OpenCL command.
//
// A run of a plan with an arena takes one block of the device's memory for it, and gives it back when it has
// finished.
//
// Threads: any; constant after construction.
#pragma once

#include <wherry/device/cpu_device.hpp>
#include <wherry/exec/executable.hpp>
#include <wherry/exec/native_code.hpp>
#include <wherry/exec/plan_run.hpp>

namespace wherry {

class native_executable final : public executable_core {
 public:
  /// Throws failed_precondition if the image needs another CPU, or a prebuilt kernel is not linked in;
  /// not_found if the target of a custom call is not registered.
  native_executable(std::shared_ptr<const plan> p, ref<device_core> where)
      : executable_core(p, std::move(where)), native_(p) {}

  ref<request> new_run(const run_arguments& a) override {
    return make_ref<run>(ref<native_executable>(this), a);
  }

 private:
  class run final : public plan_run {
   public:
    run(ref<native_executable> e, const run_arguments& a) : plan_run(*e, a), code_(std::move(e)) {
      for (const storage* m : a.inputs) inputs_.push_back(static_cast<std::byte*>(m->host()));
      for (const storage* m : a.outputs) outputs_.push_back(static_cast<std::byte*>(m->host()));
    }

   protected:
    started start(failure& outcome) noexcept override {
      if (const std::size_t bytes = code_->native_.scratch_bytes(); bytes != 0) {
        scratch_ = pool().allocate(bytes);
        if (!scratch_) {
          outcome = make_failure(absl::StatusCode::kResourceExhausted,
                                 "out of memory for an arena of " + std::to_string(bytes) + " bytes",
                                 reason::out_of_memory);
          return started::finished;
        }
      }
      outcome = cpu_device::carrier_of(*where()).run(
          [](void* self) noexcept { static_cast<run*>(self)->walk(); }, this);
      if (!outcome) outcome = std::move(failed_);
      if (checks_numerics() && !outcome)
        outcome = check_outputs([this](std::size_t k) { return outputs_[k]; });
      return started::finished;
    }
    void cleanup() noexcept override {
      if (scratch_) pool().deallocate(scratch_, code_->native_.scratch_bytes());
      scratch_ = nullptr;
    }

   private:
    host_pool& pool() const noexcept { return static_cast<cpu_device&>(code_->where()).pool(); }
    void walk() noexcept {
      failed_ = code_->native_.walk(scratch_, {inputs_.data(), inputs_.size()},
                                    {outputs_.data(), outputs_.size()}, {kernel_recorder(), id()});
    }

    ref<native_executable> code_;
    absl::InlinedVector<std::byte*, 4> inputs_;
    absl::InlinedVector<std::byte*, 4> outputs_;
    void* scratch_ = nullptr;
    failure failed_;
  };

  // constant after construction
  native_code native_;
};

}  // namespace wherry
