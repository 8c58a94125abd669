// plan_runner.hpp: walks a native plan on the calling thread, the plain way, for the tests of the compiler.
#pragma once

#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>
#include <wherry/exec/compiler.hpp>
#include <wherry/exec/image.hpp>
#include <wherry/exec/kernel_registry.hpp>
#include <wherry/exec/plan.hpp>

namespace wherry::testing {

inline plan compile_text(std::string_view source, std::string_view function = {}) {
  compile_request request;
  request.source = source;
  request.source_name = "test.mlir";
  request.function = function;
  return compiler::installed()->compile(request);
}

/// Memory of one slot region, aligned as kernels expect.
class aligned_memory {
 public:
  explicit aligned_memory(std::size_t bytes)
      : data_(static_cast<std::byte*>(::operator new(bytes + 64, std::align_val_t(64)))) {}
  std::byte* data() const { return data_.get(); }

 private:
  struct release {
    void operator()(std::byte* p) const { ::operator delete(p, std::align_val_t(64)); }
  };
  std::unique_ptr<std::byte, release> data_;
};

class plan_runner {
 public:
  enum class donation { off, on };

  /// `split` is how many units of work a kernel gets at a time; 0: all at once.
  explicit plan_runner(const plan& p, std::int64_t split = 0)
      : plan_(p), constants_(p.constants.size()), split_(split) {
    if (!p.image.empty()) image_.emplace(p);
    std::memcpy(constants_.data(), p.constants.data(), p.constants.size());
  }

  /// Runs the plan on copies of `inputs` and returns its outputs as bytes. With donation the outputs that
  /// may live in an input do. The arena is full of garbage at the start.
  std::vector<std::vector<std::byte>> run(const std::vector<std::vector<std::byte>>& inputs,
                                          donation donate = donation::off) {
    if (inputs.size() != plan_.inputs.size()) throw std::runtime_error("wrong number of inputs");
    inputs_.clear();
    outputs_.clear();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].size() != plan_.inputs[i].bytes())
        throw std::runtime_error("wrong size of input " + std::to_string(i));
      auto memory = std::make_shared<aligned_memory>(inputs[i].size());
      std::memcpy(memory->data(), inputs[i].data(), inputs[i].size());
      inputs_.push_back(memory);
    }
    for (const tensor_type& type : plan_.outputs) {
      outputs_.push_back(std::make_shared<aligned_memory>(type.bytes()));
      std::memset(outputs_.back()->data(), 0xA5, type.bytes());
    }
    if (donate == donation::on)
      for (const alias& pair : plan_.aliases) outputs_[pair.output] = inputs_[pair.input];
    arena_ = std::make_shared<aligned_memory>(plan_.arena_bytes);
    std::memset(arena_->data(), 0xA5, plan_.arena_bytes);
    run_block(0);
    std::vector<std::vector<std::byte>> results;
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      results.emplace_back(outputs_[i]->data(), outputs_[i]->data() + plan_.outputs[i].bytes());
    return results;
  }

 private:
  void* address(std::uint32_t index) const {
    const slot& s = plan_.slots[index];
    switch (s.where) {
      case slot::region::input:
        return inputs_[s.index]->data() + s.offset;
      case slot::region::output:
        return outputs_[s.index]->data() + s.offset;
      case slot::region::arena:
        return arena_->data() + s.offset;
      case slot::region::constant:
        return constants_.data() + s.offset;
    }
    return nullptr;
  }

  native_kernel code(std::uint32_t index) const {
    const kernel& k = plan_.kernels[index];
    if (k.from == kernel::origin::image) return image_.value().entry(k.entry);
    const registered_kernel* found = kernel_registry::instance().find(k.name);
    if (found == nullptr) throw std::runtime_error("no prebuilt kernel " + k.name);
    return found->native;
  }

  void run_block(std::uint32_t block) {
    for (const step& s : plan_.blocks[block]) run_step(s);
  }

  void run_step(const step& s) {
    switch (s.what) {
      case step::kind::launch: {
        std::vector<void*> slots;
        for (const std::uint32_t index : s.slots) slots.push_back(address(index));
        const native_kernel run = code(s.kernel);
        const std::int64_t part = split_ > 0 ? split_ : s.extent;
        // Last units first: nothing may depend on the order.
        for (std::int64_t high = s.extent; high > 0; high -= part)
          run(slots.data(), high > part ? high - part : 0, high);
        break;
      }
      case step::kind::copy:
        std::memmove(address(s.slots[1]), address(s.slots[0]), plan_.slots[s.slots[1]].bytes);
        break;
      case step::kind::loop:
        for (std::int64_t trips = 0;; ++trips) {
          run_block(s.blocks[0]);
          const bool goes_on = *static_cast<const unsigned char*>(address(s.slots[0])) != 0;
          if (s.trips >= 0 && goes_on != (trips < s.trips)) throw std::runtime_error("wrong trip count");
          if (!goes_on) break;
          run_block(s.blocks[1]);
        }
        break;
      case step::kind::branch: {
        std::int32_t chosen = 0;
        std::memcpy(&chosen, address(s.slots[0]), sizeof chosen);
        const auto count = static_cast<std::int32_t>(s.blocks.size());
        run_block(s.blocks[static_cast<std::size_t>(chosen >= 0 && chosen < count ? chosen : count - 1)]);
        break;
      }
      case step::kind::call:
        throw std::runtime_error("a call, which needs an executable");
    }
  }

  const plan& plan_;
  std::optional<image> image_;
  std::vector<std::shared_ptr<aligned_memory>> inputs_, outputs_;
  std::shared_ptr<aligned_memory> arena_;
  aligned_memory constants_;
  std::int64_t split_;
};

template <class T>
std::vector<std::byte> bytes_from(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <class T>
std::vector<T> values_from(const std::vector<std::byte>& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace wherry::testing
