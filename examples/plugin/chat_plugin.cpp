// A chat as a plug-in of the program poco-socketio:
//
//     poco-socketio --app libchat_plugin.so --set app.greeting="Welcome!"
//
// Events: "say" (text) to everybody else, acknowledged with how many messages there were; "hello"
// to whoever connects. http://localhost:5000/chat/count shows the count. Change the greeting below,
// build again, and with --reload the running server has it.
#include <atomic>
#include <memory>
#include <string>

#include <socketio/server/Application.h>

namespace {

using namespace socketio;

constexpr const char* kGreeting = "Hello from the plug-in.";

using Counter = std::shared_ptr<std::atomic<unsigned>>;

/// What a browser sees below /chat.
class CountPage : public App {
public:
    explicit CountPage(Counter messages) : _messages(std::move(messages)) {}

    void handle(const Exchange::Ptr& exchange) override {
        if (exchange->environ().path() != "/count") return exchange->respond(Response::notFound());
        exchange->respond(Response::text(200, std::to_string(*_messages) + " messages\n"));
    }

private:
    const Counter _messages;
};

class ChatPlugin : public Application {
public:
    void setup(Server& sio, const ApplicationSettings& settings) override {
        const auto given = settings.find("greeting");
        const std::string greeting = given != settings.end() ? given->second : kGreeting;

        sio.on("connect", [greeting](Socket& socket) { socket.emit("hello", greeting); });
        sio.on("say", [&sio, messages = _messages](Socket& socket, const std::string& text) {
            sio.emit("say", text, {.skipSid = socket.sid()});
            return ++*messages;
        });
    }

    std::shared_ptr<App> app() override { return std::make_shared<CountPage>(_messages); }
    std::string mount() const override { return "/chat"; }

private:
    const Counter _messages = std::make_shared<std::atomic<unsigned>>(0);
};

}  // namespace

SOCKETIO_APPLICATION(ChatPlugin)
