// placeholder until the real-scan rows below are written
#include "support/support.hpp"
