# prepare.sh: what ./tests/run and ./examples/run share: packages, configuration, build. Sourced by bash
# from the root of the repository.
#
#   prepare TARGET...   installs what is missing, configures build/release, builds the targets
#
# Quick when nothing has changed: one dpkg query and one look by ninja. Fails with a sentence that says
# what to do; nothing is installed where nothing is missing.

packages=(
  cmake ninja-build ccache pkg-config git python3
  clang-22 lld-22 libclang-rt-22-dev clang-format-22 clang-tidy-22 g++
  llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools libzstd-dev zlib1g-dev
  liburing-dev ocl-icd-opencl-dev opencl-clhpp-headers pocl-opencl-icd
  libabsl-dev nlohmann-json3-dev libcli11-dev liblapacke-dev
  libgtest-dev libgmock-dev libbenchmark-dev dataset-fashion-mnist
)

fail() {
  printf 'error: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
  exit 1
}

say() { printf '%s\n' "$*" >&2; }

missing_packages() {
  local installed
  # dpkg-query fails where it does not know a package: that is an answer here.
  installed=$({ dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${packages[@]}" 2>/dev/null || true; } |
    sed -n 's/^ii *//p' | sort)
  comm -23 <(printf '%s\n' "${packages[@]}" | sort) <(printf '%s\n' "$installed")
}

# Runs apt-get as root; its output goes to the file named first.
apt_get() {
  local log=$1
  shift
  "${root_command[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q \
    -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1
}

installable() {
  LC_ALL=C apt-cache policy "$@" 2>/dev/null | awk '/Candidate:/ { n += $2 != "(none)" } END { print n + 0 }'
}

install_packages() {
  local distribution name tool log
  local -a missing
  distribution=$(. /etc/os-release 2>/dev/null && printf '%s %s' "${ID:-}" "${VERSION_ID:-}")
  name=$(. /etc/os-release 2>/dev/null && printf '%s' "${PRETTY_NAME:-}")
  if [ "$distribution" != "debian 12" ] || ! command -v apt-get >/dev/null; then
    for tool in cmake ninja ccache clang++-22 python3; do
      command -v "$tool" >/dev/null || fail \
        "this is ${name:-an unknown system}, and $tool is missing; packages are installed on Debian 12 only" \
        "elsewhere, install the equivalents of: ${packages[*]}"
    done
    say "note: this is ${name:-an unknown system}, not Debian 12: packages are taken as they are"
    return 0
  fi

  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -gt 0 ] || return 0
  root_command=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || fail \
      "packages are missing, and installing them needs root or sudo without a password" \
      "as root: apt-get install --no-install-recommends ${missing[*]}"
    root_command=(sudo -n)
  fi

  say "installing packages: ${missing[*]}"
  log=$(mktemp)
  apt_get "$log" update || say "note: apt-get update reported errors; going on with the lists there are"
  if [ "$(installable "${missing[@]}")" -ne ${#missing[@]} ]; then
    grep -qE '^(Err:|W: Failed|E: )' "$log" && fail \
      "packages cannot be found, and apt-get update failed: is there a network?" \
      "$(grep -m3 -E '^(Err:|W: Failed|E: )' "$log")" "the whole log: $log"
    fail "apt knows no candidate for some of: ${missing[*]}" \
      "clang, LLVM and MLIR 22 come with Debian's security suite; apt needs a source with" \
      "the suite bookworm-security and the component main" "the whole log: $log"
  fi
  apt_get "$log" install --no-install-recommends "${missing[@]}" || fail \
    "apt-get install failed: is there a network, and space on the disk?" "$(tail -n 5 "$log")" \
    "the whole log: $log"
  rm -f "$log"
}

# io_uring_setup(1, zeroed parameters): allowed at all? The library itself falls back to poll.
note_kernel_features() {
  python3 - <<'EOF' >&2 || true
import ctypes, errno, os, platform
if platform.machine() == "x86_64":
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(425, 1, ctypes.create_string_buffer(120))
    if fd >= 0:
        os.close(fd)
    else:
        code = ctypes.get_errno()
        reason = {errno.ENOSYS: "the kernel has none", errno.EPERM: "a seccomp profile or "
                  "kernel.io_uring_disabled forbids it"}.get(code, os.strerror(code))
        print(f"note: io_uring is not available ({reason}); event loops use poll instead")
EOF
}

# Debug information and MLIR headers make a compiler process take up to 1.5 GiB.
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1572864) }' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  printf '%s' $((cores < memory ? cores : memory))
}

prepare() {
  local build=build/release home
  [ "$(uname -m)" = x86_64 ] || fail "wherry's kernels are for x86-64, and this is $(uname -m)"
  install_packages
  note_kernel_features
  if [ -f $build/CMakeCache.txt ]; then
    home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' $build/CMakeCache.txt)
    [ "$home" = "$PWD" ] || rm -rf $build # the checkout was moved: CMake refuses such a folder
  fi
  if [ ! -f $build/build.ninja ] || [ CMakePresets.json -nt $build/build.ninja ]; then
    cmake --preset release >&2 || fail "configuring failed; the reason is above"
  fi
  cmake --build $build -j "$(build_jobs)" --target "$@" >&2 || fail "the build failed; the reason is above"
}
