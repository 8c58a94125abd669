// precompiled.cpp: holds what the programs of tests include, compiled once (tests/CMakeLists.txt).
