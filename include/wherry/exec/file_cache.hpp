// file_cache.hpp: a folder of blobs by key, shared by processes.
//
// An entry is one file, named by the hash of its key and holding the whole key, so a hash collision is a
// miss and not a wrong answer. Files appear by rename only; a damaged file is a miss and is removed. The
// folder is bounded (1 GiB): least recently used entries go. A cache that cannot be written is a
// warning, once, and the run goes on.
//
// The folder is WHERRY_CACHE_DIR, else $XDG_CACHE_HOME/wherry, else ~/.cache/wherry; empty: no cache.
//
// Threads: any; processes: any.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>
#include <wherry/exec/plan_io.hpp>
#include <wherry/status/log.hpp>

namespace wherry {

class file_cache {
 public:
  explicit file_cache(std::string folder, std::uint64_t bound = std::uint64_t{1} << 30)
      : folder_(std::move(folder)), bound_(bound), unseen_(std::make_shared<unseen>(bound_ / 64)) {}

  /// The cache that the environment names.
  static file_cache from_environment() {
    if (const char* set = std::getenv("WHERRY_CACHE_DIR")) return file_cache(set);
    if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg)
      return file_cache(std::string(xdg) + "/wherry");
    if (const char* home = std::getenv("HOME"); home && *home)
      return file_cache(std::string(home) + "/.cache/wherry");
    return file_cache("");
  }

  bool is_enabled() const noexcept { return !folder_.empty(); }

  /// Returns the blob stored under `key`, or nothing.
  std::optional<std::vector<std::byte>> find(std::string_view key) const {
    if (!is_enabled()) return std::nullopt;
    const std::string path = path_of(key);
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    std::error_code ignored;
    const std::streamoff size = file ? std::streamoff(file.tellg()) : -1;
    if (size < 0 || !std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
    std::vector<std::byte> bytes(static_cast<std::size_t>(size));
    file.seekg(0).read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file) return std::nullopt;
    std::optional<std::vector<std::byte>> blob;
    if (!open_entry(bytes, key, blob)) {
      std::filesystem::remove(path, ignored);  // damaged: the next one stores it again
    }
    if (blob) utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // used now
    return blob;
  }

  /// Stores `blob` under `key`. Failure is a warning, once per process.
  void store(std::string_view key, std::span<const std::byte> blob) const {
    if (!is_enabled()) return;
    const std::string path = path_of(key);
    static std::atomic<unsigned> counter{0};
    const std::string temporary =
        path + "." + std::to_string(getpid()) + "." + std::to_string(counter.fetch_add(1));
    std::error_code problem;
    std::filesystem::create_directories(folder_, problem);
    detail::plan_writer w;
    w.bytes(std::as_bytes(std::span(key.data(), key.size())));
    w.put(checksum_of(key, blob));
    w.bytes(blob);
    {
      std::ofstream file(temporary, std::ios::binary);
      file.write(reinterpret_cast<const char*>(w.out.data()), static_cast<std::streamsize>(w.out.size()));
      if (!file.flush()) {
        warn_unwritable();
        std::filesystem::remove(temporary, problem);
        return;
      }
    }
    std::filesystem::rename(temporary, path, problem);
    if (problem) {
      warn_unwritable();
      std::filesystem::remove(temporary, problem);
      return;
    }
    if (unseen_->add(w.out.size())) trim();
  }

 private:
  /// Bytes stored since the folder was looked through, which takes long when it holds many entries. Where a
  /// process starts to count is drawn by lot, so that many short ones look as often as one long one.
  struct unseen {
    explicit unseen(std::uint64_t most) : limit(most), bytes(most == 0 ? 0 : std::random_device()() % most) {}
    bool add(std::uint64_t more) noexcept {
      if (bytes.fetch_add(more) + more < limit) return false;
      bytes.store(0);
      return true;
    }
    const std::uint64_t limit;
    std::atomic<std::uint64_t> bytes;
  };

  std::string path_of(std::string_view key) const {
    char name[17];
    std::snprintf(name, sizeof name, "%016llx",
                  static_cast<unsigned long long>(hash64(std::as_bytes(std::span(key.data(), key.size())))));
    return folder_ + "/" + name + ".bin";
  }

  /// Returns false for a damaged entry; fills `blob` if the entry is sound and is `key`'s.
  static bool open_entry(std::span<const std::byte> bytes, std::string_view key,
                         std::optional<std::vector<std::byte>>& blob) {
    try {
      detail::plan_reader r(bytes);
      const std::string stored_key = r.text();
      const auto checksum = r.get<std::uint64_t>();
      const auto content = r.bytes();
      if (!r.at_end() || checksum_of(stored_key, content) != checksum) return false;
      if (stored_key == key) blob.emplace(content.begin(), content.end());
      return true;
    } catch (const error&) {
      return false;
    }
  }

  static std::uint64_t checksum_of(std::string_view key, std::span<const std::byte> blob) noexcept {
    return hash64(blob, hash64(std::as_bytes(std::span(key.data(), key.size()))));
  }

  void warn_unwritable() const {
    static std::atomic<bool> warned{false};
    if (!warned.exchange(true))
      log(log_level::warn, "the cache folder " + folder_ + " cannot be written; going on without it");
  }

  void trim() const {
    namespace fs = std::filesystem;
    struct entry {
      fs::file_time_type used;
      std::uint64_t bytes;
      fs::path path;
    };
    std::vector<entry> entries;
    std::uint64_t total = 0;
    std::error_code ignored;
    for (const auto& e : fs::directory_iterator(folder_, ignored)) {
      const std::uint64_t bytes = e.file_size(ignored);
      if (ignored) continue;
      entries.push_back({e.last_write_time(ignored), bytes, e.path()});
      total += bytes;
    }
    if (total <= bound_) return;
    std::sort(entries.begin(), entries.end(), [](const entry& a, const entry& b) { return a.used < b.used; });
    for (const entry& e : entries) {
      if (total <= bound_ / 4 * 3) break;
      if (fs::remove(e.path, ignored)) total -= e.bytes;
    }
  }

  std::string folder_;
  std::uint64_t bound_;
  std::shared_ptr<unseen> unseen_;
};

}  // namespace wherry
