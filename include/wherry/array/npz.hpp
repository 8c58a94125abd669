// npz.hpp: named arrays in a .npz file of NumPy's, a zip archive of .npy files.
//
// Members may be stored or deflated; each is read, checked against its checksum and given the name of its
// file without `.npy`. Saving writes beside the target and renames.
//
// This header needs zlib: link `wherry::files`.
//
// Threads: coroutines on the loop's; the others any thread that may block.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>
#include <wherry/array/detail/zip_format.hpp>
#include <wherry/array/npy.hpp>

namespace wherry {

using named_arrays = std::map<std::string, array, std::less<>>;

enum class npz_compression : std::uint8_t { none, deflate };

namespace detail {

inline task<std::vector<std::byte>> read_zip_bytes(loop& where, const file& source, std::uint64_t offset,
                                                   std::uint64_t count, std::uint64_t size) {
  if (offset > size || count > size - offset)
    corrupt_zip(source.path(), offset, std::to_string(count) + " bytes go beyond the end of the file");
  std::vector<std::byte> bytes(count);
  const std::size_t done = co_await read_fully(where, source, bytes, offset);
  if (done != count) corrupt_zip(source.path(), offset + done, "the file ends here");
  co_return bytes;
}

}  // namespace detail

/// Returns the arrays of the file at `path`. Throws data_loss (corrupt_file) naming file and offset for an
/// archive that is damaged, unimplemented (unsupported) for what it may hold and no array has, and the
/// system's errors naming the file.
inline task<named_arrays> load_npz(loop& where, std::string path) {
  const file source = co_await open(where, path);
  const file_status status = co_await stat(where, source);
  if (!status.is_regular()) throw error(absl::StatusCode::kInvalidArgument, path + ": not a regular file");
  const std::uint64_t size = status.size;
  const std::uint64_t tail_bytes = std::min<std::uint64_t>(size, detail::zip_tail_bytes);
  const std::vector<std::byte> tail =
      co_await detail::read_zip_bytes(where, source, size - tail_bytes, tail_bytes, size);
  detail::zip_directory directory = detail::find_zip_directory(tail, size, path);
  if (directory.zip64_record != 0) {
    const std::vector<std::byte> record =
        co_await detail::read_zip_bytes(where, source, directory.zip64_record, 56, size);
    detail::read_zip64_end(record, directory, path);
  }
  const std::vector<std::byte> records =
      co_await detail::read_zip_bytes(where, source, directory.offset, directory.bytes, size);
  named_arrays arrays;
  for (const detail::zip_member& member : detail::read_zip_directory(records, directory, path)) {
    const std::vector<std::byte> local =
        co_await detail::read_zip_bytes(where, source, member.offset, detail::zip_local_bytes, size);
    const std::uint64_t start =
        member.offset + detail::zip_local_bytes + detail::zip_local_rest(local, member, path);
    std::vector<std::byte> stored =
        co_await detail::read_zip_bytes(where, source, start, member.stored_bytes, size);
    const std::vector<std::byte> bytes = detail::zip_contents(member, std::move(stored), path);
    std::string name = member.name;
    if (name.size() >= 4 && name.compare(name.size() - 4, 4, ".npy") == 0) name.resize(name.size() - 4);
    array values = npy_from_bytes(bytes, path + ": " + member.name);
    if (!arrays.emplace(name, std::move(values)).second)
      detail::corrupt_zip(path, member.offset, "the name '" + name + "' is there twice");
  }
  co_return arrays;
}

/// Puts `arrays` into the file at `path`, which is complete or as it was before at every moment.
inline task<void> save_npz(loop& where, std::string path, named_arrays arrays,
                           npz_compression how = npz_compression::none) {
  replacement_file target(std::move(path));
  co_await target.create(where);
  std::uint64_t end = 0;
  std::vector<detail::zip_member> members;
  for (const auto& [name, values] : arrays) {
    const std::string header = detail::format_npy_header(values.type());
    std::vector<std::byte> whole;
    std::span<const std::byte> parts[] = {std::as_bytes(std::span(header)), values.bytes()};
    detail::zip_member member;
    member.name = name + ".npy";
    member.offset = end;
    member.bytes = parts[0].size() + parts[1].size();
    member.crc = detail::crc_of(parts[1], detail::crc_of(parts[0]));
    member.stored_bytes = member.bytes;
    if (how == npz_compression::deflate) {
      whole = detail::deflated(npy_to_bytes(values));
      parts[0] = whole;
      parts[1] = {};
      member.deflated = true;
      member.stored_bytes = whole.size();
    }
    if (member.name.size() > 0xFFFF) {
      throw error(absl::StatusCode::kInvalidArgument, "save_npz: a name of " + std::to_string(name.size()) +
                                                          " bytes, at most 65531 are possible");
    }
    const std::vector<std::byte> record = detail::zip_local_record(member);
    co_await write_fully(where, target.contents(), record, end);
    end += record.size();
    for (const std::span<const std::byte> part : parts) {
      co_await write_fully(where, target.contents(), part, end);
      end += part.size();
    }
    members.push_back(std::move(member));
  }
  const std::vector<std::byte> directory = detail::zip_directory_records(members, end);
  co_await write_fully(where, target.contents(), directory, end);
  co_await target.commit(where);
}

/// The same for plain code: waits for the disk, on a loop of its own.
inline named_arrays load_npz(const std::string& path) {
  require_may_block("load_npz");
  loop here;
  return sync_wait(here, load_npz(here, path));
}
inline void save_npz(const std::string& path, named_arrays arrays,
                     npz_compression how = npz_compression::none) {
  require_may_block("save_npz");
  loop here;
  sync_wait(here, save_npz(here, path, std::move(arrays), how));
}

}  // namespace wherry
