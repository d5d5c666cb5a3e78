# `cmake --install`: the program and its jobs for Slurm, the rooms as libraries and headers, and a package that
# find_package(orrery) finds.
include(CMakePackageConfigHelpers)
set(orrery_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/orrery)

get_property(orrery_rooms GLOBAL PROPERTY ORRERY_ROOMS)
install(TARGETS ${orrery_rooms} EXPORT orrery ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/orrery DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY slurm DESTINATION ${CMAKE_INSTALL_DATADIR}/orrery)
install(EXPORT orrery NAMESPACE orrery:: FILE orreryTargets.cmake DESTINATION ${orrery_package_dir})
configure_package_config_file(cmake/orreryConfig.cmake.in ${PROJECT_BINARY_DIR}/orreryConfig.cmake
  INSTALL_DESTINATION ${orrery_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/orreryConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/orreryConfig.cmake ${PROJECT_BINARY_DIR}/orreryConfigVersion.cmake
  cmake/OrreryDependencies.cmake DESTINATION ${orrery_package_dir})
