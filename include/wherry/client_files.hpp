// client_files.hpp: buffers in safetensors files, without a copy where the device allows it.
//
// On devices that compute on host memory a loaded buffer *is* a part of the file's image in memory, mapped or
// read: tensors that the file aligns to 64 bytes (all of whole cache lines in files that wherry writes) are
// not copied, and the image lives until the last of them goes. Other devices get a transfer from the image.
//
// This header needs nlohmann-json: link `wherry::files`.
//
// Threads: coroutines on the loop's; the others any thread that may block.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <wherry/array/safetensors.hpp>
#include <wherry/client.hpp>
#include <wherry/loop/file_image.hpp>

namespace wherry {

struct safetensors_buffers {
  std::map<std::string, buffer, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;

  /// Returns the buffer called `name`, or null.
  const buffer* find(std::string_view name) const {
    const auto at = tensors.find(name);
    return at == tensors.end() ? nullptr : &at->second;
  }
  /// Returns the buffer called `name`. Throws not_found.
  const buffer& at(std::string_view name) const {
    if (const buffer* found = find(name)) return *found;
    throw error(absl::StatusCode::kNotFound, "there is no tensor '" + std::string(name) + "'");
  }
};

enum class file_use : std::uint8_t {
  // The file is mapped: nothing is read before it is used, and buffers are read-only (a donation allocates).
  // The file must not be changed in place meanwhile; replacing it by rename is fine.
  map,
  // The file is read, past the page cache where the file system can; donated buffers are written in place.
  read,
};

struct load_options {
  file_use use = file_use::map;
  wherry::device device;  // empty: the client's first
};

/// Returns the tensors of the safetensors file at `path` as buffers. Throws as `load_safetensors`.
inline task<safetensors_buffers> load_buffers(loop& where, const client& to, std::string path,
                                              load_options options = {}) {
  const file source = co_await open(where, std::move(path));
  detail::safetensors_layout layout = co_await detail::read_safetensors_layout(where, source);
  std::uint64_t size = 0;
  for (const detail::safetensors_entry& e : layout.entries) size = e.offset + e.type.bytes();
  std::shared_ptr<file_image> image;
  if (options.use == file_use::map) {
    image = file_image::map(source, size);
  } else {
    image = co_await file_image::read_all(where, source, size);
  }
  const host_memory_use use =
      image->is_writable() ? host_memory_use::mutable_zero_copy : host_memory_use::zero_copy;
  // What is copied after all is not started all at once.
  constexpr std::uint64_t in_flight_limit = std::uint64_t{64} << 20;
  std::uint64_t in_flight = 0;
  safetensors_buffers result;
  for (const detail::safetensors_entry& e : layout.entries) {
    const std::span<std::byte> bytes = image->bytes().subspan(e.offset, e.type.bytes());
    if (e.type.element == dtype::boolean) detail::require_booleans(bytes, e, source.path());
    const buffer made = to.from_host(bytes.data(), e.type, use, [image] {}, options.device);
    in_flight += bytes.size();
    if (in_flight > in_flight_limit) {
      co_await made;
      in_flight = 0;
    }
    result.tensors.emplace(e.name, made);
  }
  result.metadata = std::move(layout.metadata);
  co_return result;
}

/// Puts `contents` into the safetensors file at `path`, which is complete or as it was before at every
/// moment. Each buffer is waited for, not its neighbours' transfers; its failure is the task's.
inline task<void> save_buffers(loop& where, std::string path, safetensors_buffers contents) {
  detail::safetensors_layout layout;
  layout.metadata = contents.metadata;
  for (const auto& [name, b] : contents.tensors) layout.entries.push_back({name, b.type(), 0});
  const std::string header = detail::format_safetensors_header(layout, path);
  replacement_file target(std::move(path));
  co_await target.create(where);
  detail::tensor_writer writer(where, target.contents());
  co_await writer.append(std::as_bytes(std::span(header)));
  // The next one comes from its device while one is written.
  const auto read_back = [&contents, &layout](std::size_t k) {
    return contents.tensors.find(layout.entries[k].name)->second.as_array();
  };
  std::optional<array_promise> next;
  if (!layout.entries.empty()) next = read_back(0);
  for (std::size_t k = 0; k != layout.entries.size(); ++k) {
    const array_promise now = *std::exchange(next, std::nullopt);
    if (k + 1 != layout.entries.size()) next = read_back(k + 1);
    const array values = co_await now;
    co_await writer.append(values.bytes());
  }
  co_await writer.flush();
  co_await target.commit(where);
}

/// The same for plain code: waits for the disk, on a loop of its own.
inline safetensors_buffers load_buffers(const client& to, const std::string& path,
                                        load_options options = {}) {
  require_may_block("load_buffers");
  loop here;
  return sync_wait(here, load_buffers(here, to, path, std::move(options)));
}
inline void save_buffers(const std::string& path, safetensors_buffers contents) {
  require_may_block("save_buffers");
  loop here;
  sync_wait(here, save_buffers(here, path, std::move(contents)));
}

}  // namespace wherry
