# Install rules: headers, the targets file and a package that find_package(wherry) finds.

include(CMakePackageConfigHelpers)
set(wherry_package ${CMAKE_INSTALL_LIBDIR}/cmake/wherry)

install(TARGETS wherry EXPORT wherry-targets FILE_SET HEADERS COMPONENT wherry)
if(TARGET wherry_files)
  install(TARGETS wherry_files EXPORT wherry-targets COMPONENT wherry)
  set_target_properties(wherry_files PROPERTIES EXPORT_NAME files)
endif()
install(EXPORT wherry-targets NAMESPACE wherry:: DESTINATION ${wherry_package} COMPONENT wherry)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/wherry-config.cmake.in
                              ${PROJECT_BINARY_DIR}/wherry-config.cmake INSTALL_DESTINATION ${wherry_package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/wherry-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/wherry-config.cmake ${PROJECT_BINARY_DIR}/wherry-config-version.cmake
        DESTINATION ${wherry_package} COMPONENT wherry)
