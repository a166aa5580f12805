# Shared by the scripts beside it; sourced, never run.
caf_version=0.18.7
script=${0##*/}

say() { printf '%s: %s\n' "$script" "$*"; }
fail() { # MESSAGE [EXIT CODE]
  printf '%s: %s\n' "$script" "$1" >&2
  exit "${2:-1}"
}

# Is the CAF that Troupe needs installed below DIR, completely?
caf_present() { # DIR LIBRARY...
  local dir=$1 version_file=$1/lib/cmake/CAF/CAFConfigVersion.cmake library
  shift
  grep -qs "PACKAGE_VERSION \"$caf_version\"" "$version_file" || return 1
  for library; do
    [ -e "$dir/lib/libcaf_$library.so" ] || return 1
  done
}

# The places where scripts/setup puts CAF, the likeliest first.
caf_prefixes() {
  cat build/prefix 2>/dev/null || true
  printf '%s\n' /usr/local "${HOME:-/root}/.local"
}

find_caf() {
  local dir
  while read -r dir; do
    caf_present "$dir" core && echo "$dir" && return 0
  done < <(caf_prefixes)
  return 1
}

find_tsan_caf() {
  local dir
  while read -r dir; do
    caf_present "$dir/troupe-tsan" core && echo "$dir/troupe-tsan" && return 0
  done < <(caf_prefixes)
  return 1
}

# Is there a GPU that CUDA's driver would run on?
has_gpu() {
  [ -e /dev/nvidiactl ] || [ -e /dev/dxg ]
}

find_nvcc() {
  command -v nvcc /usr/local/cuda/bin/nvcc 2>/dev/null | head -n 1 | grep .
}
