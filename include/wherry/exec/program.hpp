// program.hpp: what is compiled: source text, bytecode or an artifact, with a name for messages.
//
// Threads: values; copies share the text.
#pragma once

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <wherry/status/error.hpp>

namespace wherry {

class program {
 public:
  /// StableHLO text (or MLIR bytecode, or a VHLO portable artifact) held in memory; `name` is for messages.
  static program from_text(std::string text, std::string name = "program") {
    program p;
    p.text_ = std::make_shared<const std::string>(std::move(text));
    p.name_ = std::move(name);
    return p;
  }

  /// Reads the file now; blocks for the disk. Throws not_found or the system's error, naming the path.
  static program from_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    if (!file || !(text << file.rdbuf())) {
      // Nothing came: the file is empty, or cannot be read, as a folder.
      if (file && file.peek() == std::ifstream::traits_type::eof() && !file.bad()) return from_text("", path);
      const int code = errno;
      throw error(code == ENOENT ? absl::StatusCode::kNotFound : absl::StatusCode::kInvalidArgument,
                  path + ": cannot read: " + std::strerror(code));
    }
    return from_text(std::move(text).str(), path);
  }

  /// The entry function; `@main`, else the only public function, if not set.
  program with_function(std::string function) const {
    program p = *this;
    p.function_ = std::move(function);
    return p;
  }

  std::string_view text() const noexcept { return text_ ? std::string_view(*text_) : std::string_view(); }
  const std::string& name() const noexcept { return name_; }
  const std::string& function() const noexcept { return function_; }

 private:
  std::shared_ptr<const std::string> text_;
  std::string name_ = "program";
  std::string function_;
};

}  // namespace wherry
