# orrery_room(NAME core SOURCES a.cpp … DEPENDS core … PUBLIC lib … PRIVATE lib …)
# One target a room: orrery_NAME, exported as orrery::NAME. DEPENDS are rooms to its left in style order.

# Most of a source's compile time goes into LibTorch's and the standard library's headers: sources of a room share them.
# Names in unnamed namespaces must therefore differ within a room. So many at once keep both a cold build on few cores
# and the rebuild after a change short.
set(ORRERY_SOURCES_AT_ONCE 12 CACHE STRING "Sources of a room that are compiled together (0: all)")

function(orrery_room)
  cmake_parse_arguments(ROOM "" "NAME" "SOURCES;DEPENDS;PUBLIC;PRIVATE" ${ARGN})
  set(target orrery_${ROOM_NAME})
  add_library(${target} STATIC ${ROOM_SOURCES})
  add_library(orrery::${ROOM_NAME} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${ROOM_NAME} POSITION_INDEPENDENT_CODE ON)
  if(ORRERY_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${ORRERY_SOURCES_AT_ONCE})
  endif()
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  list(TRANSFORM ROOM_DEPENDS PREPEND orrery_)
  target_link_libraries(${target} PUBLIC ${ROOM_DEPENDS} ${ROOM_PUBLIC}
    PRIVATE ${ROOM_PRIVATE} $<BUILD_INTERFACE:orrery_warnings>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_property(GLOBAL APPEND PROPERTY ORRERY_ROOMS ${target})
endfunction()
