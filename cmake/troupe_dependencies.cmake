# Everything that Troupe links, each found once. The installed package reads
# this same list.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(CAF 0.18.7 COMPONENTS core)
find_dependency(fmt)
find_dependency(tomlplusplus)
find_dependency(nlohmann_json)
find_dependency(ZLIB)
find_dependency(OpenSSL COMPONENTS Crypto SSL)
find_dependency(prometheus-cpp)
find_dependency(Boost 1.74) # headers alone
find_dependency(PkgConfig)
pkg_check_modules(openblas REQUIRED IMPORTED_TARGET openblas)
