// compiler.hpp: the door between the runtime and a compiler.
//
// The runtime knows a compiler only as this interface: source text and a device description in, a
// plan out. Linking `wherry::compiler` registers one; without it a source program is refused.
//
// Threads: `compile` may be called from several threads at once; registration happens before `main`.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <wherry/exec/plan.hpp>

namespace wherry {

/// What code to make, and for which machine.
struct target {
  enum class codegen : std::uint8_t { native = 0, opencl = 1 };
  codegen exit = codegen::native;
  std::string cpu;      // native: "native", "x86-64-v3" or "x86-64-v4"
  unsigned lanes = 16;  // widest vector of f32 that kernels use
  bool fp64 = true;     // opencl: what the device reports
  bool fp16 = false;
  bool gpu = false;  // opencl: small units of work instead of rows
  std::string key;   // device name, driver version and options: part of every cache key
};

/// An argument that a program of unknown sizes is compiled for.
struct known_argument {
  tensor_type type;
  std::optional<std::int64_t> value;  // of one that is a size itself
};

/// Where a compiler keeps the code of single kernels between programs, by what they compute.
///
/// Threads: any. Keys and code may be any bytes; a key names the same code for ever.
class kernel_store {
 public:
  virtual ~kernel_store() = default;
  virtual std::optional<std::vector<std::byte>> find(std::string_view key) = 0;
  virtual void store(std::string_view key, std::span<const std::byte> code) = 0;
};

struct compile_request {
  std::string_view source;       // StableHLO text, MLIR bytecode or a VHLO portable artifact
  std::string_view source_name;  // for messages: a file name, or "program"
  std::string_view function;     // entry; empty: `main`, else the only public function
  wherry::target target;
  // What to specialise the program for, one for each of its arguments. Empty: it is compiled as it is
  // written, and the plan is open if sizes of its arguments are unknown. A size without a value is taken to
  // be the one for which the shapes agree.
  std::span<const known_argument> arguments = {};
  // Other programs are being compiled at the same time: this one takes one thread.
  bool among_others = false;
  kernel_store* kernels = nullptr;  // null: each kernel is made anew
};

class compiler {
 public:
  virtual ~compiler() = default;

  /// Returns the plan of `request`. Takes as long as it takes. Throws `error` with code
  /// invalid_argument for text that does not parse or verify, and unimplemented for an op or type
  /// that is not supported; the message starts with `file:line:col: error: `.
  virtual plan compile(const compile_request& request) = 0;

  /// Makes `p`, a native plan, independent of the prebuilt kernels that are linked in here: puts copies of
  /// those it uses into its image. They are of the instruction set that `p` names. Returns false, changing
  /// nothing, where the compiler has no such copies.
  virtual bool embed_prebuilt(plan& p) {
    (void)p;
    return false;
  }

  /// Returns a string that changes whenever the same source could give another plan: compiler
  /// revision, LLVM version, host CPU and features. Part of every cache key.
  virtual std::string revision() const = 0;

  /// What `client::attributes` tells of the compiler: names and values for people and scripts.
  virtual std::map<std::string, std::string> attributes() const { return {}; }

  /// Returns one stage of `request` as text for people: `stablehlo` (simplified), `clusters`, `kernels`,
  /// `llvm` or `opencl`; nothing if this compiler shows none. Takes as long as compiling, and throws as
  /// `compile` does.
  virtual std::optional<std::string> stage(const compile_request&, std::string_view) { return std::nullopt; }
  /// Returns the steps, slots and kernels of a plan as text; nothing if this compiler shows none.
  virtual std::optional<std::string> text_of(const plan&) { return std::nullopt; }

  /// Returns the registered compiler, or null when none is linked.
  static compiler* installed() noexcept { return instance(); }
  static void install(compiler* c) noexcept { instance() = c; }

 private:
  static compiler*& instance() noexcept {
    static compiler* c = nullptr;
    return c;
  }
};

}  // namespace wherry
