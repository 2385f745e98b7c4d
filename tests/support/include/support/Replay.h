#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <cppunit/TestAssert.h>

#include "support/EngineClient.h"
#include "support/RawClient.h"

namespace socketio::test {

/// One frame that a client sends, or one that it must get next.
struct Line {
    enum class Kind { Says, SaysBytes, Hears, HearsBytes, HearsBeginning, HearsClose };
    Kind kind;
    std::string text;
};
inline Line says(std::string text) { return {Line::Kind::Says, std::move(text)}; }
inline Line saysBytes(std::string bytes) { return {Line::Kind::SaysBytes, std::move(bytes)}; }
inline Line hears(std::string text) { return {Line::Kind::Hears, std::move(text)}; }
inline Line hearsBytes(std::string bytes) { return {Line::Kind::HearsBytes, std::move(bytes)}; }
/// A text that begins like this.
inline Line hearsBeginning(std::string text) {
    return {Line::Kind::HearsBeginning, std::move(text)};
}
inline Line hearsClose() { return {Line::Kind::HearsClose, {}}; }

/// Replays the lines over a WebSocket, frame by frame.
inline void converse(RawClient& client, std::initializer_list<Line> lines) {
    for (const Line& line : lines) {
        if (line.kind == Line::Kind::Says) {
            client.sendText(line.text);
            continue;
        }
        if (line.kind == Line::Kind::SaysBytes) {
            client.sendBinary(line.text);
            continue;
        }
        const RawFrame frame = client.readFrame();
        const int opcode = line.kind == Line::Kind::HearsBytes   ? RawFrame::Binary
                           : line.kind == Line::Kind::HearsClose ? RawFrame::Close
                                                                 : RawFrame::Text;
        const std::string what = "for " + line.text + " came " + frame.payload;
        CPPUNIT_ASSERT_EQUAL_MESSAGE(what, opcode, frame.opcode);
        if (line.kind == Line::Kind::HearsClose) continue;
        CPPUNIT_ASSERT_EQUAL(line.text, line.kind == Line::Kind::HearsBeginning
                                            ? frame.payload.substr(0, line.text.size())
                                            : frame.payload);
    }
}

/// The polling side of a client: one connection for GETs, one for POSTs, each with its headers.
class PollingReplay {
public:
    /// Opens the session. `base` is path and query, to which `&sid=` is added from then on;
    /// `buster` is added for the handshake alone.
    PollingReplay(std::uint16_t port, std::string base, std::string getHeaders = {},
                  std::string postHeaders = {}, std::string_view buster = {})
        : _getter(port),
          _poster(port),
          _getHeaders(std::move(getHeaders)),
          _postHeaders(std::move(postHeaders)) {
        _opening = good(_getter.get(base + std::string(buster), _getHeaders));
        _sid = jsonString(_opening, "sid");
        _target = std::move(base) + "&sid=" + _sid;
    }

    const std::string& sid() const { return _sid; }

    /// A POST, answered `ok`.
    void posts(std::string_view payload) {
        CPPUNIT_ASSERT_EQUAL(std::string("ok"), good(_poster.post(_target, payload, _postHeaders)));
    }
    /// A GET; `buster` is added to its query.
    RawResponse polls(std::string_view buster = {}) {
        return _getter.get(_target + std::string(buster), _getHeaders);
    }
    /// The GET that hearsPoll() answers leaves now.
    void startsPoll() { _getter.request("GET", _target, _getHeaders); }
    std::string takesPoll() { return good(_getter.readResponse()); }
    void hearsPoll(const std::string& payload) { CPPUNIT_ASSERT_EQUAL(payload, takesPoll()); }
    /// Both.
    void hears(const std::string& payload, std::string_view buster = {}) {
        CPPUNIT_ASSERT_EQUAL(payload, good(polls(buster)));
    }
    /// What is said unasked comes with the handshake or with the first poll.
    void hearsUnasked(std::string_view payload, std::string_view buster = {}) {
        const auto ends = [&] {
            return _opening.size() >= payload.size() &&
                   _opening.substr(_opening.size() - payload.size()) == payload;
        };
        if (!ends()) _opening += good(polls(buster));
        CPPUNIT_ASSERT_MESSAGE(_opening, ends());
    }

private:
    static std::string good(const RawResponse& answer) {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(answer.body, 200, answer.status);
        return answer.body;
    }

    RawClient _getter, _poster;
    const std::string _getHeaders, _postHeaders;
    std::string _opening, _sid, _target;
};

}  // namespace socketio::test
