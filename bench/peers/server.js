// The official Socket.IO server with its default settings: usage `node server.js PORT`.
"use strict";

const { createServer } = require("http");
const { Server } = require("socket.io");

const httpServer = createServer();
const io = new Server(httpServer);

io.on("connection", (socket) => {
    socket.on("echo", (value, acknowledge) => acknowledge(value));
    socket.on("bcast", (value) => io.emit("b", value));
});

httpServer.listen(Number(process.argv[2]), "127.0.0.1");
