// FastCGI records: the same records however the bytes are cut, and what is read can be written
// again.
#include <string>
#include <vector>

#include "socketio/fcgi/FcgiRecord.h"

#include "Pieces.h"

namespace {

using socketio::FcgiRecord;
using socketio::FcgiRecordReader;
using socketio::fuzz::Exact;
using socketio::fuzz::require;
using Event = FcgiRecordReader::Event;

struct Record {
    int type = 0, id = 0;
    std::size_t padding = 0;
    std::string content;
    bool ended = false;

    bool operator==(const Record&) const = default;
};

struct Reading {
    std::vector<Record> records;
    bool bad = false, inside = false;

    bool operator==(const Reading&) const = default;
};

Reading readPieces(const std::vector<std::string_view>& pieces) {
    FcgiRecordReader reader;
    Reading reading;
    for (const std::string_view piece : pieces) {
        const Exact exact(piece);
        std::string_view rest = exact;
        for (bool more = true; more && !reading.bad;) {
            switch (reader.next(rest)) {
                case Event::NeedMore:
                    require(rest.empty(), "all is used while more is wanted");
                    more = false;
                    break;
                case Event::Record: {
                    Record& record = reading.records.emplace_back();
                    record.type = static_cast<int>(reader.record().type);
                    record.id = reader.record().id;
                    record.padding = reader.record().paddingLength;
                    break;
                }
                case Event::Content:
                    require(!reader.content().empty(), "content is never empty");
                    require(!reading.records.empty() && !reading.records.back().ended,
                            "content inside a record");
                    reading.records.back().content += reader.content();
                    break;
                case Event::End:
                    require(reading.records.back().content.size() == reader.record().contentLength,
                            "the length of the content");
                    reading.records.back().ended = true;
                    break;
                case Event::Bad:
                    reading.bad = true;
                    break;
            }
        }
    }
    reading.inside = !reading.bad && reader.inside();
    return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input = socketio::fuzz::view(data, size);
    const Reading whole = socketio::fuzz::sameHoweverCut(input, readPieces);
    // Written again, without padding, they are the same.
    std::string written;
    for (const Record& record : whole.records) {
        if (!record.ended) continue;
        socketio::appendFcgiHeader(written, static_cast<FcgiRecord::Type>(record.type),
                                   static_cast<std::uint16_t>(record.id), record.content.size());
        written += record.content;
    }
    const Reading again = readPieces({written});
    require(!again.bad && !again.inside, "what is written is whole");
    std::size_t at = 0;
    for (const Record& record : whole.records) {
        if (!record.ended) continue;
        require(at < again.records.size() && again.records[at].content == record.content &&
                    again.records[at].type == record.type && again.records[at].id == record.id,
                "what is written is read");
        ++at;
    }
    require(at == again.records.size(), "as many records");
    return 0;
}
