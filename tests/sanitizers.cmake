# How tests run under sanitizers, and under valgrind.

if(ORRERY_SANITIZE)
  # A finding ends its process with a code that the program itself never has. Of memory that was freed little is kept
  # back, or limits on memory meant nothing; a size that can't be had is refused as elsewhere. The search for leaks
  # crashes at times where gcc 12 follows the threads' own memory of modules that are loaded late (__tls_get_addr).
  set(suppressions ${CMAKE_CURRENT_SOURCE_DIR}/support/leaks.supp)
  list(APPEND orrery_test_environment
    "ORRERY_SANITIZE=1"
    "ASAN_OPTIONS=exitcode=99:detect_leaks=1:strict_string_checks=1:quarantine_size_mb=32:allocator_may_return_null=1:intercept_tls_get_addr=0"
    "LSAN_OPTIONS=suppressions=${suppressions}:print_suppressions=0"
    "UBSAN_OPTIONS=exitcode=99:halt_on_error=1:print_stacktrace=1")

  # In every program; as an object, since in a library it would come behind the sanitizer's own.
  add_library(orrery_leaks_of_others OBJECT support/leaks_of_others.cpp)
  target_sources(orrery_core INTERFACE
    $<BUILD_INTERFACE:$<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:$<TARGET_OBJECTS:orrery_leaks_of_others>>>)
  foreach(function dlclose H5FL_blk_malloc)
    target_link_options(orrery_core INTERFACE $<BUILD_INTERFACE:LINKER:--export-dynamic-symbol=${function}>)
  endforeach()

  # A finding in any rank fails a test: the launcher names the code. And without one nothing is found.
  add_executable(planted_finding support/planted_finding.cpp)
  target_link_libraries(planted_finding PRIVATE orrery_parallel orrery_warnings)
  foreach(finding none leak overrun overflow)
    add_test(NAME sanitizers.${finding}
      COMMAND ${MPIEXEC_EXECUTABLE} --oversubscribe --bind-to none -n 2 $<TARGET_FILE:planted_finding> ${finding})
    set_tests_properties(sanitizers.${finding} PROPERTIES TIMEOUT 120 LABELS "mpi;ranks2" PROCESSORS 2
      ENVIRONMENT "${orrery_test_environment}")
    if(NOT finding STREQUAL none)
      set_tests_properties(sanitizers.${finding} PROPERTIES PASS_REGULAR_EXPRESSION "[Ee]xit code: +99")
    endif()
  endforeach()
endif()

# orrery_memcheck(NAME TARGET): the test again under valgrind's memcheck.
function(orrery_memcheck name target)
  if(NOT ORRERY_LONG_TESTS OR ORRERY_SANITIZE)
    return()
  endif()
  add_test(NAME valgrind.${name}
    COMMAND valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect
      --num-callers=24 --suppressions=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/support/valgrind.supp $<TARGET_FILE:${target}>)
  set_tests_properties(valgrind.${name} PROPERTIES LABELS "long;valgrind"
    ENVIRONMENT "${orrery_test_environment};ORRERY_TEST_PATIENCE=30" TIMEOUT 1800)
endfunction()
