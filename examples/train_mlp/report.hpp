// report.hpp: what a person sees: a progress bar per epoch, and the loss curve as a picture.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>
#include <wherry/status/error.hpp>

namespace train {

/// One line that is redrawn on a terminal, and printed once at the end of the epoch elsewhere.
class progress {
 public:
  progress(std::size_t epoch, std::size_t epochs, std::size_t steps, std::size_t batch)
      : epoch_(epoch), epochs_(epochs), steps_(steps), batch_(batch) {}

  /// One more step is done. On a terminal, draws the line again now and then.
  void step(float loss) {
    ++done_;
    sum_ += static_cast<double>(loss);
    const auto now = clock::now();
    if (!isatty(STDOUT_FILENO) || now - drawn_ < std::chrono::milliseconds(100)) return;
    drawn_ = now;
    draw(loss, ' ');
  }
  /// Draws the line for the last time, with the mean loss of the epoch.
  void end() { draw(done_ ? sum_ / static_cast<double>(done_) : 0, '\n'); }

 private:
  using clock = std::chrono::steady_clock;
  void draw(double loss, char last) {
    const double seconds = std::chrono::duration<double>(clock::now() - start_).count();
    const std::size_t filled = steps_ ? 30 * std::min(done_, steps_) / steps_ : 30;
    std::printf("%sepoch %zu/%zu [%s%s] loss %.4f, %.0f images/s%c", isatty(STDOUT_FILENO) ? "\r\x1b[K" : "",
                epoch_, epochs_, std::string(filled, '#').c_str(), std::string(30 - filled, '.').c_str(),
                loss, static_cast<double>(done_ * batch_) / seconds, last);
    std::fflush(stdout);
  }

  std::size_t epoch_, epochs_, steps_, batch_;
  std::size_t done_ = 0;
  double sum_ = 0;
  clock::time_point start_ = clock::now();
  clock::time_point drawn_{};
};

/// Throws if no file can be made at `path`, before anything has been done for it.
inline void require_writable(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
  if (std::filesystem::is_directory(path) || !std::filesystem::is_directory(folder)) {
    throw wherry::error(
        absl::StatusCode::kInvalidArgument,
        path + ": cannot be written: " +
            (std::filesystem::is_directory(path) ? "a folder has this name" : "there is no such folder"));
  }
  if (::access(folder.c_str(), W_OK) != 0) {
    throw wherry::error(absl::StatusCode::kPermissionDenied,
                        path + ": cannot be written: " + std::strerror(errno));
  }
}

/// Writes `losses`, one a step, as an SVG line with axes; the file appears by rename.
inline void write_curve(const std::string& path, const std::vector<float>& losses) {
  constexpr double width = 720, height = 400, left = 60, bottom = 40, top = 20, right = 20;
  const double highest =
      losses.empty() ? 1
                     : std::max(1e-3, static_cast<double>(*std::max_element(losses.begin(), losses.end())));
  const auto x = [&](double step) {
    return left + (width - left - right) * step / std::max<double>(1, static_cast<double>(losses.size()) - 1);
  };
  const auto y = [&](double loss) { return height - bottom - (height - bottom - top) * loss / highest; };
  const std::string part = path + ".part";
  {
    std::ofstream out(part);
    out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\"" << height
        << "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" "
           "fill=\"white\"/>\n";
    for (int k = 0; k <= 4; ++k) {
      const double loss = highest * k / 4;
      out << "<line x1=\"" << left << "\" x2=\"" << width - right << "\" y1=\"" << y(loss) << "\" y2=\""
          << y(loss) << "\" stroke=\"#ddd\"/>\n<text x=\"" << left - 8 << "\" y=\"" << y(loss) + 4
          << "\" text-anchor=\"end\">" << std::round(loss * 100) / 100 << "</text>\n";
    }
    out << "<text x=\"" << width / 2 << "\" y=\"" << height - 8 << "\" text-anchor=\"middle\">step (of "
        << losses.size() << ")</text>\n<text x=\"16\" y=\"" << height / 2
        << "\" text-anchor=\"middle\" transform=\"rotate(-90 16 " << height / 2
        << ")\">training loss</text>\n<polyline fill=\"none\" stroke=\"#1f77b4\" points=\"";
    for (std::size_t k = 0; k < losses.size(); ++k)
      out << x(static_cast<double>(k)) << ',' << y(losses[k]) << ' ';
    out << "\"/>\n</svg>\n";
    if (!out.flush()) {
      std::filesystem::remove(part);
      throw wherry::error(absl::StatusCode::kResourceExhausted,
                          path + ": cannot be written (is the disk full?)");
    }
  }
  std::filesystem::rename(part, path);
}

}  // namespace train
