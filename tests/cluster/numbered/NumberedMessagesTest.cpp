#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <cppunit/TestFixture.h>
#include <cppunit/extensions/HelperMacros.h>

#include "support/NumberedMessages.h"

namespace socketio::test {

namespace {

constexpr std::size_t kMessages = 30'000;

using Texts = std::vector<std::string>;

}  // namespace

/// The checker is told of messages that a network between it and the sender has spoiled.
class NumberedMessagesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(NumberedMessagesTest);
    CPPUNIT_TEST(isContentWithAllInOrder);
    CPPUNIT_TEST(missesOneInTenThousand);
    CPPUNIT_TEST(noticesTwoThatAreSwapped);
    CPPUNIT_TEST(noticesOneThatIsRepeated);
    CPPUNIT_TEST(noticesAChangedByte);
    CPPUNIT_TEST(noticesWhatWasNotForTheReceiver);
    CPPUNIT_TEST(noticesWhatWasNeverSent);
    CPPUNIT_TEST(refusedOnesNeedNotCome);
    CPPUNIT_TEST(whoIsGoneHeardAPrefix);
    CPPUNIT_TEST(noticesAGapInThePrefix);
    CPPUNIT_TEST(silenceIsNoSuccess);
    CPPUNIT_TEST(writesDownTenAnomalies);
    CPPUNIT_TEST_SUITE_END();

public:
    void isContentWithAllInOrder() {
        const Verdict verdict = after([](Texts&) {});
        CPPUNIT_ASSERT_MESSAGE(verdict.text(), verdict.good());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(kMessages), verdict.attempted);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(kMessages), verdict.received);
    }

    void missesOneInTenThousand() {
        const Verdict verdict = after([](Texts& texts) {
            for (std::size_t i = 9'999; i < texts.size(); i += 9'999)
                texts.erase(texts.begin() + static_cast<std::ptrdiff_t>(i));
        });
        CPPUNIT_ASSERT(!verdict.good());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(3), verdict.lost);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), verdict.reordered + verdict.duplicated);
    }

    void noticesTwoThatAreSwapped() {
        const Verdict verdict =
            after([](Texts& texts) { std::swap(texts[12'345], texts[12'346]); });
        CPPUNIT_ASSERT(!verdict.good());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), verdict.reordered);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), verdict.lost + verdict.duplicated);
    }

    void noticesOneThatIsRepeated() {
        const Verdict verdict =
            after([](Texts& texts) { texts.insert(texts.begin() + 20'000, texts[19'000]); });
        CPPUNIT_ASSERT(!verdict.good());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), verdict.duplicated);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(0), verdict.lost + verdict.reordered);
    }

    void noticesAChangedByte() {
        const Verdict verdict = after([](Texts& texts) { texts[23].replace(12, 1, "y"); });
        CPPUNIT_ASSERT(!verdict.good());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), verdict.corrupt);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), verdict.lost);
        CPPUNIT_ASSERT_EQUAL(std::size_t(2), verdict.anomalies.size());
    }

    void noticesWhatWasNotForTheReceiver() {
        NumberedMessages messages("run");
        const auto meant = messages.addReceiver("meant"), other = messages.addReceiver("other");
        const auto stream = messages.addStream("stream", {meant, other});
        const std::string text = messages.attempt(stream, {meant});
        messages.received(meant, text);
        CPPUNIT_ASSERT(messages.waitUntilComplete(TimePoint::min()));
        messages.received(other, text);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), messages.verdict().unexpected);
        CPPUNIT_ASSERT(!messages.verdict().good());
    }

    void noticesWhatWasNeverSent() {
        NumberedMessages messages("run");
        const auto receiver = messages.addReceiver("receiver");
        const auto stream = messages.addStream("stream", {receiver});
        messages.received(receiver, messages.attempt(stream));
        CPPUNIT_ASSERT(messages.verdict().good());
        messages.received(receiver, NumberedMessages::message("run", stream, 1));
        messages.received(receiver, NumberedMessages::message("run", stream + 1, 0));
        messages.received(receiver, NumberedMessages::message("another run", stream, 0));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(3), messages.verdict().unexpected);
        for (const char* const text : {"", ":", "nonsense", "run:0:1", "run:0:1::4294967296"})
            messages.received(receiver, text);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(5), messages.verdict().corrupt);
    }

    void refusedOnesNeedNotCome() {
        NumberedMessages messages("run");
        const auto receiver = messages.addReceiver("receiver");
        const auto stream = messages.addStream("stream", {receiver});
        messages.attempt(stream);
        messages.refused(stream);
        messages.received(receiver, messages.attempt(stream));
        CPPUNIT_ASSERT_MESSAGE(messages.verdict().text(), messages.verdict().good());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), messages.verdict().refused);
    }

    void whoIsGoneHeardAPrefix() {
        const Verdict sender = after([](Texts& texts) { texts.resize(20'000); }, true);
        CPPUNIT_ASSERT_MESSAGE(sender.text(), sender.good());
        const Verdict receiver = after([](Texts& texts) { texts.resize(20'000); }, false, true);
        CPPUNIT_ASSERT_MESSAGE(receiver.text(), receiver.good());
    }

    void noticesAGapInThePrefix() {
        const Verdict verdict = after(
            [](Texts& texts) {
                texts.resize(20'000);
                texts.erase(texts.begin() + 10'000);
            },
            true);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), verdict.lost);
    }

    void silenceIsNoSuccess() {
        NumberedMessages messages("run");
        CPPUNIT_ASSERT(!messages.verdict().good());
        messages.addStream("stream", {messages.addReceiver("receiver")});
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(1), messages.verdict().silent);
        CPPUNIT_ASSERT(!messages.verdict().good());
    }

    void writesDownTenAnomalies() {
        const Verdict verdict =
            after([](Texts& texts) { texts.insert(texts.end(), 20, texts[0]); });
        CPPUNIT_ASSERT_EQUAL(std::uint64_t(20), verdict.duplicated);
        CPPUNIT_ASSERT_EQUAL(std::size_t(10), verdict.anomalies.size());
        CPPUNIT_ASSERT_EQUAL(std::string("receiver, stream: duplicated: run:0:0::1543319906"),
                             verdict.anomalies[0]);
    }

private:
    static Verdict after(const std::function<void(Texts&)>& spoil, bool ended = false,
                         bool left = false) {
        NumberedMessages messages("run");
        const auto receiver = messages.addReceiver("receiver");
        const auto stream = messages.addStream("stream", {receiver});
        Texts texts;
        while (texts.size() < kMessages) texts.push_back(messages.attempt(stream));
        spoil(texts);
        for (const std::string& each : texts) messages.received(receiver, each);
        if (ended) messages.ended(stream);
        if (left) messages.left(receiver);
        return messages.verdict();
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(NumberedMessagesTest);

}  // namespace socketio::test
