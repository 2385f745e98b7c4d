#pragma once

namespace socketio {

/// Makes warnings and errors of ours visible in a program that has not set up logging: without a
/// channel POCO drops what is logged.
///
/// Loggers "socketio" and below that have no channel get that of the root logger, with its level;
/// when it has none either, standard error from warnings up. Who wants silence sets a
/// Poco::NullChannel.
///
/// Threads: thread-safe.
void ensureLogChannel();

}  // namespace socketio
