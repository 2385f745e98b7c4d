#include "QueueMessage.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "socketio/protocol/EnginePacket.h"
#include "socketio/protocol/JsonCodec.h"
#include "socketio/protocol/SocketPacketDecoder.h"

#include "Pickle.h"

namespace socketio {

namespace {

using Code = DecodeError::Code;
using Method = QueueMessage::Method;

constexpr std::string_view kMethods[] = {"emit",       "callback",   "disconnect",
                                         "enter_room", "leave_room", "close_room"};
// How deep the data may be nested: the message around it counts, too, when it is read.
constexpr std::size_t kDataDepth = JsonCodec::kMaxDepth - 3;

std::size_t countBinary(const Value& value) {
    if (value.isBinary()) return 1;
    std::size_t count = 0;
    for (const Value& item : value.asArray()) count += countBinary(item);
    for (const auto& member : value.asObject()) count += countBinary(member.second);
    return count;
}

// ---- writing ------------------------------------------------------------------------------------

/// One message as a JSON object, its members in the order in which python-socketio has them.
class JsonMessage {
public:
    explicit JsonMessage(QueueDialect dialect) : _dialect(dialect) {}

    void text(std::string_view key, std::string_view value) {
        begin(key);
        string(value);
    }
    void integer(std::string_view key, std::int64_t value) {
        begin(key);
        number(value);
    }
    void flag(std::string_view key, bool value) {
        begin(key);
        _out += value ? "true" : "false";
    }
    /// null, one as it is, or a list.
    void names(std::string_view key, const std::vector<std::string>& values) {
        begin(key);
        if (values.empty())
            _out += "null";
        else if (values.size() == 1)
            string(values.front());
        else
            list(values);
    }
    void callback(const QueueMessage& message) {
        begin("callback");
        if (!message.id) {
            _out += "null";
            return;
        }
        _out += '[';
        string(message.callbackRoom);
        _out += ", ";
        string(message.callbackNsp);
        _out += ", ";
        number(*message.id);
        _out += ']';
    }

    /// `items` from `first` on, as `data` of an emit or as `args` of a callback, which is a list
    /// always; then whether there is binary in them.
    Result<bool> values(std::string_view key, const Value::Array& items, std::size_t first,
                        bool alwaysList) {
        begin(key);
        const std::size_t from = _out.size();
        const std::size_t count = items.size() - first;
        std::vector<Binary> attachments;
        const bool bare = !alwaysList && _dialect == QueueDialect::LegacyJson && count < 2;
        if (!bare) _out += '[';
        for (std::size_t i = first; i < items.size(); ++i) {
            if (i > first) _out += ", ";
            const Result<bool> done =
                JsonCodec::encodeTo(_out, items[i], &attachments, JsonStyle::Python, kDataDepth);
            if (!done) return done;
        }
        if (!bare)
            _out += ']';
        else if (count == 0)
            _out += "null";
        if (attachments.size() > kMaxAttachments)
            return {Code::TooMany, "more than 10 attachments"};
        if (attachments.empty()) return false;
        _out.insert(from, 1, '[');
        for (const Binary& each : attachments) {
            _out += ", \"";
            appendBase64(_out, each.view());
            _out += '"';
        }
        _out += ']';
        return true;
    }

    std::string take() { return std::move(_out); }

private:
    void begin(std::string_view key) {
        _out += _out.empty() ? "{\"" : ", \"";
        _out += key;
        _out += "\": ";
    }
    void string(std::string_view value) { appendJsonString(_out, value, JsonStyle::Python); }
    void number(std::int64_t value) { _out += std::to_string(value); }
    void list(const std::vector<std::string>& values) {
        char before = '[';
        for (const std::string& each : values) {
            _out += before;
            if (before == ',') _out += ' ';
            before = ',';
            string(each);
        }
        _out += ']';
    }

    const QueueDialect _dialect;
    std::string _out;
};

/// The same as a pickle.
class PickledMessage {
public:
    PickledMessage() {
        Pickle::begin(_out);
        _out += Pickle::kDict;
    }

    void text(std::string_view key, std::string_view value) {
        Pickle::text(_out, key);
        Pickle::text(_out, value);
    }
    void integer(std::string_view key, std::int64_t value) {
        Pickle::text(_out, key);
        Pickle::integer(_out, value);
    }
    void flag(std::string_view key, bool value) {
        Pickle::text(_out, key);
        Pickle::value(_out, value);
    }
    void names(std::string_view key, const std::vector<std::string>& values) {
        Pickle::text(_out, key);
        if (values.empty()) {
            Pickle::value(_out, {});
        } else if (values.size() == 1) {
            Pickle::text(_out, values.front());
        } else {
            Value::Array list(values.begin(), values.end());
            Pickle::value(_out, Value(std::move(list)));
        }
    }
    void callback(const QueueMessage& message) {
        Pickle::text(_out, "callback");
        if (!message.id) {
            Pickle::value(_out, {});
            return;
        }
        _out += Pickle::kTuple;
        Pickle::text(_out, message.callbackRoom);
        Pickle::text(_out, message.callbackNsp);
        Pickle::integer(_out, *message.id);
        _out += Pickle::kEndTuple;
    }

    /// Several values are a tuple, one stands bare, none is None. A null alone has to be in a
    /// tuple, or it would be none.
    Result<bool> values(std::string_view key, const Value::Array& items, std::size_t first,
                        bool alwaysTuple) {
        Pickle::text(_out, key);
        const std::size_t count = items.size() - first;
        if (count == 0 && !alwaysTuple) {
            Pickle::value(_out, {});
            return false;
        }
        const bool bare = count == 1 && !alwaysTuple && !items[first].isNull();
        std::size_t attachments = 0;
        if (!bare) _out += Pickle::kTuple;
        for (std::size_t i = first; i < items.size(); ++i) {
            if (!Pickle::value(_out, items[i], kDataDepth))
                return {Code::Malformed, "nested too deep, or a number that is none"};
            attachments += countBinary(items[i]);
        }
        if (!bare) _out += Pickle::kEndTuple;
        if (attachments > kMaxAttachments) return {Code::TooMany, "more than 10 attachments"};
        return false;
    }

    std::string take() { return std::move(_out); }

private:
    std::string _out;
};

template <class Form>
Result<std::string> write(const QueueMessage& message, const Value& values, Form form,
                          bool tellsBinary) {
    form.text("method", kMethods[static_cast<std::size_t>(message.method)]);
    const Value::Array& items = values.asArray();
    switch (message.method) {
        case Method::Emit: {
            form.text("event", items.front().asString());
            const Result<bool> binary = form.values("data", items, 1, false);
            if (!binary) return binary.error();
            if (tellsBinary) form.flag("binary", *binary);
            form.text("namespace", message.nsp);
            form.names("room", message.rooms);
            form.names("skip_sid", message.skipSids);
            form.callback(message);
            if (message.id) form.flag("binary_callback", true);
            break;
        }
        case Method::Callback: {
            form.text("host_id", message.addressee);
            form.text("sid", message.sid);
            form.text("namespace", message.nsp);
            form.integer("id", *message.id);
            const Result<bool> binary = form.values("args", items, 0, true);
            if (!binary) return binary.error();
            if (*binary) form.flag("binary", true);
            break;
        }
        case Method::CloseRoom:
            form.text("room", message.rooms.front());
            form.text("namespace", message.nsp);
            break;
        case Method::EnterRoom:
        case Method::LeaveRoom:
            form.text("sid", message.sid);
            form.text("room", message.rooms.front());
            form.text("namespace", message.nsp);
            break;
        case Method::Disconnect:
            form.text("sid", message.sid);
            form.text("namespace", message.nsp);
            break;
    }
    return form.take();
}

// A callback names its addressee as host_id, so it needs another name for its sender.
std::string_view senderKey(Method method) {
    return method == Method::Callback ? "from" : "host_id";
}

// ---- reading ------------------------------------------------------------------------------------

/// The members of a message. Whatever is of a wrong type is remembered as a problem.
class Members {
public:
    Members(Value message, std::vector<std::string> tuples)
        : _message(std::move(message)), _tuples(std::move(tuples)) {}

    const char* problem = nullptr;

    const Value* find(std::string_view key) const { return std::as_const(_message).find(key); }
    bool isTuple(std::string_view key) const {
        return std::find(_tuples.begin(), _tuples.end(), key) != _tuples.end();
    }

    /// A missing one is null.
    Value take(std::string_view key) { return find(key) ? std::move(_message.at(key)) : Value(); }
    std::string text(std::string_view key, const char* otherwise) {
        Value value = take(key);
        if (!value.isString()) problem = otherwise;
        return std::move(value.makeString());
    }
    /// "" when it is missing or null.
    std::string optionalText(std::string_view key, const char* otherwise) {
        const Value* const value = find(key);
        return value && !value->isNull() ? text(key, otherwise) : std::string();
    }
    bool flag(std::string_view key, const char* otherwise) {
        const Value* const value = find(key);
        if (!value || value->isNull()) return false;
        if (!value->isBool()) problem = otherwise;
        return value->asBool();
    }
    /// null, a string, or a list of strings that is not empty: nobody's is not everybody's.
    std::vector<std::string> names(std::string_view key, bool mayBeEmpty, const char* otherwise) {
        Value value = take(key);
        std::vector<std::string> result;
        if (value.isNull()) return result;
        if (value.isString()) {
            result.push_back(std::move(value.makeString()));
            return result;
        }
        if (!value.isArray() || (value.empty() && !mayBeEmpty)) problem = otherwise;
        for (Value& each : value.makeArray()) {
            if (!each.isString()) problem = otherwise;
            result.push_back(std::move(each.makeString()));
        }
        return result;
    }

private:
    Value _message;
    const std::vector<std::string> _tuples;
};

/// `[data with placeholders, base64...]` back to data.
Result<bool> restoreBinary(Value& value) {
    if (!value.isArray() || value.empty())
        return {Code::Malformed, "binary data without attachments"};
    Value::Array& parts = value.makeArray();
    const std::size_t count = parts.size() - 1;
    if (count > kMaxAttachments) return {Code::TooMany, "more than 10 attachments"};
    AttachmentPlaces places;
    const auto found = findAttachmentPlaces(parts.front(), count, places);
    if (!found) return found;
    for (std::size_t i = 0; i < count; ++i) {
        const Value& text = parts[i + 1];
        if (!text.isString()) return {Code::Malformed, "attachment that is no text"};
        auto bytes = decodeBase64(text.asString());
        if (!bytes) return bytes.error();
        if (places[i]) *places[i] = Binary(std::move(*bytes));
    }
    Value whole = std::move(parts.front());
    value = std::move(whole);
    return true;
}

enum class DataForm { List, Bare, Tuple };

/// What `data` means: python-socketio 5.15.1 always writes a list, those before have one argument
/// bare, and pickles have several in a tuple.
Value::Array arguments(Value data, DataForm form, bool ours) {
    Value::Array items;
    if (data.isNull() && form != DataForm::Tuple) return items;
    if (data.isArray() && form != DataForm::Bare) {
        // [null] of Python is an emit without data; ours is one with null.
        const bool none =
            form == DataForm::List && !ours && data.size() == 1 && data.asArray()[0].isNull();
        if (!none) items = std::move(data.makeArray());
        return items;
    }
    items.push_back(std::move(data));
    return items;
}

const char* readEmit(Members& members, QueueMessage& message, DataForm form) {
    std::string event = members.text("event", "emit without an event");
    if (members.problem) return members.problem;
    if (isReservedEvent(event)) return "emit of a reserved event";
    if (!members.find("data")) return "emit without data";
    if (members.isTuple("data")) form = DataForm::Tuple;
    const bool binary = members.flag("binary", "binary is no bool");
    Value data = members.take("data");
    if (binary)
        if (const auto restored = restoreBinary(data); !restored) return restored.error().detail;
    Value::Array items = arguments(std::move(data), form, message.sequence.has_value());
    items.insert(items.begin(), Value(std::move(event)));
    message.data = Value(std::move(items));
    if (countBinary(message.data) > kMaxAttachments) return "more than 10 attachments";

    message.rooms = members.names("room", false, "room is no text");
    message.skipSids = members.names("skip_sid", true, "skip_sid is no text");
    message.binaryCallback = members.flag("binary_callback", "binary_callback is no bool");
    Value callback = members.take("callback");
    if (callback.isNull()) return nullptr;
    if (!callback.isArray()) return "callback is no list";
    if (callback.size() != 3) return nullptr;  // as python-socketio
    if (!callback.asArray()[0].isString() || !callback.asArray()[1].isString() ||
        !callback.asArray()[2].isInteger())
        return "callback of wrong types";
    message.callbackRoom = std::move(callback.at(0).makeString());
    message.callbackNsp = std::move(callback.at(1).makeString());
    message.id = callback.asArray()[2].asInteger();
    return nullptr;
}

const char* readCallback(Members& members, QueueMessage& message) {
    message.sid = members.text("sid", "callback without a room");
    const Value id = members.take("id");
    if (!id.isInteger()) return "callback without an id";
    message.id = id.asInteger();
    message.binaryCallback = members.flag("binary", "binary is no bool");
    message.data = members.take("args");
    if (message.binaryCallback)
        if (const auto restored = restoreBinary(message.data); !restored)
            return restored.error().detail;
    return message.data.isArray() ? nullptr : "callback without arguments";
}

const char* readMembers(Members& members, QueueMessage& message, DataForm form) {
    const std::string method = members.text("method", "no method");
    const auto* const known = std::find(std::begin(kMethods), std::end(kMethods), method);
    if (known == std::end(kMethods)) return "unknown method";
    message.method = static_cast<Method>(known - std::begin(kMethods));

    if (const Value sequence = members.take("seq"); !sequence.isNull()) {
        if (!sequence.isInteger() || sequence.asInteger() < 1) return "seq is no number";
        message.sequence = static_cast<std::uint64_t>(sequence.asInteger());
    }
    if (message.method == Method::Callback) {
        message.addressee = members.text("host_id", "callback without an addressee");
        message.nsp = members.optionalText("namespace", "namespace is no text");
        message.sender = members.optionalText("from", "from is no text");
        return readCallback(members, message);
    }
    message.sender = members.optionalText("host_id", "host_id is no text");
    message.nsp = members.text("namespace", "no namespace");
    if (message.method == Method::Emit) return readEmit(members, message, form);
    if (message.method != Method::CloseRoom) message.sid = members.text("sid", "no sid");
    if (message.method != Method::Disconnect) message.rooms = {members.text("room", "no room")};
    return nullptr;
}

}  // namespace

Result<std::string> QueueMessage::encode(QueueDialect dialect, const Value& values) const {
    if (dialect == QueueDialect::Pickle) return write(*this, values, PickledMessage(), false);
    return write(*this, values, JsonMessage(dialect), true);
}

void QueueMessage::finish(std::string& text, QueueDialect dialect, Method method,
                          std::uint64_t sequence, std::string_view sender) {
    if (dialect == QueueDialect::Pickle) {
        Pickle::text(text, "seq");
        Pickle::integer(text, static_cast<std::int64_t>(sequence));
        Pickle::text(text, senderKey(method));
        Pickle::text(text, sender);
        text += Pickle::kEndDict;
        Pickle::end(text);
        return;
    }
    text += ", \"seq\": ";
    text += std::to_string(sequence);
    text += ", \"";
    text += senderKey(method);
    text += "\": \"";
    text += sender;
    text += "\"}";
}

bool QueueMessage::isFrom(std::string_view text, std::string_view sender) {
    const auto cut = [&text](std::string_view end) {
        if (!text.ends_with(end)) return false;
        text.remove_suffix(end.size());
        return true;
    };
    if (text.starts_with('{')) {
        // With the number: the host_id at the end of another's callback is its addressee.
        if (!cut("\"}") || !cut(sender) || !cut("\": \"") || !(cut("host_id") || cut("from")) ||
            !cut(", \""))
            return false;
        while (!text.empty() && text.back() >= '0' && text.back() <= '9') text.remove_suffix(1);
        return text.ends_with(", \"seq\": ");
    }
    std::string length("X");
    for (int i = 0; i < 4; ++i) length += static_cast<char>(sender.size() >> 8 * i & 0xFF);
    return cut("u.") && cut(sender) && cut(length) && (cut("host_id") || cut("from"));
}

Result<QueueMessage> QueueMessage::decode(std::string_view bytes, QueueDialect json,
                                          bool readPickle) {
    std::vector<std::string> tuples;
    const bool pickled = bytes.starts_with('\x80');
    if (pickled && !readPickle) return {Code::UnknownType, "a pickle, which is not read"};
    Result<Value> decoded = pickled ? Pickle::decode(bytes, &tuples) : JsonCodec::decode(bytes);
    if (!decoded) return decoded.error();
    if (!decoded->isObject()) return {Code::Malformed, "not a message"};

    Members members(std::move(*decoded), std::move(tuples));
    const bool bare = pickled || json == QueueDialect::LegacyJson || !members.find("binary");
    QueueMessage message;
    const char* problem = readMembers(members, message, bare ? DataForm::Bare : DataForm::List);
    if (!problem) problem = members.problem;
    if (problem) return {Code::Malformed, problem};
    return message;
}

}  // namespace socketio
