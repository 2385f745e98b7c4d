#pragma once

/// Everything that a program with a Socket.IO server needs; Redis, RabbitMQ and FastCGI have
/// headers of their own.
#include "socketio/http/HttpServer.h"
#include "socketio/middleware/Middleware.h"
#include "socketio/middleware/StaticFiles.h"
#include "socketio/server/Server.h"
