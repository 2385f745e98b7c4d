#include "socketio/managers/Callback.h"

#include <Poco/Exception.h>

namespace socketio::detail {

std::string describeProblem(std::size_t index, bool missing, const ConversionError& error) {
    std::string problem = "argument " + std::to_string(index + 1);
    problem += missing ? " is missing" : ": " + error.message();
    return problem;
}

void refuseAcknowledgement(const std::string& problem) { throw Poco::DataFormatException(problem); }

}  // namespace socketio::detail
