// The official Socket.IO server with its default settings: usage
// `node server.js [--tls FOLDER | --manager REDIS_URL] PORT`, where FOLDER holds cert.pem and key.pem.
"use strict";

const { readFileSync } = require("fs");
const http = require("http");
const https = require("https");
const { Server } = require("socket.io");

const valueOf = (option) => (process.argv[2] === option ? process.argv[3] : null);
const folder = valueOf("--tls");
const manager = valueOf("--manager");
const httpServer = folder
    ? https.createServer({
          cert: readFileSync(`${folder}/cert.pem`),
          key: readFileSync(`${folder}/key.pem`),
      })
    : http.createServer();
const io = new Server(httpServer);

// Emits `m` at a steady rate to the rooms c0, c1... in turn: the time, a number and a text.
let timer = null;
let emitted = 0;
function start(rate, rooms) {
    let begin = process.hrtime.bigint();
    emitted = 0;
    timer = setInterval(() => {
        let due = Math.floor((Number(process.hrtime.bigint() - begin) * rate) / 1e9);
        if (due - emitted > rate / 10) {
            // Too slow by 100 ms: those are left out.
            begin += BigInt(Math.floor(((due - emitted) * 1e9) / rate));
            due = emitted;
        }
        for (; emitted < due; ++emitted)
            io.to(`c${emitted % rooms}`).emit(
                "m", Number(process.hrtime.bigint()), emitted, "0123456789abcdef0123456789abcdef");
    }, 1);
}

io.on("connection", (socket) => {
    socket.on("echo", (value, acknowledge) => acknowledge(value));
    socket.on("bcast", (value) => io.emit("b", value));
    socket.on("block", (milliseconds, acknowledge) => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
        acknowledge(milliseconds);
    });
    socket.on("join", (room, acknowledge) => {
        socket.join(room);
        acknowledge(room);
    });
    socket.on("start", start);
    socket.on("stop", (acknowledge) => {
        clearInterval(timer);
        acknowledge(emitted);
    });
});

async function useRedis(url) {
    const { createClient } = require("redis");
    const { createAdapter } = require("@socket.io/redis-adapter");
    const publisher = createClient({ url });
    const subscriber = publisher.duplicate();
    await Promise.all([publisher.connect(), subscriber.connect()]);
    io.adapter(createAdapter(publisher, subscriber));
}

(manager ? useRedis(manager) : Promise.resolve()).then(() =>
    httpServer.listen(Number(process.argv.at(-1)), "127.0.0.1"));
