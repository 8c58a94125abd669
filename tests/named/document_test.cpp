// docs/kernels.md lists what the registry holds.
//
// The part of the page behind its mark is written by this test: run it with WHERRY_WRITE_DOCUMENTS=1 after a
// change of a signature.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <wherry/exec/named_kernel.hpp>

namespace wherry {
namespace {

std::string cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped;
}

std::string default_of(const kernel_parameter& p) {
  if (!p.fallback) return "required";
  return p.fallback->list() && p.fallback->list()->empty() ? "none" : to_string(*p.fallback);
}

std::string section(const kernel_signature& k) {
  std::ostringstream out;
  out << "### " << k.name << "\n\n"
      << k.formula << ".\n\n| argument | takes | default | meaning |\n|---|---|---|---|\n";
  for (const kernel_input& i : k.inputs) {
    out << "| " << i.name << " | "
        << (i.repeated   ? "inputs"
            : i.optional ? "input, optional"
                         : "input")
        << " | | " << cell(i.doc) << " |\n";
  }
  for (const kernel_parameter& p : k.parameters) {
    out << "| `" << p.name << "`" << (p.is_operand ? "" : " *") << " | " << expected_of(p) << " | "
        << default_of(p) << " | " << cell(p.doc) << " |\n";
  }
  out << "| output | | | " << cell(k.output) << " |\n\n";
  return out.str();
}

std::string page() {
  std::string text;
  for (const char* const family : {"compute", "video", "audio"}) {
    text += "## " + std::string(1, static_cast<char>(family[0] - 'a' + 'A')) + (family + 1) + "\n\n";
    for (const kernel_signature* k : named_kernels::instance().all())
      if (k->family == family) text += section(*k);
  }
  text.pop_back();
  return text;
}

TEST(NamedKernels, are_those_of_the_page) {
  const std::string path = WHERRY_SOURCE_DIR "/docs/kernels.md",
                    mark = "<!-- tests/named/document_test.cpp writes what follows. -->\n\n";
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  const std::string text = content.str();
  const std::size_t at = text.find(mark);
  ASSERT_NE(at, std::string::npos) << path << " has no mark";
  const std::string written = text.substr(0, at + mark.size()) + page();
  if (std::getenv("WHERRY_WRITE_DOCUMENTS"))
    std::ofstream(path) << written;
  else
    EXPECT_EQ(text, written);

  std::size_t count = 0;
  for (const kernel_signature* k : named_kernels::instance().all()) count += k->family == "test" ? 0 : 1;
  EXPECT_EQ(count, 33U);
  for (const char* const name : {"elementwise_add",
                                 "elementwise_mul",
                                 "elementwise_sub",
                                 "elementwise_div",
                                 "relu",
                                 "sigmoid",
                                 "tanh",
                                 "yuv_to_rgb",
                                 "overlay_alpha",
                                 "video_mix",
                                 "gaussian_blur",
                                 "bicubic_scale",
                                 "lut_apply",
                                 "chroma_key",
                                 "sharpen",
                                 "brightness_contrast",
                                 "denoise",
                                 "video_crop",
                                 "pcm_mix",
                                 "pcm_normalize",
                                 "biquad_filter",
                                 "fft_convolve",
                                 "resample_linear",
                                 "dynamics_compress",
                                 "matmul",
                                 "reduce_sum",
                                 "reduce_max",
                                 "reduce_min",
                                 "softmax",
                                 "layer_norm",
                                 "conv2d",
                                 "transpose",
                                 "reshape"})
    EXPECT_EQ(named_kernels::instance().at(name).signature().name, name);
}

}  // namespace
}  // namespace wherry
