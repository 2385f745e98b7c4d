// The official server speaking the protocol that InteropServer.cpp describes. The drivers are
// checked against it: `node interop.js --reference`. Usage: node reference-server.js [--port N]
'use strict';
const http = require('http');
const { Server } = require('socket.io');

const portAt = process.argv.indexOf('--port');
const port = portAt < 0 ? 0 : Number(process.argv[portAt + 1]);
const token = (socket) => socket.handshake.auth.token || socket.handshake.query.token;

function refuse(message, data) {
    const error = new Error(message);
    error.data = data;
    return error;
}

const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const nested = () => ({
    name: 'nested',
    parts: [Buffer.from([1, 2, 3]), { deep: Buffer.alloc(0) }, 'text', [bytes]],
    none: null,
});

const httpServer = http.createServer();
const io = new Server(httpServer, { allowEIO3: true, maxHttpBufferSize: 1e6 });

function serve(nsp) {
    nsp.on('connection', (socket) => {
        socket.emit('welcome', {
            sid: socket.id,
            nsp: nsp.name,
            token: token(socket) || null,
            eio: socket.handshake.query.EIO,
        });
        socket.on('echo', (...args) => socket.emit('echo', ...args));
        socket.on('return', (...args) => args.pop()(...args));
        socket.on('join', (room, ack) => {
            socket.join(room);
            ack('joined');
        });
        socket.on('leave', (room, ack) => {
            socket.leave(room);
            ack('left');
        });
        socket.on('rooms', (ack) => ack([...socket.rooms].sort()));
        socket.on('to room', (room, message, ack) => {
            socket.to(room).emit('room message', message);
            ack();
        });
        socket.on('to all', (message) => nsp.emit('to all', message));
        socket.on('ask', (question) => {
            socket.emit('question', question, (...answer) => socket.emit('answered', ...answer));
        });
        socket.on('call', (question, ack) => {
            socket.emit('question', question, (...answer) => ack(...answer));
        });
        socket.on('send binary', () => socket.emit('binary', bytes));
        socket.on('send nested', () => socket.emit('nested', nested()));
        socket.on('ask nested', (ack) => ack(nested()));
        socket.on('burst', (count) => {
            for (let i = 0; i < count; ++i) socket.emit('number', i);
        });
        socket.on('transport', (ack) => ack(socket.conn.transport.name));
        socket.on('kick', () => socket.disconnect());
        socket.on('disconnect', (reason) => nsp.emit('left', { sid: socket.id, reason }));
    });
}

serve(io.of('/'));
serve(io.of('/chat'));
const secret = io.of('/secret');
secret.use((socket, next) => {
    if (token(socket) === 'letmein') next();
    else next(refuse('bad token', { code: 7, hint: 'say letmein' }));
});
serve(secret);
io.of('/closed').use((socket, next) => next(refuse('closed today')));

httpServer.listen(port, '127.0.0.1', () => {
    console.log(`listening on ${httpServer.address().port}`);
});
process.on('SIGTERM', () => {
    io.close();
    setTimeout(() => process.exit(0), 200).unref();
});
