// An application that says its number, NUMBER; several builds of it stand for several versions.
#include <socketio/server/Application.h>

#if NUMBER == 3
extern "C" int a_function_that_is_nowhere();
#endif

namespace {

class Page : public socketio::App {
public:
    void handle(const socketio::Exchange::Ptr& exchange) override {
        exchange->respond(socketio::Response::text(200, "number " + std::to_string(NUMBER)));
    }
};

}  // namespace

/// Not in an unnamed namespace: the functions of two versions have the same names.
class Numbered : public socketio::Application {
public:
    void setup(socketio::Server& sio, const socketio::ApplicationSettings& settings) override;
    std::shared_ptr<socketio::App> app() override { return std::make_shared<Page>(); }
};

void Numbered::setup(socketio::Server& sio, const socketio::ApplicationSettings& settings) {
#if NUMBER == 3
    a_function_that_is_nowhere();
#endif
    if (settings.count("fail") || NUMBER == 4) throw std::runtime_error("the set-up of 4 fails");
    sio.on("number", [] { return NUMBER; });
}

#if NUMBER != 5
SOCKETIO_APPLICATION(Numbered)
#endif
