// client_kernels.hpp: kernels by name as executables; the definitions behind `client::kernel`.
//
// Threads: any; on a loop's thread only what was compiled before.
#pragma once

#include <wherry/client.hpp>
#include <wherry/exec/bound_executable.hpp>
#include <wherry/exec/target_kernel.hpp>

namespace wherry {

inline std::vector<kernel_signature> client::kernels() const {
  std::vector<kernel_signature> all;
  for (const kernel_signature* k : named_kernels::instance().all()) all.push_back(*k);
  for (const std::string& name : kernel_registry::instance().target_names()) {
    if (named_kernels::instance().find(name)) continue;
    if (const auto k = find_target_kernel(name)) all.push_back(k->signature());
  }
  return all;
}

inline executable client::kernel(std::string_view name, std::span<const tensor_type> inputs,
                                 const kernel_parameters& parameters, const compile_options& options) const {
  const named_kernel* source = named_kernels::instance().find(name);
  const std::unique_ptr<target_kernel> target = source ? nullptr : find_target_kernel(name);
  if (!source) source = target ? target.get() : &named_kernels::instance().at(name);
  device_core& where = place(options.device);
  compile_options how = options;
  // Native code knows no kernels in OpenCL C.
  if (target && how.codegen.empty() && where.is_host()) how.codegen = "opencl";

  const kernel_call call(source->signature(), inputs, parameters,
                         where.is_host() || where.description().fp64);
  std::string key = std::string(name) + '\0' + where.name() + '\0' + how.codegen + '\0' + how.cpu + '\0';
  for (const tensor_type& type : inputs) key += to_string(type) + ";";
  key += call.written_in();

  std::optional<kernel_cache::entry> found = core_->kernels.find(key);
  if (found && target && found->source != target->kernel()) found = std::nullopt;
  if (!found) {
    const kernel_program program = source->write(call);
    const scheduler* here = scheduler::current();
    if (here && here->what() == scheduler::kind::loop) {
      throw error(absl::StatusCode::kFailedPrecondition,
                  std::string(name) +
                      ": compiling takes long, and a loop's thread must not wait: use kernel_async first",
                  reason::deadlock_would_occur);
    }
    found = kernel_cache::entry{compile(program::from_text(program.text, std::string(name)), how),
                                program.operands};
    if (target) found->source = target->kernel();
  } else if (found->last && found->last_values == source->operands(call)) {
    return *found->last;
  }
  found->last_values = source->operands(call);
  found->last = found->program;
  if (!found->last_values.empty()) {
    const shape dims{static_cast<std::int64_t>(found->last_values.size())};
    const wherry::device there{ref<device_core>(&where)};
    const std::vector<float> narrow(found->last_values.begin(), found->last_values.end());
    const wherry::buffer operands = found->operands == dtype::f64
                                        ? buffer(found->last_values, dims, host_memory_use::copy, there)
                                        : buffer(narrow, dims, host_memory_use::copy, there);
    found->last = executable(ref<executable_core>(new bound_executable(found->program, operands)));
  }
  core_->kernels.keep(key, *found);
  return *found->last;
}

inline task<executable> client::kernel_async(std::string name, std::vector<tensor_type> inputs,
                                             kernel_parameters parameters, compile_options options) const {
  scheduler* home = scheduler::current();
  co_await move_to(worker_pool::instance().as_scheduler());
  std::optional<executable> made;
  failure problem;
  try {
    made.emplace(kernel(name, inputs, parameters, options));
  } catch (...) {
    problem = as_failure(std::current_exception());
  }
  if (home) co_await move_to(*home);
  if (problem) raise(problem);
  co_return std::move(*made);
}

inline execution client::run_kernel(std::string_view name, std::span<const wherry::buffer> inputs,
                                    const kernel_parameters& parameters,
                                    const execute_options& options) const {
  std::vector<tensor_type> types;
  compile_options where;
  for (const wherry::buffer& input : inputs) {
    if (!input) {
      throw error(
          absl::StatusCode::kInvalidArgument,
          std::string(name) + ": input " + std::to_string(types.size()) + " is an empty buffer handle");
    }
    if (types.empty()) where.device = wherry::device(ref<device_core>(&input.place()));
    types.push_back(input.type());
  }
  return kernel(name, types, parameters, where).call(inputs, options);
}

}  // namespace wherry
