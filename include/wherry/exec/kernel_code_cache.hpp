// kernel_code_cache.hpp: the code of single kernels, for the programs that are compiled together and on disk.
//
// Whole plans are cached by their source. This is the level below: a program that was changed in one place,
// or that shares kernels with another, compiles what is new.
//
// Threads: any.
#pragma once

#include <map>
#include <mutex>
#include <wherry/exec/compiler.hpp>
#include <wherry/exec/file_cache.hpp>

namespace wherry {

class kernel_code_cache final : public kernel_store {
 public:
  explicit kernel_code_cache(file_cache disk) : disk_(std::move(disk)) {}

  std::optional<std::vector<std::byte>> find(std::string_view key) override {
    {
      std::lock_guard lock(mutex_);
      if (const auto known = made_.find(key); known != made_.end()) return known->second;
    }
    return disk_.find(key);
  }

  void store(std::string_view key, std::span<const std::byte> code) override {
    {
      std::lock_guard lock(mutex_);
      made_.try_emplace(std::string(key), code.begin(), code.end());
    }
    disk_.store(key, code);
  }

 private:
  const file_cache disk_;
  std::mutex mutex_;
  std::map<std::string, std::vector<std::byte>, std::less<>> made_;  // guarded by mutex_
};

}  // namespace wherry
