# Builds and runs a consumer project as its author would, in a folder of its own.
#
#   cmake -DCONSUMER=<folder> -DWORK=<folder> -DBUILD=<build of wherry> -DSOURCE=<wherry> -DCXX=... -DC=... -DGENERATOR=...
#         -P consumer.cmake

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGV}: ${result}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix --component wherry)
run(${CMAKE_COMMAND} -S ${CONSUMER} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_C_COMPILER=${C}
    -DCMAKE_PREFIX_PATH=${WORK}/prefix -DWHERRY_SOURCE=${SOURCE})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)
