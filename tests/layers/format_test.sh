#!/usr/bin/env bash
# Every C++ source is formatted as .clang-format says. Usage: format_test.sh CLANG_FORMAT ROOT
set -euo pipefail
cd "$2"
find include lib examples benchmarks tests \( -name '*.hpp' -o -name '*.cpp' -o -name '*.h' \) -print0 |
  xargs -0 "$1" --dry-run -Werror
