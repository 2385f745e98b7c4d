#include "ConfigFile.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include <Poco/AutoPtr.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>
#include <Poco/Path.h>
#include <Poco/SAX/Attributes.h>
#include <Poco/SAX/DefaultHandler.h>
#include <Poco/SAX/Locator.h>
#include <Poco/SAX/SAXException.h>
#include <Poco/SAX/SAXParser.h>
#include <Poco/String.h>
#include <Poco/Util/LayeredConfiguration.h>
#include <Poco/Util/MapConfiguration.h>
#include <Poco/Util/SystemConfiguration.h>

namespace socketio::app {

namespace {

constexpr std::size_t kLargestFile = 16 * 1024 * 1024;

[[noreturn]] void refuse(const std::string& path, unsigned line, const std::string& problem) {
    throw UsageError(path + ", line " + std::to_string(line) + ": " + problem);
}

std::string textOf(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw UsageError("--config " + path + ": cannot be read");
    std::string text;
    char buffer[65536];
    while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
        text.append(buffer, static_cast<std::size_t>(file.gcount()));
        if (text.size() > kLargestFile) throw UsageError("--config " + path + ": too large");
    }
    if (file.bad() || text.find('\0') != text.npos)
        throw UsageError("--config " + path + ": not a configuration file");
    return text;
}

/// The syntax of Poco::Util::PropertyFileConfiguration, which forgets the lines.
class Properties {
public:
    Properties(const std::string& path, const std::string& text) : _path(path), _text(text) {}

    std::vector<ConfigEntry> read() {
        std::vector<ConfigEntry> entries;
        for (;;) {
            while (_at < _text.size() && std::isspace(static_cast<unsigned char>(_text[_at])))
                take();
            if (_at == _text.size()) return entries;
            if (_text[_at] == '#' || _text[_at] == '!') {
                while (_at < _text.size() && _text[_at] != '\n') take();
                continue;
            }
            entries.push_back(entry());
        }
    }

private:
    char take() {
        const char c = _text[_at++];
        if (c == '\n') ++_line;
        return c;
    }

    ConfigEntry entry() {
        ConfigEntry entry;
        entry.line = _line;
        while (_at < _text.size() &&
               std::string_view("=:\r\n").find(_text[_at]) == std::string_view::npos)
            entry.key += take();
        Poco::trimInPlace(entry.key);
        if (_at == _text.size() || _text[_at] == '\r' || _text[_at] == '\n')
            refuse(_path, entry.line,
                   "\"" + entry.key + "\" is no setting: `key = value` is needed");
        take();
        while (_at < _text.size() && _text[_at] != '\n' && _text[_at] != '\r') {
            const char c = take();
            if (c != '\\' || _at == _text.size()) {
                entry.value += c;
                continue;
            }
            switch (const char escaped = take()) {
                case 't':
                    entry.value += '\t';
                    break;
                case 'r':
                    entry.value += '\r';
                    break;
                case 'n':
                    entry.value += '\n';
                    break;
                case 'f':
                    entry.value += '\f';
                    break;
                case '\r':
                    if (_at < _text.size() && _text[_at] == '\n') take();
                    break;
                case '\n':
                    break;
                default:
                    entry.value += escaped;
            }
        }
        Poco::trimInPlace(entry.value);
        return entry;
    }

    const std::string& _path;
    const std::string& _text;
    std::size_t _at = 0;
    unsigned _line = 1;
};

/// Elements and attributes as keys, the root element aside.
class XmlReader : public Poco::XML::DefaultHandler {
public:
    explicit XmlReader(std::vector<ConfigEntry>& entries) : _entries(entries) {}

    unsigned line() const {
        return _locator ? static_cast<unsigned>(std::max(1, _locator->getLineNumber())) : 1;
    }

    void setDocumentLocator(const Poco::XML::Locator* locator) override { _locator = locator; }
    void startElement(const Poco::XML::XMLString&, const Poco::XML::XMLString& name,
                      const Poco::XML::XMLString& qualified,
                      const Poco::XML::Attributes& attributes) override {
        if (!_open.empty()) _open.back().hasChildren = true;
        Element element;
        element.line = line();
        if (!_open.empty()) {
            element.path = _open.back().path;
            if (!element.path.empty()) element.path += '.';
            element.path += name.empty() ? qualified : name;
        }
        for (int i = 0; i < attributes.getLength(); ++i) {
            const std::string& local = attributes.getLocalName(i);
            const std::string attribute = local.empty() ? attributes.getQName(i) : local;
            _entries.push_back({element.path.empty() ? attribute : element.path + "." + attribute,
                                attributes.getValue(i), element.line});
            element.hasChildren = true;
        }
        _open.push_back(std::move(element));
    }
    void characters(const Poco::XML::XMLChar text[], int start, int length) override {
        if (!_open.empty())
            _open.back().text.append(text + start, static_cast<std::size_t>(length));
    }
    void endElement(const Poco::XML::XMLString&, const Poco::XML::XMLString&,
                    const Poco::XML::XMLString&) override {
        Element element = std::move(_open.back());
        _open.pop_back();
        Poco::trimInPlace(element.text);
        if (!element.path.empty() && (!element.hasChildren || !element.text.empty()))
            _entries.push_back({element.path, element.text, element.line});
    }

private:
    struct Element {
        std::string path, text;
        unsigned line = 1;
        bool hasChildren = false;
    };
    std::vector<ConfigEntry>& _entries;
    std::vector<Element> _open;
    const Poco::XML::Locator* _locator = nullptr;
};

std::vector<ConfigEntry> readXml(const std::string& path, const std::string& text) {
    std::vector<ConfigEntry> entries;
    XmlReader reader(entries);
    Poco::XML::SAXParser parser;
    parser.setContentHandler(&reader);
    parser.setFeature(Poco::XML::XMLReader::FEATURE_EXTERNAL_GENERAL_ENTITIES, false);
    parser.setFeature(Poco::XML::XMLReader::FEATURE_EXTERNAL_PARAMETER_ENTITIES, false);
    try {
        parser.parseString(text);
    } catch (const Poco::XML::SAXParseException& e) {
        refuse(path, static_cast<unsigned>(std::max(1, e.getLineNumber())), e.message());
    } catch (const Poco::Exception& e) {
        throw UsageError("--config " + path + ": " + e.displayText());
    }
    return entries;
}

/// The values come from Poco::JSON; this one says in which lines they stand, which that does not.
/// It runs over text that has been found to be JSON.
class JsonLines {
public:
    explicit JsonLines(const std::string& text) : _text(text) {}

    /// The line of every key, in the order of their appearance.
    std::vector<unsigned> read() {
        std::vector<unsigned> lines;
        unsigned line = 1, stringLine = 1;
        bool string = false;  // the last token was one
        for (std::size_t at = 0; at < _text.size(); ++at) {
            const char c = _text[at];
            if (c == '\n') ++line;
            if (c == '"') {
                stringLine = line;
                for (++at; at < _text.size() && _text[at] != '"'; ++at)
                    if (_text[at] == '\\') ++at;
                string = true;
            } else if (c == ':' && string) {
                lines.push_back(stringLine);
                string = false;
            } else if (!std::isspace(static_cast<unsigned char>(c))) {
                string = false;
            }
        }
        return lines;
    }

private:
    const std::string& _text;
};

/// Collects keys and values while Poco::JSON parses.
class JsonReader : public Poco::JSON::Handler {
public:
    JsonReader(std::vector<ConfigEntry>& entries, std::vector<unsigned> lines)
        : _entries(entries), _lines(std::move(lines)) {}

    void reset() override {}
    void startObject() override {
        if (inArray()) throw Poco::DataFormatException("an object inside of an array");
        _open.push_back({_key, false});
    }
    void endObject() override { leave(); }
    void startArray() override {
        if (inArray() || _open.empty()) throw Poco::DataFormatException("an array in this place");
        _open.push_back({_key, true});
        _list.clear();
    }
    void endArray() override {
        _entries.push_back({_key, _list, _line});
        leave();
    }
    void key(const std::string& name) override {
        _key = _open.empty() || _open.back().path.empty() ? name : _open.back().path + "." + name;
        _line = _next < _lines.size() ? _lines[_next++] : 1;
    }
    void null() override { add(""); }
    void value(int number) override { add(std::to_string(number)); }
    void value(unsigned number) override { add(std::to_string(number)); }
    void value(Poco::Int64 number) override { add(std::to_string(number)); }
    void value(Poco::UInt64 number) override { add(std::to_string(number)); }
    void value(double number) override {
        std::ostringstream text;
        text << number;
        add(text.str());
    }
    void value(bool flag) override { add(flag ? "true" : "false"); }
    void value(const std::string& text) override { add(text); }

private:
    struct Open {
        std::string path;
        bool array;
    };
    bool inArray() const { return !_open.empty() && _open.back().array; }
    void leave() {
        if (!_open.empty()) _open.pop_back();
    }
    void add(const std::string& text) {
        if (_open.empty()) throw Poco::DataFormatException("not an object");
        if (!inArray()) {
            _entries.push_back({_key, text, _line});
            return;
        }
        if (!_list.empty()) _list += ", ";
        _list += text;
    }

    std::vector<ConfigEntry>& _entries;
    const std::vector<unsigned> _lines;
    std::size_t _next = 0;
    std::vector<Open> _open;
    std::string _key, _list;
    unsigned _line = 1;
};

std::vector<ConfigEntry> readJson(const std::string& path, const std::string& text) {
    std::vector<ConfigEntry> entries;
    Poco::JSON::Handler::Ptr reader(new JsonReader(entries, JsonLines(text).read()));
    try {
        Poco::JSON::Parser parser(reader);
        parser.parse(text);
    } catch (const Poco::Exception& e) {
        throw UsageError("--config " + path + ": " + e.displayText());
    }
    return entries;
}

/// Replaces ${...} as Poco's configurations do.
void expand(const std::string& path, std::vector<ConfigEntry>& entries) {
    Poco::AutoPtr<Poco::Util::LayeredConfiguration> layers(new Poco::Util::LayeredConfiguration);
    Poco::AutoPtr<Poco::Util::MapConfiguration> values(new Poco::Util::MapConfiguration);
    Poco::AutoPtr<Poco::Util::SystemConfiguration> system(new Poco::Util::SystemConfiguration);
    layers->add(values, 0, false);
    layers->add(system, 1, false);
    for (const ConfigEntry& entry : entries) values->setString(entry.key, entry.value);
    for (ConfigEntry& entry : entries) {
        if (entry.value.find("${") == entry.value.npos) continue;
        try {
            entry.value = layers->expand(entry.value);
        } catch (const Poco::Exception& e) {
            refuse(path, entry.line, entry.key + ": " + e.displayText());
        }
    }
}

}  // namespace

std::vector<ConfigEntry> readConfigFile(const std::string& path) {
    const std::string text = textOf(path);
    const std::string extension = Poco::toLower(Poco::Path(path).getExtension());
    std::vector<ConfigEntry> entries = extension == "xml"    ? readXml(path, text)
                                       : extension == "json" ? readJson(path, text)
                                                             : Properties(path, text).read();
    for (std::size_t i = 0; i < entries.size(); ++i)
        for (std::size_t before = 0; before < i; ++before)
            if (entries[before].key == entries[i].key)
                refuse(path, entries[i].line,
                       entries[i].key + " is given again; it stands in line " +
                           std::to_string(entries[before].line) + " already");
    expand(path, entries);
    return entries;
}

}  // namespace socketio::app
