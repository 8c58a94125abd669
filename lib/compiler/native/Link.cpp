// Link.cpp: a linker for kernels: one ELF object in, one position-independent image out.
//
// Kernels call nothing and own no variables, so the image is code followed by constants, and every
// relocation is a distance inside it (System V ABI for x86-64, table 4.9). It is mapped read-execute as
// a whole, at any page; nothing needs to be patched at load time.

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

  Error run() {
    auto sections = file_.sections();
    if (!sections) return sections.takeError();
    sections_ = *sections;
    if (Error e = layOut()) return e;
    for (const auto& section : sections_) {
      if (section.sh_type == ELF::SHT_REL) return internal("relocations without addends in an object");
      if (section.sh_type == ELF::SHT_RELA && offset_[section.sh_info] != absent)
        if (Error e = relocate(section)) return e;
    }
    return Error::success();
  }

  std::vector<std::byte> takeBytes() { return std::move(bytes_); }

  // Returns the offsets of all defined functions by name.
  Expected<StringMap<uint64_t>> functions() const {
    StringMap<uint64_t> result;
    for (const auto& table : sections_) {
      if (table.sh_type != ELF::SHT_SYMTAB) continue;
      auto symbols = file_.symbols(&table);
      if (!symbols) return symbols.takeError();
      auto names = file_.getStringTableForSymtab(table, sections_);
      if (!names) return names.takeError();
      for (const auto& symbol : *symbols) {
        if (symbol.getType() != ELF::STT_FUNC || symbol.st_shndx == ELF::SHN_UNDEF) continue;
        auto name = symbol.getName(*names);
        if (!name) return name.takeError();
        result[*name] = offset_[symbol.st_shndx] + symbol.st_value;
      }
    }
    return result;
  }

 private:
  static constexpr uint64_t absent = ~uint64_t{0};

  // Code first, then constants. Unwind tables are dropped: no exception passes through a kernel.
  Error layOut() {
    offset_.assign(sections_.size(), absent);
    for (bool code : {true, false})
      for (auto [i, section] : enumerate(sections_)) {
        if (!(section.sh_flags & ELF::SHF_ALLOC) || section.sh_size == 0) continue;
        if (bool(section.sh_flags & ELF::SHF_EXECINSTR) != code) continue;
        auto name = file_.getSectionName(section);
        if (!name) return name.takeError();
        if (*name == ".eh_frame" || section.sh_type == ELF::SHT_NOTE) continue;
        const bool constant = !(section.sh_flags & ELF::SHF_WRITE) || name->starts_with(".data.rel.ro");
        if (section.sh_type != ELF::SHT_PROGBITS || !constant)
          return internal("kernels have no variables, but the object has section " + *name);
        auto contents = file_.getSectionContents(section);
        if (!contents) return contents.takeError();
        offset_[i] = alignTo(bytes_.size(), std::max<uint64_t>(1, section.sh_addralign));
        bytes_.resize(offset_[i], code ? std::byte{0xCC} : std::byte{0});
        auto* data = reinterpret_cast<const std::byte*>(contents->data());
        bytes_.insert(bytes_.end(), data, data + contents->size());
      }
    return Error::success();
  }

  Error relocate(const Elf::Shdr& section) {
    auto relocations = file_.relas(section);
    if (!relocations) return relocations.takeError();
    auto table = file_.getSection(section.sh_link);
    if (!table) return table.takeError();
    for (const auto& relocation : *relocations) {
      auto symbol = file_.getRelocationSymbol(relocation, *table);
      if (!symbol) return symbol.takeError();
      if (!*symbol) return internal("a relocation without a symbol");
      auto names = file_.getStringTableForSymtab(**table, sections_);
      if (!names) return names.takeError();
      auto name = (*symbol)->getName(*names);
      if (!name) return name.takeError();
      const uint32_t home = (*symbol)->st_shndx;
      if (home == ELF::SHN_UNDEF) return internal("generated code needs the external symbol '" + *name + "'");
      if (home >= offset_.size() || offset_[home] == absent)
        return internal("generated code refers to '" + *name + "', which is not in the image");
      const uint64_t target = offset_[home] + (*symbol)->st_value + relocation.r_addend;
      if (Error e = patch(relocation, offset_[section.sh_info] + relocation.r_offset, target)) return e;
    }
    return Error::success();
  }

  Error patch(const Elf::Rela& relocation, uint64_t place, uint64_t target) {
    const int64_t distance = static_cast<int64_t>(target - place);
    const uint32_t type = relocation.getType(/*isMips64EL=*/false);
    auto* where = reinterpret_cast<uint8_t*>(bytes_.data() + place);
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
  std::vector<uint64_t> offset_;  // of each section in the image
  std::vector<std::byte> bytes_;
};

}  // namespace

Expected<NativeImage> linkImage(ArrayRef<char> object, ArrayRef<std::string> names) {
  auto file = object::ELFFile<Elf>::create(StringRef(object.data(), object.size()));
  if (!file) return file.takeError();
  Linker linker(*file);
  if (Error e = linker.run()) return std::move(e);
  auto functions = linker.functions();
  if (!functions) return functions.takeError();
  NativeImage image;
  for (const std::string& name : names) {
    auto found = functions->find(name);
    if (found == functions->end()) return internal("the object has no function '" + name + "'");
    image.entries.emplace_back(name, found->second);
  }
  image.bytes = linker.takeBytes();
  return image;
}

}  // namespace wherry::compile::native
