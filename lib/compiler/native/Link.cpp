// Link.cpp: a linker for kernels: an ELF object in, one position-independent image out.
//
// Kernels call nothing outside their object and own no variables, so the image is code followed by constants,
// and every relocation is a distance inside it (System V ABI for x86-64, table 4.9). It is mapped
// read-execute as a whole, at any page; nothing needs to be patched at load time.
//
// An image holds what its entries reach and nothing else, in *pieces*: sections (every function has its own),
// and single constants of sections that hold constants of one size.

#include <map>

#include "Native.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using Elf = object::ELF64LE;

namespace wherry::compile::native {
namespace {

Error internal(const Twine& what) { return createStringError("internal error: " + what); }

class Linker {
 public:
  explicit Linker(object::ELFFile<Elf> file) : file_(std::move(file)) {}

  Error read() {
    auto sections = file_.sections();
    if (!sections) return sections.takeError();
    sections_ = *sections;
    relocations_.assign(sections_.size(), nullptr);
    for (const auto& section : sections_) {
      if (section.sh_type == ELF::SHT_REL) return internal("relocations without addends in an object");
      if (section.sh_type == ELF::SHT_RELA && section.sh_info < sections_.size())
        relocations_[section.sh_info] = &section;
    }
    return findFunctions();
  }

  /// Returns an image of what `names` reach.
  Expected<NativeImage> link(ArrayRef<std::string> names) {
    image_ = {};
    offset_.clear();
    for (const std::string& name : names) {
      auto found = functions_.find(name);
      if (found == functions_.end()) return internal("the object has no function '" + name + "'");
      if (Error e = reach(found->second.first)) return std::move(e);
    }
    while (!unvisited_.empty()) {
      const Piece piece = unvisited_.back();
      unvisited_.pop_back();
      if (Error e =
              eachRelocation(piece, [&](const Elf::Rela&, Target target) { return reach(target.piece); }))
        return std::move(e);
    }
    if (Error e = layOut()) return std::move(e);
    for (const auto& entry : offset_) {
      const auto resolve = [&](const Elf::Rela& relocation, Target target) {
        return patch(relocation, entry.second + relocation.r_offset,
                     offset_[target.piece] + target.offset + relocation.r_addend);
      };
      if (Error e = eachRelocation(entry.first, resolve)) return std::move(e);
    }
    for (const std::string& name : names) {
      const auto& [piece, within] = functions_.find(name)->second;
      image_.entries.emplace_back(name, offset_[piece] + within);
    }
    return std::move(image_);
  }

 private:
  // The whole of a section, or one constant of a section of constants of one size.
  struct Piece {
    uint32_t section = 0;
    uint64_t first = 0, size = 0;
    auto operator<=>(const Piece&) const = default;
  };
  struct Target {
    Piece piece;
    uint64_t offset = 0;  // in the piece
  };

  Piece whole(uint32_t section) const { return {section, 0, sections_[section].sh_size}; }

  // Code first, then constants.
  bool isCode(uint32_t section) const { return sections_[section].sh_flags & ELF::SHF_EXECINSTR; }

  Error findFunctions() {
    for (const auto& table : sections_) {
      if (table.sh_type != ELF::SHT_SYMTAB) continue;
      auto symbols = file_.symbols(&table);
      if (!symbols) return symbols.takeError();
      auto names = file_.getStringTableForSymtab(table, sections_);
      if (!names) return names.takeError();
      for (const auto& symbol : *symbols) {
        if (symbol.getType() != ELF::STT_FUNC || symbol.st_shndx == ELF::SHN_UNDEF) continue;
        if (symbol.st_shndx >= sections_.size()) continue;
        auto name = symbol.getName(*names);
        if (!name) return name.takeError();
        functions_[*name] = {whole(symbol.st_shndx), symbol.st_value};
      }
    }
    return Error::success();
  }

  Error reach(const Piece& piece) {
    if (!offset_.try_emplace(piece, 0).second) return Error::success();
    const auto& section = sections_[piece.section];
    auto name = file_.getSectionName(section);
    if (!name) return name.takeError();
    const bool constant = !(section.sh_flags & ELF::SHF_WRITE) || name->starts_with(".data.rel.ro");
    if (section.sh_type != ELF::SHT_PROGBITS || !(section.sh_flags & ELF::SHF_ALLOC) || !constant)
      return internal("kernels have no variables, but the object needs section " + *name);
    unvisited_.push_back(piece);
    return Error::success();
  }

  Error layOut() {
    for (bool code : {true, false})
      for (auto& [piece, offset] : offset_) {
        if (isCode(piece.section) != code) continue;
        auto contents = file_.getSectionContents(sections_[piece.section]);
        if (!contents) return contents.takeError();
        offset = alignTo(image_.bytes.size(), std::max<uint64_t>(1, sections_[piece.section].sh_addralign));
        image_.bytes.resize(offset, code ? std::byte{0xCC} : std::byte{0});
        auto* data = reinterpret_cast<const std::byte*>(contents->data()) + piece.first;
        image_.bytes.insert(image_.bytes.end(), data, data + piece.size);
      }
    return Error::success();
  }

  // Returns what `symbol` names.
  Expected<Target> targetOf(const Elf::Sym& symbol, StringRef name) const {
    const uint32_t home = symbol.st_shndx;
    if (home == ELF::SHN_UNDEF) return internal("generated code needs the external symbol '" + name + "'");
    if (home >= sections_.size())
      return internal("generated code refers to '" + name + "', which is not in the image");
    const auto& section = sections_[home];
    // A symbol of its own is where one constant starts; the section's may be followed by any distance.
    const bool single = (section.sh_flags & ELF::SHF_MERGE) && !(section.sh_flags & ELF::SHF_STRINGS) &&
                        section.sh_entsize != 0 && symbol.getType() != ELF::STT_SECTION &&
                        !relocations_[home] && symbol.st_value % section.sh_entsize == 0 &&
                        symbol.st_value < section.sh_size;
    if (!single) return Target{whole(home), symbol.st_value};
    return Target{{home, symbol.st_value, section.sh_entsize}, 0};
  }

  template <class Function>
  Error eachRelocation(const Piece& piece, Function function) const {
    const Elf::Shdr* section = relocations_[piece.section];
    if (!section) return Error::success();
    auto relocations = file_.relas(*section);
    if (!relocations) return relocations.takeError();
    auto table = file_.getSection(section->sh_link);
    if (!table) return table.takeError();
    auto names = file_.getStringTableForSymtab(**table, sections_);
    if (!names) return names.takeError();
    for (const auto& relocation : *relocations) {
      auto symbol = file_.getRelocationSymbol(relocation, *table);
      if (!symbol) return symbol.takeError();
      if (!*symbol) return internal("a relocation without a symbol");
      auto name = (*symbol)->getName(*names);
      if (!name) return name.takeError();
      auto target = targetOf(**symbol, *name);
      if (!target) return target.takeError();
      if (Error e = function(relocation, *target)) return e;
    }
    return Error::success();
  }

  Error patch(const Elf::Rela& relocation, uint64_t place, uint64_t target) {
    const int64_t distance = static_cast<int64_t>(target - place);
    const uint32_t type = relocation.getType(/*isMips64EL=*/false);
    auto* where = reinterpret_cast<uint8_t*>(image_.bytes.data() + place);
    switch (type) {
      case ELF::R_X86_64_GOTPCREL:
      case ELF::R_X86_64_GOTPCRELX:
      case ELF::R_X86_64_REX_GOTPCRELX:
        // There is no table of addresses: `mov r, [rip + slot]` becomes `lea r, [rip + symbol]`.
        if (relocation.r_offset < 2 || where[-2] != 0x8B)
          return internal("an instruction other than mov reads the global offset table");
        where[-2] = 0x8D;
        [[fallthrough]];
      case ELF::R_X86_64_PC32:
      case ELF::R_X86_64_PLT32:
        if (!isInt<32>(distance)) return internal("an image of more than 2 GiB");
        support::endian::write32le(where, static_cast<uint32_t>(distance));
        return Error::success();
      case ELF::R_X86_64_PC64:
        support::endian::write64le(where, static_cast<uint64_t>(distance));
        return Error::success();
      default:
        return internal("relocation " + object::getELFRelocationTypeName(ELF::EM_X86_64, type) +
                        " is not relative to the image");
    }
  }

  object::ELFFile<Elf> file_;
  Elf::ShdrRange sections_;
  std::vector<const Elf::Shdr*> relocations_;  // of each section
  StringMap<std::pair<Piece, uint64_t>> functions_;
  // of the image being linked
  NativeImage image_;
  std::map<Piece, uint64_t> offset_;  // of each piece
  std::vector<Piece> unvisited_;
};

}  // namespace

Expected<NativeImage> linkImage(ArrayRef<char> object, ArrayRef<std::string> names) {
  auto file = object::ELFFile<Elf>::create(StringRef(object.data(), object.size()));
  if (!file) return file.takeError();
  Linker linker(*file);
  if (Error e = linker.read()) return std::move(e);
  return linker.link(names);
}

Expected<std::vector<NativeImage>> linkImages(ArrayRef<char> object, ArrayRef<std::string> names) {
  auto file = object::ELFFile<Elf>::create(StringRef(object.data(), object.size()));
  if (!file) return file.takeError();
  Linker linker(*file);
  if (Error e = linker.read()) return std::move(e);
  std::vector<NativeImage> images;
  for (const std::string& name : names) {
    auto image = linker.link(name);
    if (!image) return image.takeError();
    images.push_back(std::move(*image));
  }
  return images;
}

void appendImage(NativeImage& all, const NativeImage& image) {
  const uint64_t base = alignTo(all.bytes.size(), 64);
  all.bytes.resize(base);
  all.bytes.insert(all.bytes.end(), image.bytes.begin(), image.bytes.end());
  for (const auto& [name, offset] : image.entries) all.entries.emplace_back(name, base + offset);
  all.cpuFeatures = image.cpuFeatures;
}

}  // namespace wherry::compile::native
