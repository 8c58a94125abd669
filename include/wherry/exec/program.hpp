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
  static program from_text(std::string text, std::string name = std::string(no_name)) {
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
      if (file && file.peek() == std::ifstream::traits_type::eof() && !file.bad()) return at(path, "");
      const int code = errno;
      throw error(code == ENOENT ? absl::StatusCode::kNotFound : absl::StatusCode::kInvalidArgument,
                  path + ": cannot read: " + std::strerror(code));
    }
    return at(path, std::move(text).str());
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

  /// What to call its executions if it does not say so itself (`module @mlp_step`): the name of its file
  /// without folder and extension, the name that was given to its text, or nothing.
  std::string title() const {
    if (!is_file_ && name_ == no_name) return "";
    const std::string last = name_.substr(name_.find_last_of('/') + 1);
    const bool is_file_name = is_file_ || last.ends_with(".mlir");
    const std::size_t dot = is_file_name ? last.find_last_of('.') : std::string::npos;
    return dot == 0 ? last : last.substr(0, dot);
  }

 private:
  static constexpr std::string_view no_name = "program";
  static program at(const std::string& path, std::string text) {
    program p = from_text(std::move(text), path);
    p.is_file_ = true;
    return p;
  }

  std::shared_ptr<const std::string> text_;
  std::string name_ = std::string(no_name);
  bool is_file_ = false;
  std::string function_;
};

}  // namespace wherry
