// opencl_programs.hpp: what drivers have built of OpenCL C: each kernel once, those of several plans
// together.
//
// A driver takes long to begin (PoCL 0.1 s for a program, 0.03 to 0.1 s more for each kernel), so what is
// missing of all plans that are asked for at the same time is built as one program. A kernel is known by its
// text and by what it is built with, for as long as an executable uses the program it is in.
//
// Device binaries of other drivers are kept in the file cache; PoCL keeps its own, and asking it for a binary
// would compile every kernel twice.
//
// Threads: any; builds take turns.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>
#include <wherry/device/cpu_device.hpp>
#include <wherry/device/queue_device.hpp>
#include <wherry/exec/file_cache.hpp>
#include <wherry/exec/opencl_build.hpp>
#include <wherry/exec/opencl_source.hpp>
#include <wherry/exec/plan.hpp>

namespace wherry {

/// Where OpenCL C runs: a queue device, or the `basic` device behind `cpu:k`.
struct opencl_place {
  cl_context context = nullptr;
  cl_device_id device = nullptr;
  queue_device* queues = nullptr;  // null: `basic`, synchronous
  std::string platform;

  /// Throws unimplemented if no OpenCL device is behind `d`.
  static opencl_place of(device_core& d) {
    opencl_place p;
    p.platform = d.description().platform;
    if (auto* q = dynamic_cast<queue_device*>(&d)) {
      p.context = q->context();
      p.device = q->cl_device();
      p.queues = q;
      return p;
    }
    auto* c = dynamic_cast<cpu_device*>(&d);
    if (!c || !c->context()) {
      throw error(absl::StatusCode::kUnimplemented, "codegen opencl: no OpenCL device behind " + d.name() +
                                                        " (carrier " + d.description().carrier + ")");
    }
    p.context = c->context();
    p.device = c->cl_device();
    return p;
  }
  std::string key() const {
    return platform + '\0' + detail::cl_text(device, CL_DEVICE_NAME) + '\0' +
           detail::cl_text(device, CL_DRIVER_VERSION);
  }
};

/// A program that a driver has built.
using opencl_program = std::shared_ptr<const cl_handle<cl_program>>;

class opencl_programs {
 public:
  /// The kernels of one plan: the program each is in, in the order of `plan::kernels`, or why not.
  struct built {
    std::vector<opencl_program> kernels;
    failure problem;
  };

  /// Builds what `plans` need, for one device. The failure of one plan's code (invalid_argument with the
  /// driver's log) leaves the others' alone.
  std::vector<built> build(const opencl_place& place, std::span<const plan* const> plans,
                           const file_cache& cache) {
    std::lock_guard lock(mutex_);
    std::vector<request> requests;
    requests.reserve(plans.size());
    for (const plan* p : plans) requests.push_back(request_of(place, *p));
    builder together(*this, place, cache);
    for (const request& r : requests) together.add(r);
    together.run();
    std::vector<built> results;
    for (request& r : requests) {
      failure problem = r.problem;
      if (!problem && !find_all(place, r)) {
        // One of those it was built with is wrong, or this one is.
        builder alone(*this, place, cache);
        alone.add(r);
        problem = alone.run();
        if (!problem && !find_all(place, r))
          problem = make_failure(absl::StatusCode::kInternal, r.of->name + ": its kernels were not built");
      }
      results.push_back({problem ? std::vector<opencl_program>{} : std::move(r.found), problem});
    }
    return results;
  }

  /// Returns the built program of `source`; `who` is for messages, `extra` options are for the driver. Throws
  /// invalid_argument with the driver's log.
  static cl_handle<cl_program> compile(const opencl_place& place, const std::string& source,
                                       const std::string& who, const std::string& extra,
                                       const file_cache& cache) {
    cl_device_fp_config config = 0;
    (void)clGetDeviceInfo(place.device, CL_DEVICE_SINGLE_FP_CONFIG, sizeof config, &config, nullptr);
    std::string options(opencl_options((config & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0));
    if (!extra.empty()) options += " " + extra;
    const std::string key = "opencl" + std::string(1, '\0') + place.key() + '\0' + options + '\0' + source;
    const bool keeps_binaries = place.platform != "Portable Computing Language" && cache.is_enabled();
    cl_int code = CL_SUCCESS;
    const auto build = [&](const cl_handle<cl_program>& program) {
      return clBuildProgram(program.get(), 1, &place.device, options.c_str(), nullptr, nullptr);
    };
    if (keeps_binaries) {
      if (const auto stored = cache.find(key)) {
        const auto* bytes = reinterpret_cast<const unsigned char*>(stored->data());
        const std::size_t size = stored->size();
        cl_handle<cl_program> program(
            clCreateProgramWithBinary(place.context, 1, &place.device, &size, &bytes, nullptr, &code));
        if (code == CL_SUCCESS && build(program) == CL_SUCCESS) return program;
      }
    }
    const char* text = source.c_str();
    const std::size_t length = source.size();
    cl_handle<cl_program> program(clCreateProgramWithSource(place.context, 1, &text, &length, &code));
    cl_check(code, "clCreateProgramWithSource");
    if (const cl_int result = build(program); result != CL_SUCCESS) {
      std::size_t size = 0;
      (void)clGetProgramBuildInfo(program.get(), place.device, CL_PROGRAM_BUILD_LOG, 0, nullptr, &size);
      std::string log(size, '\0');
      (void)clGetProgramBuildInfo(program.get(), place.device, CL_PROGRAM_BUILD_LOG, size, log.data(),
                                  nullptr);
      cl_check(result, "clBuildProgram", who + ":\n" + log);
    }
    if (!keeps_binaries) return program;
    std::size_t size = 0;
    if (clGetProgramInfo(program.get(), CL_PROGRAM_BINARY_SIZES, sizeof size, &size, nullptr) != CL_SUCCESS ||
        size == 0)
      return program;
    std::vector<std::byte> binary(size);
    auto* bytes = reinterpret_cast<unsigned char*>(binary.data());
    if (clGetProgramInfo(program.get(), CL_PROGRAM_BINARIES, sizeof bytes, &bytes, nullptr) == CL_SUCCESS)
      cache.store(key, binary);
    return program;
  }

 private:
  // What is built or not as a whole: one kernel, or all of a source whose parts are not known.
  struct piece {
    std::string_view name;  // empty: a whole source
    std::string_view text;
  };
  struct request {
    const plan* of = nullptr;
    failure problem;  // nothing of it is built
    std::optional<opencl_parts> parts;
    std::string common;  // what every kernel is built with: directives and functions
    std::vector<piece> pieces;
    std::vector<opencl_program> found;
  };
  static constexpr std::size_t kernels_together = 64;  // PoCL takes 0.1 ms more for each per kernel

  static request request_of(const opencl_place& place, const plan& p) {
    request r;
    r.of = &p;
    r.problem = why_not(place, p);
    if (r.problem) return r;
    r.parts = split_opencl(p.opencl_source);
    if (r.parts) {
      for (const std::string_view line : r.parts->directives) r.common += line;
      for (const opencl_definition& d : r.parts->definitions) {
        if (!d.is_kernel) r.common += d.text;
      }
    }
    for (const kernel& k : p.kernels) {
      const opencl_definition* own = nullptr;
      if (r.parts) {
        for (const opencl_definition& d : r.parts->definitions) {
          if (d.is_kernel && d.name == k.name) own = &d;
        }
      }
      if (!own) {
        // The driver says what is wrong with it.
        r.parts.reset();
        r.pieces.assign(p.kernels.size(), {{}, p.opencl_source});
        break;
      }
      r.pieces.push_back({own->name, own->text});
    }
    return r;
  }

  /// Why the device cannot run `p`, if that shows before anything is built.
  static failure why_not(const opencl_place& place, const plan& p) {
    for (const kernel& k : p.kernels) {
      if (k.from == kernel::origin::opencl) continue;
      return make_failure(absl::StatusCode::kFailedPrecondition,
                          p.name + ": kernel '" + k.name + "' is native; an OpenCL executable cannot run it");
    }
    cl_device_fp_config fp64 = 0;
    (void)clGetDeviceInfo(place.device, CL_DEVICE_DOUBLE_FP_CONFIG, sizeof fp64, &fp64, nullptr);
    if (p.features.empty() || (p.features == "fp64" && fp64 != 0)) return nullptr;
    return make_failure(absl::StatusCode::kFailedPrecondition,
                        p.name + ": the code needs " + p.features + ", " +
                            detail::cl_text(place.device, CL_DEVICE_NAME) + " has " +
                            (fp64 != 0 ? "fp64" : "no such feature"),
                        reason::unsupported);
  }

  static std::string key_of(const opencl_place& place, const request& r, const piece& what) {
    std::string key(reinterpret_cast<const char*>(&place.context), sizeof place.context);
    key.append(reinterpret_cast<const char*>(&place.device), sizeof place.device);
    return key + r.common + '\0' + std::string(what.text);
  }

  bool find_all(const opencl_place& place, request& r) {
    r.found.clear();
    for (const piece& what : r.pieces) {
      const auto known = programs_.find(key_of(place, r, what));
      opencl_program ready = known == programs_.end() ? nullptr : known->second.lock();
      if (!ready) return false;
      r.found.push_back(std::move(ready));
    }
    return true;
  }

  /// Collects what is missing, in programs of a limited size in which every name is one function.
  class builder {
   public:
    builder(opencl_programs& all, const opencl_place& place, const file_cache& cache)
        : all_(all), place_(place), cache_(cache) {}

    void add(const request& r) {
      for (const piece& what : r.pieces) {
        std::string key = key_of(place_, r, what);
        const auto known = all_.programs_.find(key);
        if (known != all_.programs_.end()) {
          if (opencl_program alive = known->second.lock()) {
            alive_.push_back(std::move(alive));  // until the plans have taken it
            continue;
          }
        }
        if (!asked_.insert(key).second) continue;
        if (groups_.empty() || !groups_.back().takes(r, what)) groups_.emplace_back();
        groups_.back().take(r, what, std::move(key));
      }
    }

    /// Builds all; returns the first failure.
    failure run() {
      failure first;
      for (const group& g : groups_) {
        try {
          auto made = std::make_shared<const cl_handle<cl_program>>(
              all_.compile(place_, g.text(), g.who, {}, cache_));
          for (const std::string& key : g.keys) all_.programs_[key] = made;
          alive_.push_back(std::move(made));
        } catch (...) {
          if (!first) first = as_failure(std::current_exception());
        }
      }
      all_.forget_unused();
      return first;
    }

   private:
    struct group {
      std::vector<std::string> keys;
      std::string who;  // the first program's name, for messages
      std::set<std::string_view> directives;
      std::map<std::string_view, std::string_view> functions;  // by name, kernels included
      std::string head, body;
      bool is_closed = false;

      bool takes(const request& r, const piece& what) const {
        if (is_closed || !r.parts || keys.size() >= kernels_together) return false;
        for (const opencl_definition& d : r.parts->definitions) {
          if (!d.is_kernel && !fits(d.name, d.text)) return false;
        }
        return fits(what.name, what.text);
      }
      bool fits(std::string_view name, std::string_view text) const {
        const auto known = functions.find(name);
        return known == functions.end() || known->second == text;
      }
      void take(const request& r, const piece& what, std::string key) {
        keys.push_back(std::move(key));
        if (who.empty()) who = r.of->name;
        if (!r.parts) {
          body = what.text;
          is_closed = true;
          return;
        }
        for (const std::string_view line : r.parts->directives) {
          if (directives.insert(line).second) head += line;
        }
        for (const opencl_definition& d : r.parts->definitions) {
          if (!d.is_kernel && functions.emplace(d.name, d.text).second) (body += '\n') += d.text;
        }
        if (functions.emplace(what.name, what.text).second) (body += '\n') += what.text;
      }
      std::string text() const { return head + body; }
    };

    opencl_programs& all_;
    const opencl_place& place_;
    const file_cache& cache_;
    std::set<std::string> asked_;
    std::vector<group> groups_;
    std::vector<opencl_program> alive_;
  };

  /// Drops the entries of programs that nobody uses, each time the table has doubled.
  void forget_unused() {
    if (programs_.size() < sweep_at_) return;
    std::erase_if(programs_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = std::max<std::size_t>(256, 2 * programs_.size());
  }

  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const cl_handle<cl_program>>> programs_;  // guarded by mutex_
  std::size_t sweep_at_ = 256;                                                  // guarded by mutex_
};

}  // namespace wherry
