// safetensors.hpp: named arrays in one file.
//
// Loading checks the header before it believes it, and reads large tensors straight into their arrays. Saving
// writes beside the target and renames, so that no reader and no crash ever meets half a file. Tensors are
// written in an order that aligns each to its element size, and those of whole cache lines to 64 bytes.
//
// Types that the format does not name travel as `stored_type.hpp` says; for floats that travel as bits the
// metadata key `dtype:NAME` keeps the type.
//
// This header needs nlohmann-json: link `wherry::files`.
//
// Threads: coroutines on the loop's; the others any thread that may block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <wherry/array/array.hpp>
#include <wherry/array/detail/safetensors_layout.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/loop/file.hpp>
#include <wherry/loop/loop.hpp>
#include <wherry/loop/replacement_file.hpp>
#include <wherry/loop/sync_wait.hpp>

namespace wherry {

struct safetensors {
  std::map<std::string, array, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;

  /// Returns the tensor called `name`, or null.
  const array* find(std::string_view name) const {
    const auto at = tensors.find(name);
    return at == tensors.end() ? nullptr : &at->second;
  }
  /// Returns the tensor called `name`. Throws not_found.
  const array& at(std::string_view name) const {
    if (const array* found = find(name)) return *found;
    throw error(absl::StatusCode::kNotFound, "there is no tensor '" + std::string(name) + "'");
  }
};

namespace detail {

/// Tensors up to this size are read and written together with their neighbours.
inline constexpr std::size_t small_tensor_bytes = std::size_t{256} << 10;
inline constexpr std::size_t together_bytes = std::size_t{1} << 20;

inline void require_booleans(std::span<const std::byte> bytes, const safetensors_entry& entry,
                             const std::string& path) {
  for (std::size_t k = 0; k < bytes.size(); ++k) {
    if (bytes[k] > std::byte{1}) {
      corrupt_safetensors(
          path, entry.offset + k,
          "tensor '" + entry.name + "' is BOOL and holds " + std::to_string(std::to_integer<int>(bytes[k])));
    }
  }
}

/// Returns the end of the tensors from `first` on that are small and follow one another, `first` if it is
/// large itself.
inline std::size_t end_of_small(std::span<const safetensors_entry> entries, std::size_t first) {
  std::size_t bytes = 0;
  std::size_t end = first;
  for (; end != entries.size(); ++end) {
    const std::size_t more = stored_type(entries[end].type).bytes();
    if (more > small_tensor_bytes || bytes + more > together_bytes) break;
    bytes += more;
  }
  return end;
}

inline task<void> read_tensor_bytes(loop& where, const file& source, std::span<std::byte> into,
                                    std::uint64_t offset) {
  const std::size_t count = co_await read_fully(where, source, into, offset);
  if (count != into.size()) corrupt_safetensors(source.path(), offset + count, "the file ends here");
}

/// Returns what the header of `source` says.
inline task<safetensors_layout> read_safetensors_layout(loop& where, const file& source) {
  const file_status status = co_await stat(where, source);
  if (!status.is_regular())
    throw error(absl::StatusCode::kInvalidArgument, source.path() + ": not a regular file");
  std::vector<std::byte> header(8);
  if (status.size >= 8) co_await read_tensor_bytes(where, source, header, 0);
  header.resize(safetensors_header_length(header, status.size, source.path()));
  co_await read_tensor_bytes(where, source, header, 8);
  co_return parse_safetensors_header(header, status.size, source.path());
}

/// Writes the bytes of many tensors in the order of a file, small ones gathered.
class tensor_writer {
 public:
  tensor_writer(loop& where, const file& target) : where_(where), target_(target) {}

  /// `bytes` follow what was written before, and may go when the task has ended.
  task<void> append(std::span<const std::byte> bytes) {
    if (bytes.size() <= small_tensor_bytes) {
      if (gathered_.size() + bytes.size() > together_bytes) co_await flush();
      gathered_.insert(gathered_.end(), bytes.begin(), bytes.end());
      co_return;
    }
    co_await flush();
    co_await write_fully(where_, target_, bytes, end_);
    end_ += bytes.size();
  }
  task<void> flush() {
    co_await write_fully(where_, target_, gathered_, end_);
    end_ += gathered_.size();
    gathered_.clear();
  }

 private:
  loop& where_;
  const file& target_;
  std::uint64_t end_ = 0;
  std::vector<std::byte> gathered_;
};

inline safetensors_layout layout_of(const safetensors& contents) {
  safetensors_layout layout;
  layout.metadata = contents.metadata;
  for (const auto& [name, tensor] : contents.tensors) layout.entries.push_back({name, tensor.type(), 0});
  return layout;
}

}  // namespace detail

/// Returns the tensors and the metadata of the file at `path`. Throws data_loss (corrupt_file) naming file
/// and offset when the file is truncated or contradicts itself, and the system's errors naming the file.
inline task<safetensors> load_safetensors(loop& where, std::string path) {
  const file source = co_await open(where, path);
  detail::safetensors_layout layout = co_await detail::read_safetensors_layout(where, source);
  safetensors contents;
  contents.metadata = std::move(layout.metadata);
  const std::span<const detail::safetensors_entry> entries = layout.entries;
  std::vector<std::byte> together;
  for (std::size_t first = 0; first != entries.size();) {
    const std::size_t end = detail::end_of_small(entries, first);
    if (end == first) {
      array tensor(entries[first].type);
      co_await detail::read_tensor_bytes(where, source, tensor.bytes(), entries[first].offset);
      contents.tensors.emplace(entries[first].name, std::move(tensor));
      ++first;
      continue;
    }
    const std::uint64_t start = entries[first].offset;
    together.resize(entries[end - 1].offset + entries[end - 1].type.bytes() - start);
    co_await detail::read_tensor_bytes(where, source, together, start);
    for (; first != end; ++first) {
      array tensor(entries[first].type);
      if (!tensor.bytes().empty())
        std::memcpy(tensor.bytes().data(), together.data() + (entries[first].offset - start),
                    tensor.bytes().size());
      contents.tensors.emplace(entries[first].name, std::move(tensor));
    }
  }
  for (const detail::safetensors_entry& e : entries) {
    if (e.type.element == dtype::boolean) detail::require_booleans(contents.at(e.name).bytes(), e, path);
  }
  co_return contents;
}

/// Puts `contents` into the file at `path`, which is complete or as it was before at every moment. On failure
/// nothing is left behind and an `error` names the path.
inline task<void> save_safetensors(loop& where, std::string path, safetensors contents) {
  detail::safetensors_layout layout = detail::layout_of(contents);
  const std::string header = detail::format_safetensors_header(layout, path);
  replacement_file target(std::move(path));
  co_await target.create(where);
  detail::tensor_writer writer(where, target.contents());
  co_await writer.append(std::as_bytes(std::span(header)));
  for (const detail::safetensors_entry& e : layout.entries)
    co_await writer.append(contents.tensors.find(e.name)->second.bytes());
  co_await writer.flush();
  co_await target.commit(where);
}

/// The same for plain code: waits for the disk, on a loop of its own.
inline safetensors load_safetensors(const std::string& path) {
  require_may_block("load_safetensors");
  loop here;
  return sync_wait(here, load_safetensors(here, path));
}
inline void save_safetensors(const std::string& path, safetensors contents) {
  require_may_block("save_safetensors");
  loop here;
  sync_wait(here, save_safetensors(here, path, std::move(contents)));
}

/// Returns `contents` as the bytes of a file.
inline std::vector<std::byte> safetensors_to_bytes(const safetensors& contents) {
  detail::safetensors_layout layout = detail::layout_of(contents);
  const std::string header = detail::format_safetensors_header(layout, "safetensors_to_bytes");
  const auto start = std::as_bytes(std::span(header));
  std::vector<std::byte> bytes(start.begin(), start.end());
  for (const detail::safetensors_entry& e : layout.entries) {
    const std::span<const std::byte> tensor = contents.tensors.find(e.name)->second.bytes();
    bytes.insert(bytes.end(), tensor.begin(), tensor.end());
  }
  return bytes;
}

/// Returns the tensors and the metadata of a file's bytes, called `name` in messages. Throws as
/// `load_safetensors`.
inline safetensors safetensors_from_bytes(std::span<const std::byte> bytes,
                                          const std::string& name = "safetensors_from_bytes") {
  const std::uint64_t length = detail::safetensors_header_length(bytes, bytes.size(), name);
  detail::safetensors_layout layout =
      detail::parse_safetensors_header(bytes.subspan(8, length), bytes.size(), name);
  safetensors contents;
  contents.metadata = std::move(layout.metadata);
  for (const detail::safetensors_entry& e : layout.entries) {
    const std::span<const std::byte> from = bytes.subspan(e.offset, e.type.bytes());
    if (e.type.element == dtype::boolean) detail::require_booleans(from, e, name);
    array tensor(e.type);
    if (!from.empty()) std::memcpy(tensor.bytes().data(), from.data(), from.size());
    contents.tensors.emplace(e.name, std::move(tensor));
  }
  return contents;
}

}  // namespace wherry
