// Linked into every test binary: how the sanitizers behave there, whoever
// starts it. The options are strings that the runtimes ask for at start.

extern "C" {

const char* __asan_default_options() {
  return "detect_stack_use_after_return=1:check_initialization_order=1";
}

const char* __ubsan_default_options() {
  return "print_stacktrace=1";
}

const char* __tsan_default_options() {
  return "halt_on_error=1:second_deadlock_stack=1";
}

} // extern "C"
