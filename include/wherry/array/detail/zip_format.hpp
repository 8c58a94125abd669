// zip_format.hpp: the records of a zip archive that .npz files consist of.
//
// An archive is a sequence of members, each behind a local header, then a directory with one record a member,
// then the end record. Sizes and offsets from 4 GiB on are in "zip64" fields. Members are stored or deflated;
// encrypted and multi-disk archives are refused. The format is PKWARE's APPNOTE.TXT.
//
// Threads: any (values).
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <wherry/status/error.hpp>

namespace wherry::detail {

struct zip_member {
  std::string name;
  bool deflated = false;
  std::uint32_t crc = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;  // of its local header
};

[[noreturn]] inline void corrupt_zip(const std::string& path, std::uint64_t offset, const std::string& what) {
  throw error(absl::StatusCode::kDataLoss,
              path + ": not a valid zip archive, at byte " + std::to_string(offset) + ": " + what,
              reason::corrupt_file);
}

/// Little-endian fields of records, read with a look at the end.
class zip_fields {
 public:
  zip_fields(std::span<const std::byte> bytes, std::uint64_t offset, const std::string& path)
      : bytes_(bytes), offset_(offset), path_(path) {}

  std::uint64_t number(std::size_t size) {
    const std::span<const std::byte> field = take(size);
    std::uint64_t value = 0;
    for (std::size_t k = size; k-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(field[k]);
    return value;
  }
  std::span<const std::byte> take(std::size_t size) {
    if (size > bytes_.size() - at_) fail("a record ends behind the file");
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  std::string text(std::size_t size) {
    const std::span<const std::byte> field = take(size);
    return {reinterpret_cast<const char*>(field.data()), field.size()};
  }
  void skip(std::size_t size) { take(size); }
  void expect(std::uint32_t signature, const std::string& what) {
    if (number(4) != signature) fail("expected " + what);
  }
  std::size_t left() const noexcept { return bytes_.size() - at_; }
  [[noreturn]] void fail(const std::string& what) const { corrupt_zip(path_, offset_ + at_, what); }
  const std::string& path() const noexcept { return path_; }

 private:
  std::span<const std::byte> bytes_;
  std::uint64_t offset_;
  const std::string& path_;
  std::size_t at_ = 0;
};

inline constexpr std::uint32_t zip_local = 0x04034b50;
inline constexpr std::uint32_t zip_central = 0x02014b50;
inline constexpr std::uint32_t zip_end = 0x06054b50;
inline constexpr std::uint32_t zip64_end = 0x06064b50;
inline constexpr std::uint32_t zip64_locator = 0x07064b50;
inline constexpr std::size_t zip_local_bytes = 30;    // without name and extra fields
inline constexpr std::size_t zip_tail_bytes = 65577;  // longest comment, end record, zip64 locator
inline constexpr std::uint64_t zip_large = 0xFFFFFFFF;
inline constexpr std::uint64_t zip_flag_encrypted = 1;
inline constexpr std::uint64_t zip_flag_utf8 = 0x800;

/// Where the directory is.
struct zip_directory {
  std::uint64_t members = 0;
  std::uint64_t bytes = 0;
  std::uint64_t offset = 0;
  std::uint64_t zip64_record = 0;  // not 0: the numbers above are in the record there
};

/// Finds the end record in `tail`, the last bytes of a file of `size` bytes.
inline zip_directory find_zip_directory(std::span<const std::byte> tail, std::uint64_t size,
                                        const std::string& path) {
  const std::uint64_t start = size - tail.size();
  for (std::size_t k = tail.size() < 22 ? 0 : tail.size() - 21; k-- > 0;) {
    zip_fields end(tail.subspan(k), start + k, path);
    if (end.number(4) != zip_end) continue;
    end.skip(6);
    zip_directory found;
    found.members = end.number(2);
    found.bytes = end.number(4);
    found.offset = end.number(4);
    if (end.number(2) != end.left()) continue;  // inside a comment
    if (k >= 20) {
      zip_fields locator(tail.subspan(k - 20, 20), start + k - 20, path);
      if (locator.number(4) == zip64_locator) {
        locator.skip(4);
        found.zip64_record = locator.number(8);
        if (found.zip64_record == 0 || found.zip64_record > size - 56)
          corrupt_zip(path, start + k - 20, "the zip64 end record lies behind the file");
      }
    }
    return found;
  }
  corrupt_zip(path, size, "there is no end record");
}

/// Puts the numbers of the zip64 end record into `found`.
inline void read_zip64_end(std::span<const std::byte> record, zip_directory& found, const std::string& path) {
  zip_fields end(record, found.zip64_record, path);
  end.expect(zip64_end, "a zip64 end record");
  end.skip(8 + 2 + 2 + 4 + 4 + 8);
  found.members = end.number(8);
  found.bytes = end.number(8);
  found.offset = end.number(8);
}

/// Returns the members that the directory lists.
inline std::vector<zip_member> read_zip_directory(std::span<const std::byte> bytes,
                                                  const zip_directory& where, const std::string& path) {
  zip_fields record(bytes, where.offset, path);
  std::vector<zip_member> members;
  for (std::uint64_t k = 0; k < where.members; ++k) {
    zip_member member;
    record.expect(zip_central, "a member's record");
    record.skip(4);
    if (record.number(2) & zip_flag_encrypted) {
      throw error(absl::StatusCode::kUnimplemented, path + ": the archive is encrypted", reason::unsupported);
    }
    const std::uint64_t method = record.number(2);
    record.skip(4);
    member.crc = static_cast<std::uint32_t>(record.number(4));
    member.stored_bytes = record.number(4);
    member.bytes = record.number(4);
    const std::size_t name_bytes = record.number(2), extra_bytes = record.number(2),
                      comment_bytes = record.number(2);
    record.skip(8);
    member.offset = record.number(4);
    member.name = record.text(name_bytes);
    zip_fields extra(record.take(extra_bytes), where.offset, path);
    while (extra.left() >= 4) {
      const std::uint64_t kind = extra.number(2);
      zip_fields field(extra.take(extra.number(2)), where.offset, path);
      if (kind != 1) continue;
      for (std::uint64_t* number : {&member.bytes, &member.stored_bytes, &member.offset}) {
        if (*number == zip_large) *number = field.number(8);
      }
    }
    record.skip(comment_bytes);
    if (method != 0 && method != Z_DEFLATED) {
      throw error(absl::StatusCode::kUnimplemented,
                  path + ": member '" + member.name + "' is compressed by method " + std::to_string(method) +
                      ", which is not supported",
                  reason::unsupported);
    }
    member.deflated = method != 0;
    // Deflate makes at most 1032 bytes of one: what claims more is not believed, let alone allocated.
    if (member.deflated ? member.bytes / 1032 > member.stored_bytes + 1 : member.bytes != member.stored_bytes)
      record.fail("member '" + member.name + "' claims " + std::to_string(member.bytes) + " bytes in " +
                  std::to_string(member.stored_bytes));
    members.push_back(std::move(member));
  }
  return members;
}

/// Returns how many bytes of name and extra fields follow the local header in `record`.
inline std::uint64_t zip_local_rest(std::span<const std::byte> record, const zip_member& member,
                                    const std::string& path) {
  zip_fields local(record, member.offset, path);
  local.expect(zip_local, "the local header of '" + member.name + "'");
  local.skip(22);
  const std::uint64_t name_bytes = local.number(2);
  return name_bytes + local.number(2);
}

inline std::uint32_t crc_of(std::span<const std::byte> bytes, std::uint32_t before = 0) {
  return static_cast<std::uint32_t>(
      ::crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

/// Runs zlib over `from`, in and out in pieces that its 32-bit counts can hold.
template <class Step>
int run_zlib(z_stream& stream, std::span<const std::byte> from, std::span<std::byte> to, Step&& step) {
  constexpr std::size_t most = std::numeric_limits<uInt>::max() / 2;
  std::size_t in = 0, out = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    const std::size_t some_in = std::min(most, from.size() - in), some_out = std::min(most, to.size() - out);
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(from.data() + in));
    stream.avail_in = static_cast<uInt>(some_in);
    stream.next_out = reinterpret_cast<Bytef*>(to.data() + out);
    stream.avail_out = static_cast<uInt>(some_out);
    status = step(stream, in + some_in == from.size() ? Z_FINISH : Z_NO_FLUSH);
    const std::size_t used = some_in - stream.avail_in, made = some_out - stream.avail_out;
    if (status == Z_BUF_ERROR && used + made != 0) status = Z_OK;
    in += used;
    out += made;
  }
  return status == Z_STREAM_END && in == from.size() ? Z_STREAM_END
         : status == Z_STREAM_END                    ? Z_DATA_ERROR
                                                     : status;
}

/// Returns the contents of `member`, which was stored as `stored`, after a look at its checksum.
inline std::vector<std::byte> zip_contents(const zip_member& member, std::vector<std::byte> stored,
                                           const std::string& path) {
  const auto fail = [&](const std::string& what) {
    corrupt_zip(path, member.offset, "member '" + member.name + "' " + what);
  };
  if (member.deflated) {
    std::vector<std::byte> contents(member.bytes);
    z_stream stream{};
    if (::inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
    const int status =
        run_zlib(stream, stored, contents, [](z_stream& s, int) { return ::inflate(&s, Z_NO_FLUSH); });
    const bool whole = status == Z_STREAM_END && stream.avail_out == 0;
    ::inflateEnd(&stream);
    if (!whole) fail("does not decompress to " + std::to_string(member.bytes) + " bytes");
    stored = std::move(contents);
  }
  if (crc_of(stored) != member.crc) fail("has another checksum than the archive says");
  return stored;
}

/// Returns `bytes` deflated.
inline std::vector<std::byte> deflated(std::span<const std::byte> bytes) {
  z_stream stream{};
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::vector<std::byte> result(::deflateBound(&stream, bytes.size()));
  run_zlib(stream, bytes, result, [](z_stream& s, int flush) { return ::deflate(&s, flush); });
  result.resize(stream.total_out);
  ::deflateEnd(&stream);
  return result;
}

/// Appends little-endian numbers: what records are written with.
class zip_record {
 public:
  zip_record& number(std::uint64_t value, std::size_t size) {
    for (std::size_t k = 0; k < size; ++k) bytes_.push_back(static_cast<std::byte>(value >> (8 * k)));
    return *this;
  }
  zip_record& text(std::string_view value) {
    for (const char c : value) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  const std::vector<std::byte>& bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// The fields that local and directory records share: versions, flags, method, time, sizes.
inline void add_zip_common(zip_record& record, const zip_member& m, bool large) {
  record.number(large ? 45 : 20, 2).number(zip_flag_utf8, 2).number(m.deflated ? Z_DEFLATED : 0, 2);
  record.number(0, 2).number(0x21, 2);  // 1980-01-01: equal contents make equal files
  record.number(m.crc, 4);
  record.number(large ? zip_large : m.stored_bytes, 4).number(large ? zip_large : m.bytes, 4);
  record.number(m.name.size(), 2);
}

inline std::vector<std::byte> zip_local_record(const zip_member& m) {
  const bool large = m.bytes >= zip_large || m.stored_bytes >= zip_large;
  zip_record record;
  record.number(zip_local, 4);
  add_zip_common(record, m, large);
  record.number(large ? 20 : 0, 2).text(m.name);
  if (large) record.number(1, 2).number(16, 2).number(m.bytes, 8).number(m.stored_bytes, 8);
  return record.bytes();
}

/// Returns the directory and the end record of an archive whose members end at `offset`.
inline std::vector<std::byte> zip_directory_records(std::span<const zip_member> members,
                                                    std::uint64_t offset) {
  zip_record record;
  for (const zip_member& m : members) {
    const bool large = m.bytes >= zip_large || m.stored_bytes >= zip_large || m.offset >= zip_large;
    record.number(zip_central, 4).number(large ? 45 : 20, 2);
    add_zip_common(record, m, large);
    record.number(large ? 28 : 0, 2).number(0, 2).number(0, 2).number(0, 2).number(0, 4);
    record.number(large ? zip_large : m.offset, 4).text(m.name);
    if (large)
      record.number(1, 2).number(24, 2).number(m.bytes, 8).number(m.stored_bytes, 8).number(m.offset, 8);
  }
  const std::uint64_t bytes = record.bytes().size();
  const bool large = members.size() >= 0xFFFF || offset >= zip_large || bytes >= zip_large;
  if (large) {
    record.number(zip64_end, 4).number(44, 8).number(45, 2).number(45, 2).number(0, 4).number(0, 4);
    record.number(members.size(), 8).number(members.size(), 8).number(bytes, 8).number(offset, 8);
    record.number(zip64_locator, 4).number(0, 4).number(offset + bytes, 8).number(1, 4);
  }
  const std::uint64_t count = large ? 0xFFFF : members.size();
  record.number(zip_end, 4).number(0, 2).number(0, 2).number(count, 2).number(count, 2);
  record.number(large ? zip_large : bytes, 4).number(large ? zip_large : offset, 4).number(0, 2);
  return record.bytes();
}

}  // namespace wherry::detail
