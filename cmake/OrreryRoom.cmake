# orrery_room(NAME core SOURCES a.cpp … DEPENDS core … PUBLIC lib … PRIVATE lib …)
# One target a room: orrery_NAME, exported as orrery::NAME. DEPENDS are rooms to its left in style order.
function(orrery_room)
  cmake_parse_arguments(ROOM "" "NAME" "SOURCES;DEPENDS;PUBLIC;PRIVATE" ${ARGN})
  set(target orrery_${ROOM_NAME})
  add_library(${target} STATIC ${ROOM_SOURCES})
  add_library(orrery::${ROOM_NAME} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${ROOM_NAME} POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  list(TRANSFORM ROOM_DEPENDS PREPEND orrery_)
  target_link_libraries(${target} PUBLIC ${ROOM_DEPENDS} ${ROOM_PUBLIC}
    PRIVATE ${ROOM_PRIVATE} $<BUILD_INTERFACE:orrery_warnings>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_property(GLOBAL APPEND PROPERTY ORRERY_ROOMS ${target})
endfunction()
