// simulated_executable.hpp: executables on a simulated device: a plan walked when its command ends.
//
// The plan is the native one; the walk happens on the device's loop, after the delay that the device draws.
//
// Threads: any; constant after construction.
#pragma once

#include <wherry/device/simulated_device.hpp>
#include <wherry/exec/executable.hpp>
#include <wherry/exec/native_code.hpp>
#include <wherry/exec/plan_run.hpp>

namespace wherry {

class simulated_executable final : public executable_core {
 public:
  /// Throws failed_precondition if the image needs another CPU, or a prebuilt kernel is not linked in;
  /// not_found if the target of a custom call is not registered.
  simulated_executable(std::shared_ptr<const plan> p, ref<device_core> where)
      : executable_core(p, std::move(where)), native_(p) {}

  ref<request> new_run(const run_arguments& a) override {
    return ref<request>(new run(ref<simulated_executable>(this), a));
  }

 private:
  class run final : public plan_run {
   public:
    run(ref<simulated_executable> e, const run_arguments& a) : plan_run(*e, a), code_(std::move(e)) {
      for (const storage* m : a.inputs) inputs_.push_back(simulated_device::memory_of(*m));
      for (const storage* m : a.outputs) outputs_.push_back(simulated_device::memory_of(*m));
      set_follows_on_device();
    }

   protected:
    started start(failure&) noexcept override {
      auto& device = static_cast<simulated_device&>(code_->where());
      device.enqueue(*this, [](void* self) noexcept { return static_cast<run*>(self)->walk(); }, this);
      return started::in_flight;
    }

   private:
    failure walk() noexcept {
      const std::size_t bytes = code_->native_.scratch_bytes();
      host_pool scratch;
      void* const block = scratch.allocate(bytes);
      if (!block) {
        return make_failure(absl::StatusCode::kResourceExhausted,
                            "out of memory for an arena of " + std::to_string(bytes) + " bytes",
                            reason::out_of_memory);
      }
      failure why = code_->native_.walk(block, {inputs_.data(), inputs_.size()},
                                        {outputs_.data(), outputs_.size()}, {kernel_recorder(), id()});
      scratch.deallocate(block, bytes);
      if (!why && checks_numerics()) why = check_outputs([this](std::size_t k) { return outputs_[k]; });
      return why;
    }

    ref<simulated_executable> code_;
    absl::InlinedVector<std::byte*, 4> inputs_;
    absl::InlinedVector<std::byte*, 4> outputs_;
  };

  // constant after construction
  native_code native_;
};

}  // namespace wherry
