// client_compile.hpp: how a client turns programs into executables; the definitions behind `client::compile`.
//
// A program is compiled once however many threads ask for it at the same time. Plans are found in memory
// while an executable uses them, then in the cache on disk, and are made by the compiler otherwise; an
// artifact is a plan already.
//
// Threads: any but a loop's.
#pragma once

#include <wherry/client.hpp>

namespace wherry {

inline std::shared_ptr<const plan> client::core::plan_of(const program& source, const target& t,
                                                         const compile_options& options) {
  compiler* c = compiler::installed();
  std::string key = std::string(c ? c->revision() : "") + '\0' + t.key + '\0' + t.cpu + '\0' +
                    std::to_string(static_cast<int>(t.exit)) + '\0' + source.function() + '\0';
  for (const known_argument& k : options.arguments)
    key += to_string(k.type) + (k.value ? "=" + std::to_string(*k.value) : std::string()) + ";";
  key += '\0' + std::string(source.text());
  std::promise<std::shared_ptr<const plan>> mine;
  std::shared_future<std::shared_ptr<const plan>> theirs;
  {
    std::lock_guard lock(mutex);
    auto& known = compilations[key];
    if (auto made = known.made.lock()) return made;
    theirs = known.running;
    if (!theirs.valid()) known.running = mine.get_future().share();
  }
  if (theirs.valid()) return theirs.get();
  try {
    std::shared_ptr<const plan> made;
    if (options.cache) {
      if (const auto stored = cache.find(key)) {
        try {
          made = std::make_shared<const plan>(read_plan(*stored));
        } catch (const error&) {
          made = nullptr;  // written by another version: compile again
        }
      }
    }
    if (!made) {
      if (!c) {
        throw error(
            absl::StatusCode::kUnimplemented,
            source.name() + ": no compiler for source programs: link wherry::compiler or load an artifact");
      }
      made = std::make_shared<const plan>(
          c->compile({source.text(), source.name(), source.function(), t, options.arguments}));
      if (options.cache) cache.store(key, write_plan(*made));
    }
    {
      std::lock_guard lock(mutex);
      compilations[key] = {{}, made};
    }
    mine.set_value(made);
    return made;
  } catch (...) {
    {
      std::lock_guard lock(mutex);
      compilations.erase(key);
    }
    mine.set_exception(std::current_exception());
    throw;
  }
}

/// "native" or "opencl": as the options say, else the artifact, the environment, the device.
inline std::string client::core::codegen_for(const compile_options& options, device_core& d,
                                             const plan* artifact) {
  std::string codegen = options.codegen;
  if (codegen.empty() && d.is_host() && artifact)
    codegen = artifact->opencl_source.empty() ? "native" : "opencl";
  if (codegen.empty() && d.is_host()) {
    const char* set = std::getenv("WHERRY_CODEGEN");
    codegen = set && *set ? set : "native";
  }
  if (codegen.empty()) codegen = "opencl";
  if (codegen != "native" && codegen != "opencl") {
    throw error(absl::StatusCode::kInvalidArgument, "codegen '" + codegen + "': expected native or opencl");
  }
  if (codegen == "native" && !d.is_host()) {
    throw error(absl::StatusCode::kInvalidArgument,
                "codegen native on " + d.name() + ": native code runs on cpu devices only");
  }
  return codegen;
}

inline target client::core::target_for(const compile_options& options, device_core& d,
                                       const std::string& codegen) {
  target t;
  t.cpu = options.cpu;
  if (codegen == "native") return t;
  t.exit = target::codegen::opencl;
  t.fp64 = d.description().fp64;
  t.fp16 = d.description().fp16;
  t.gpu = d.description().gpu;
  t.key = opencl_place::of(d).key();
  return t;
}

inline executable client::compile(const program& source, const compile_options& options) const {
  ref<executable_core> made = core::compile(core_, source, options, ref<device_core>(&place(options.device)));
  if (source.text().substr(0, 8) != std::string_view(detail::plan_magic, 8)) {
    const compile_source from{source, target_for(options), options.arguments};
    made->set_source(std::make_shared<const compile_source>(from));
  }
  return executable(std::move(made));
}

inline ref<executable_core> client::core::compile(const std::shared_ptr<core>& self, const program& source,
                                                  const compile_options& options, ref<device_core> where) {
  const scheduler* here = scheduler::current();
  if (here && here->what() == scheduler::kind::loop) {
    throw error(absl::StatusCode::kFailedPrecondition,
                "compile: takes long, and a loop's thread must not wait: use compile_async",
                reason::deadlock_would_occur);
  }
  device_core& d = *where;
  std::shared_ptr<const plan> made;
  if (source.text().substr(0, 8) == std::string_view(detail::plan_magic, 8)) {
    try {
      made = std::make_shared<const plan>(read_plan(std::as_bytes(std::span(source.text()))));
    } catch (const error& e) {
      throw error(e.code(), source.name() + ": " + e.what(), e.reason());
    }
  }
  const std::string codegen = codegen_for(options, d, made.get());
  const bool native = codegen == "native";
  if (made && !made->kernels.empty() && native != made->opencl_source.empty()) {
    const std::string holds =
        made->opencl_source.empty() ? "native code for cpu devices (" + made->cpu_features + ")" : "OpenCL C";
    throw error(absl::StatusCode::kFailedPrecondition, source.name() + ": the artifact holds " + holds +
                                                           "; " + d.name() + " was asked to run " +
                                                           (native ? "native code" : "OpenCL C"));
  }
  if (made && made->open) {
    throw error(absl::StatusCode::kFailedPrecondition,
                source.name() + ": the artifact leaves sizes open, and nothing is here to compile them");
  }
  if (!made) made = self->plan_of(source, target_for(options, d, codegen), options);
  if (made->open) {
    const auto again = [client = std::weak_ptr<core>(self), source, options,
                        where](const std::vector<known_argument>& arguments) {
      const std::shared_ptr<core> alive = client.lock();
      if (!alive)
        throw error(absl::StatusCode::kFailedPrecondition, "compile: the client has been closed",
                    reason::client_closed);
      compile_options special = options;
      special.arguments = arguments;
      return compile(alive, source, special, where);
    };
    return ref<executable_core>(new open_executable(std::move(made), std::move(where), again));
  }
  if (native) return ref<executable_core>(new native_executable(std::move(made), std::move(where)));
  return ref<executable_core>(new opencl_executable(std::move(made), std::move(where), opencl_place::of(d),
                                                    options.cache ? self->cache : file_cache("")));
}

inline task<executable> client::compile_async(program source, compile_options options) const {
  scheduler* home = scheduler::current();
  co_await move_to(worker_pool::instance().as_scheduler());
  std::optional<executable> made;
  failure problem;
  try {
    made.emplace(compile(source, options));
  } catch (...) {
    problem = as_failure(std::current_exception());
  }
  if (home) co_await move_to(*home);
  if (problem) raise(problem);
  co_return std::move(*made);
}

}  // namespace wherry
