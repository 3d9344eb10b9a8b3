// A test that needs what the host lacks says so by name, so that the lanes can count what was not proved.
#pragma once

#include <catch2/catch.hpp>

#include <iostream>

// Leaves the test case.
#define SKIP_UNLESS(condition, reason)                                                                            \
    do {                                                                                                          \
        if (!(condition)) {                                                                                       \
            std::cout << "SKIPPED: " << Catch::getResultCapture().getCurrentTestName() << ": " << (reason) << std::endl; \
            return;                                                                                               \
        }                                                                                                         \
    } while (false)
