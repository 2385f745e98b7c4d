// The official Socket.IO server with its default settings: usage `node server.js [--tls FOLDER] PORT`,
// where FOLDER holds cert.pem and key.pem.
"use strict";

const { readFileSync } = require("fs");
const http = require("http");
const https = require("https");
const { Server } = require("socket.io");

const folder = process.argv[2] === "--tls" ? process.argv[3] : null;
const httpServer = folder
    ? https.createServer({
          cert: readFileSync(`${folder}/cert.pem`),
          key: readFileSync(`${folder}/key.pem`),
      })
    : http.createServer();
const io = new Server(httpServer);

io.on("connection", (socket) => {
    socket.on("echo", (value, acknowledge) => acknowledge(value));
    socket.on("bcast", (value) => io.emit("b", value));
});

httpServer.listen(Number(process.argv.at(-1)), "127.0.0.1");
